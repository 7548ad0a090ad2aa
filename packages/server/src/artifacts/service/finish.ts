import { type Answer, batched, type Transaction } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import { artifactCreated } from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import * as store from '../store.ts';
import { type ArtifactDeps, bytesKey, objectName } from './deps.ts';

export interface FinishedUpload {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly uploadId: string;
}

/**
 * Makes an artifact readable whose object has been uploaded, and says so. Safe to repeat; the message repeats
 * too.
 */
export const finishArtifactWith = (deps: ArtifactDeps) => {
  const finishes = batched(deps, 'finish-artifacts', (tx, items: readonly FinishedUpload[], { now }) =>
    finishArtifacts(tx, items, { deps, now }),
  );
  return async (item: FinishedUpload): Promise<undefined> => {
    await finishes.one(item);
  };
};

const finishArtifacts = async (
  tx: Transaction,
  items: readonly FinishedUpload[],
  { deps, now }: { deps: ArtifactDeps; now: Date },
): Promise<Answer<undefined>[]> => {
  const found = await store.readArtifacts(tx, items);
  const artifacts = new Map(found.map((artifact) => [bytesKey(artifact), artifact]));
  const uploaded = await deps.objects.readableAmong(tx, items.map(objectName));
  const refusals = items.map((item) =>
    lifecycle.finishRefusal(artifacts.get(bytesKey(item)), {
      uploadId: item.uploadId,
      isUploaded: uploaded.has(objectName(item)),
    }),
  );
  const finished = items.filter((_item, i) => !refusals[i]);
  await store.presentArtifacts(tx, finished);
  const ids = [...new Set(finished.map((item) => item.taskId))];
  const statuses = new Map((await deps.readStatuses(tx, ids)).map((status) => [status.taskId, status]));
  const messages = finished.flatMap((item) => {
    const [artifact, status] = [artifacts.get(bytesKey(item)), statuses.get(item.taskId)];
    return artifact && status ? [artifactCreated(artifact, status)] : [];
  });
  tx.last(outbox.append(tx, messages, now));
  return refusals;
};
