import { RequestError, type Sql, type Work } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { Artifact } from '../lifecycle.ts';
import type { ArtifactResponse, ListArtifactsResponse } from '../schema.ts';
import * as store from '../store.ts';

/** An artifact as listings show it. */
export const artifactView = (artifact: Artifact): ArtifactResponse => ({
  storageType: artifact.storageType,
  name: artifact.name,
  expires: artifact.expires.toJSON(),
  contentType: artifact.contentType,
  ...(artifact.contentLength === null ? {} : { contentLength: artifact.contentLength }),
});

export interface Listing {
  readonly taskId: string;
  readonly runId: number | 'latest';
  readonly limit?: number;
  readonly continuationToken?: string;
}

const pages = pagesOf('queue.listArtifacts', ['text']);

/** A page of the artifacts of a run, by name, whether or not they can be read yet. */
export const listArtifacts = async (
  sql: Sql,
  { taskId, runId, limit, continuationToken }: Listing,
  { context }: Work<Context>,
): Promise<ListArtifactsResponse> => {
  const [status] = await context.readStatuses(sql, [taskId]);
  if (!status) throw new RequestError('ResourceNotFound', `There is no task ${taskId}.`);
  const run = runId === 'latest' ? status.runs.at(-1) : status.runs[runId];
  if (!run) throw new RequestError('ResourceNotFound', `The task ${taskId} has no such run.`);
  const [after] = pages.keyInOrStart(continuationToken) ?? [''];
  const rows = await store.listArtifacts(sql, {
    taskId,
    runId: run.runId,
    after,
    limit: pageLimit(limit),
  });
  const { rows: artifacts, ...more } = pages.pageOf(rows, limit, (artifact) => [artifact.name]);
  return { artifacts: artifacts.map(artifactView), ...more };
};
