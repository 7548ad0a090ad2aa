import type { Verb } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Context } from '../context.ts';
import { artifactCreated } from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import * as store from '../store.ts';
import { bytesKey, objectName } from './keys.ts';

export interface FinishedUpload {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly uploadId: string;
}

/** Makes artifacts readable whose objects have been uploaded, and reports them. Safe to repeat, with another message. */
export const finishArtifacts: Verb<FinishedUpload, undefined, Context> = async (
  tx,
  items,
  { now, context },
) => {
  const found = await store.readArtifacts(tx, items);
  const artifacts = new Map(found.map((artifact) => [bytesKey(artifact), artifact]));
  const uploaded = await context.objects.readableAmong(tx, items.map(objectName));
  const refusals = items.map((item) =>
    lifecycle.finishRefusal(artifacts.get(bytesKey(item)), {
      uploadId: item.uploadId,
      isUploaded: uploaded.has(objectName(item)),
    }),
  );
  const finished = items.filter((_item, i) => !refusals[i]);
  await store.presentArtifacts(tx, finished);
  const ids = [...new Set(finished.map((item) => item.taskId))];
  const statuses = new Map((await context.readStatuses(tx, ids)).map((status) => [status.taskId, status]));
  const messages = finished.flatMap((item) => {
    const [artifact, status] = [artifacts.get(bytesKey(item)), statuses.get(item.taskId)];
    return artifact && status ? [artifactCreated(artifact, status)] : [];
  });
  tx.last(outbox.append(tx, messages, now));
  return refusals;
};
