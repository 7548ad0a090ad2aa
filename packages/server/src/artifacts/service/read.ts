import { hours, later, minutes, type ReadVerb, RequestError, type Sql } from '../../base/index.ts';
import { type Authorize, Reply } from '../../http/index.ts';
import type { KeptContent } from '../../objects/index.ts';
import type { Context } from '../context.ts';
import * as lifecycle from '../lifecycle.ts';
import type { ArtifactContentResponse } from '../schema.ts';
import * as store from '../store.ts';
import { bytesKey, objectName, runOfBytes } from './keys.ts';

type Ref = lifecycle.ArtifactRef;
type Authorized = Ref & { readonly authorize: Authorize };

const downloadUrlMs = minutes(30);
const downloadCredentialsMs = hours(1);
const linksMax = 100;

/** Finds artifacts by name; a missing one is a ResourceNotFound. */
export const findArtifacts: ReadVerb<Ref, lifecycle.Artifact, Context> = async (sql, refs, { context }) => {
  const unsure = refs.filter((ref) => ref.runId === 'latest').map((ref) => ref.taskId);
  const statuses = unsure.length === 0 ? [] : await context.readStatuses(sql, [...new Set(unsure)]);
  const lastRuns = new Map(statuses.map((status) => [status.taskId, status.runs.length - 1]));
  const keys = refs.map(({ taskId, runId, name }) => ({
    taskId,
    runId: runId === 'latest' ? (lastRuns.get(taskId) ?? -1) : runId,
    name,
  }));
  const found = await store.readArtifacts(sql, keys);
  const artifacts = new Map(found.map((artifact) => [bytesKey(artifact), artifact]));
  return keys.map(
    (key) =>
      artifacts.get(bytesKey(key)) ??
      new RequestError('ResourceNotFound', `There is no artifact ${key.name} of this run.`),
  );
};

type Find = (ref: Ref) => Promise<lifecycle.Artifact>;

/**
 * The artifact at the end of all links. The caller needs the scope of each name on the way. It is checked before anything
 * is read, so that a caller without it learns nothing.
 */
export const followWith =
  (context: Context, find: Find) =>
  async ({ authorize, ...ref }: Authorized): Promise<lifecycle.Artifact> => {
    const names: string[] = [];
    for (let next: Ref = ref; names.length < linksMax; ) {
      if (names.includes(next.name)) {
        throw new RequestError('InputError', `The links form a cycle: ${[...names, next.name].join(' → ')}`);
      }
      names.push(next.name);
      authorize({ names });
      const artifact = await find(next);
      const refusal = lifecycle.readRefusal(artifact, context.clock.now());
      if (refusal) throw refusal;
      if (artifact.storageType !== 'link') return artifact;
      next = { ...artifact, name: lifecycle.detailsOf(artifact).artifact ?? '' };
    }
    throw new RequestError('InputError', `More than ${linksMax} links follow one another.`);
  };

const urlOf = async (artifact: lifecycle.Artifact, { objects, clock }: Context): Promise<string> => {
  if (artifact.storageType === 'reference') return lifecycle.detailsOf(artifact).url ?? '';
  if (artifact.storageType === 'object') return objects.downloadUrl(objectName(artifact));
  const until = later(clock.now(), downloadUrlMs);
  if (lifecycle.keepsContent(artifact)) return objects.contentUrl(bytesKey(artifact), until);
  return objects.artifactBytes.downloadUrl(bytesKey(artifact), until);
};

/** The bytes that an artifact keeps, by their key; undefined when it keeps none. */
export const readContent = async (sql: Sql, key: string): Promise<KeptContent | undefined> => {
  const run = runOfBytes(key);
  const name = run && key.slice(bytesKey({ ...run, name: '' }).length);
  const found = run && name !== undefined && (await store.readContent(sql, { ...run, name }));
  if (!found) return undefined;
  const { sha256 = '', encoding } = lifecycle.detailsOf(found);
  return { bytes: found.content, sha256, contentType: found.contentType, contentEncoding: encoding };
};

/** Redirects to the artifact; the reply to an error artifact contains the error. */
export const redirectTo = async (artifact: lifecycle.Artifact, context: Context): Promise<Reply> => {
  const { storageType } = artifact;
  const headers = { 'x-taskcluster-artifact-storage-type': storageType };
  if (storageType === 'error') {
    const { reason, message } = lifecycle.detailsOf(artifact);
    return new Reply(424, { reason, message }, headers);
  }
  const url = await urlOf(artifact, context);
  return new Reply(303, { storageType, url }, { ...headers, location: url });
};

/** How to fetch the artifact, for clients that check what they fetch. */
export const contentOf = async (
  artifact: lifecycle.Artifact,
  context: Context,
): Promise<ArtifactContentResponse> => {
  const { storageType } = artifact;
  if (storageType === 'error') {
    const { reason = '', message = '' } = lifecycle.detailsOf(artifact);
    return { storageType, reason, message };
  }
  if (storageType === 'object') return objectContent(artifact, context);
  return { storageType: storageType as 's3' | 'reference', url: await urlOf(artifact, context) };
};

const objectContent = (
  artifact: lifecycle.Artifact,
  { issueCredentials, clock }: Context,
): ArtifactContentResponse => {
  const name = objectName(artifact);
  const start = clock.now();
  const credentials = issueCredentials({
    // Names may contain characters that client ids may not.
    clientId: `artifact-download/${bytesKey(artifact)}`.replace(/[^A-Za-z0-9!@/:.+|_-]/g, '_'),
    scopes: [`object:download:${name}`],
    start,
    expiry: later(start, downloadCredentialsMs),
  });
  return { storageType: 'object', name, credentials };
};
