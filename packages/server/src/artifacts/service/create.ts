import { type Answer, hours, later, minutes, RequestError, slugid, type Verb } from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { StatusWithLabels } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import { artifactCreated } from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { PostArtifactResponse } from '../schema.ts';
import * as store from '../store.ts';
import { bytesKey, objectName } from './keys.ts';

/** An artifact as it is now, and the status of its task. */
export interface Created {
  readonly artifact: lifecycle.Artifact;
  readonly status: StatusWithLabels;
}

const uploadUrlMs = minutes(45);
const uploadCredentialsMsMax = hours(24);

/**
 * Adds artifacts to runs. Safe to repeat. A later expiry, another URL of a reference, and a link in place of a reference are
 * allowed changes.
 */
export const createArtifacts: Verb<lifecycle.NewArtifact, Created, Context> = async (
  tx,
  items,
  { now, context },
) => {
  const ids = [...new Set(items.map((item) => item.taskId))];
  const statuses = new Map((await context.readStatuses(tx, ids)).map((status) => [status.taskId, status]));
  const answers: Answer<Created>[] = [];
  const asked = items.map((item, i) => {
    const status = statuses.get(item.taskId);
    const refusal = lifecycle.refusalOf(item, status, now);
    if (refusal || !status) {
      answers[i] = refusal ?? new RequestError('InputError', 'Task not found');
      return undefined;
    }
    const fresh = { uploadId: slugid(), projectId: status.projectId };
    return { i, status, artifact: lifecycle.artifactAskedFor(item, fresh), content: item.content };
  });
  for (const round of roundsOf(asked.filter((one) => one !== undefined))) {
    const stored = new Map(
      (
        await store.upsertArtifacts(
          tx,
          round.map(({ artifact, content }) => ({ ...artifact, content })),
        )
      ).map((artifact) => [bytesKey(artifact), artifact]),
    );
    for (const { i, artifact, status } of round) {
      const found = stored.get(bytesKey(artifact));
      answers[i] = found ? { artifact: found, status } : alreadyExists(artifact);
    }
  }
  tx.last(outbox.append(tx, messagesOf(answers), now));
  return answers;
};

/** Items with the same key are written one after the other, since a statement changes a row only once. */
const roundsOf = <Item extends { readonly artifact: lifecycle.Artifact }>(
  items: readonly Item[],
): Item[][] => {
  const rounds: Item[][] = [];
  const seen = new Map<string, number>();
  for (const item of items) {
    const key = bytesKey(item.artifact);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    rounds[round] ??= [];
    rounds[round].push(item);
  }
  return rounds;
};

const alreadyExists = ({ name }: lifecycle.Artifact): RequestError =>
  new RequestError('RequestConflict', `The artifact ${name} already exists with different properties`);

const messagesOf = (answers: readonly Answer<Created>[]) =>
  answers
    .filter((answer): answer is Created => !(answer instanceof RequestError))
    .filter(({ artifact }) => lifecycle.isAnnounced(artifact))
    .map(({ artifact, status }) => artifactCreated(artifact, status));

/** How to upload an artifact, if there is anything to upload. A repeat gets a fresh URL, or fresh credentials. */
export const whatToDo = async (created: Created, context: Context): Promise<PostArtifactResponse> => {
  const { artifact } = created;
  const { storageType } = artifact;
  if (storageType === 's3') return uploadToUrl(artifact, context);
  if (storageType === 'object') return uploadToObjects(created, context);
  return { storageType };
};

const uploadToUrl = async (
  artifact: lifecycle.Artifact,
  { objects, clock }: Context,
): Promise<PostArtifactResponse> => {
  const { contentType } = artifact;
  const terms = { contentType, expires: later(clock.now(), uploadUrlMs) };
  const { url, expires } = await objects.artifactBytes.uploadUrl(bytesKey(artifact), terms);
  return { storageType: 's3', putUrl: url, expires: expires.toJSON(), contentType };
};

const uploadToObjects = (
  { artifact, status }: Created,
  { issueCredentials, clock }: Context,
): PostArtifactResponse => {
  const { taskId, runId, expires } = artifact;
  const { uploadId = '', projectId = '' } = lifecycle.detailsOf(artifact);
  const { workerGroup, workerId } = status.runs[runId] ?? {};
  const name = objectName(artifact);
  const start = clock.now();
  const atLast = later(start, uploadCredentialsMsMax);
  const credentials = issueCredentials({
    clientId: `artifact-upload/${taskId}/${runId}/on/${workerGroup}/${workerId}`,
    scopes: [`object:upload:${projectId}:${name}`],
    start,
    expiry: new Date(Math.min(expires.getTime(), atLast.getTime())),
  });
  return { storageType: 'object', name, projectId, uploadId, expires: expires.toJSON(), credentials };
};
