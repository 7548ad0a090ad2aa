import {
  type Answer,
  batched,
  hours,
  later,
  minutes,
  RequestError,
  slugid,
  type Transaction,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { StatusWithLabels } from '../../queue/index.ts';
import { artifactCreated } from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import type { PostArtifactRequest, PostArtifactResponse } from '../schema.ts';
import * as store from '../store.ts';
import { type ArtifactDeps, bytesKey, objectName } from './deps.ts';

export interface NewArtifact {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly request: PostArtifactRequest;
}

interface Created {
  readonly artifact: lifecycle.Artifact;
  readonly status: StatusWithLabels;
}

const uploadUrlMs = minutes(45);
const uploadCredentialsMsMax = hours(24);

/**
 * Adds an artifact to a run, and says how to upload it. Safe to repeat: the same request refreshes the URL or
 * the credentials; a later expiry, another URL of a reference, and a link in place of a reference are changes
 * that may be.
 */
export const createArtifactWith = (deps: ArtifactDeps) => {
  const creates = batched(deps, 'create-artifacts', (tx, items: readonly NewArtifact[], { now }) =>
    createArtifacts(tx, items, { deps, now }),
  );
  return async (item: NewArtifact): Promise<PostArtifactResponse> => {
    const created = await creates.one(item);
    return whatToDo(created, deps);
  };
};

const createArtifacts = async (
  tx: Transaction,
  items: readonly NewArtifact[],
  { deps, now }: { deps: ArtifactDeps; now: Date },
): Promise<Answer<Created>[]> => {
  const ids = [...new Set(items.map((item) => item.taskId))];
  const statuses = new Map((await deps.readStatuses(tx, ids)).map((status) => [status.taskId, status]));
  const answers: Answer<Created>[] = [];
  const asked = items.map((item, i) => {
    const status = statuses.get(item.taskId);
    const refusal = lifecycle.refusalOf(item, status, now);
    if (refusal || !status) {
      answers[i] = refusal ?? new RequestError('InputError', 'Task not found');
      return undefined;
    }
    const fresh = { uploadId: slugid(), projectId: status.projectId };
    return { i, status, artifact: lifecycle.artifactAskedFor(item, fresh) };
  });
  for (const round of roundsOf(asked.filter((one) => one !== undefined))) {
    const stored = new Map(
      (
        await store.upsertArtifacts(
          tx,
          round.map((one) => one.artifact),
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

/** Items of the same key go one after the other: a statement changes a row once. */
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

const whatToDo = async (created: Created, deps: ArtifactDeps): Promise<PostArtifactResponse> => {
  const { artifact } = created;
  const { storageType } = artifact;
  if (storageType === 's3') return uploadToUrl(artifact, deps);
  if (storageType === 'object') return uploadToObjects(created, deps);
  return { storageType };
};

const uploadToUrl = async (
  artifact: lifecycle.Artifact,
  { objects, clock }: ArtifactDeps,
): Promise<PostArtifactResponse> => {
  const { contentType } = artifact;
  const terms = { contentType, expires: later(clock.now(), uploadUrlMs) };
  const { url, expires } = await objects.artifactBytes.uploadUrl(bytesKey(artifact), terms);
  return { storageType: 's3', putUrl: url, expires: expires.toJSON(), contentType };
};

const uploadToObjects = (
  { artifact, status }: Created,
  { issueCredentials, clock }: ArtifactDeps,
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
