import { createHash } from 'node:crypto';
import { ApiError, type Credentials, Queue, uploadArtifact } from '@taskyard/client';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { Packed } from './pack.ts';

/** The server of sources, and the caller's credentials. */
export interface Destination {
  readonly rootUrl: string;
  readonly credentials: Credentials | undefined;
  readonly now: Date;
}

/** A source on the server, as tasks mount it. */
export interface UploadedSource {
  readonly taskId: string;
  readonly artifact: string;
  readonly sha256: string;
  /** False when the server had it already. */
  readonly isNew: boolean;
}

/** The task queue of the tasks that sources are artifacts of. Only the command line takes tasks from it. */
const taskQueueId = 'graph/source';
const workerGroup = 'source';

const dayMs = 86_400_000;
const periodMs = 30 * dayMs;
const hourMs = 3_600_000;
// Each earlier attempt is an upload of the same source that failed, or whose source was cleaned away.
const attemptsMax = 20;

/** The artifact name of a source. */
export const sourceArtifact = (sha256: string): string => `source/${sha256}.tar`;

/** The scopes to upload a source, besides those of the graph's tasks. */
export const uploadScopes: readonly string[] = [
  `queue:create-task:lowest:${taskQueueId}`,
  'queue:create-task:project:none',
  'queue:scheduler-id:-',
  `queue:claim-task:${taskQueueId}`,
  `queue:worker-id:${workerGroup}/*`,
  'queue:status:*',
];

/** A taskId that is derived from some words. */
const idOf = (...words: readonly (string | number)[]): string => {
  const bytes = createHash('sha256').update(JSON.stringify(words)).digest().subarray(0, 16);
  // The bits of a version 4 UUID, which taskIds have.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  // And the first bit clear, so that no id begins with a dash.
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
};

const unless =
  (...statusCodes: number[]) =>
  (error: unknown) => {
    if (error instanceof ApiError && statusCodes.includes(error.statusCode)) return undefined;
    throw error;
  };

/** Whether a source is there still: an operator may have cleaned it away before it expired. */
const isThere = async (queue: Queue, { taskId, artifact }: Omit<UploadedSource, 'sha256' | 'isNew'>) =>
  (await queue.artifact(taskId, 0, artifact).catch(unless(404, 410))) !== undefined;

const definitionOf = (
  { sha256, files }: Packed,
  { taskGroupId, now, expires }: { taskGroupId: string; now: Date; expires: Date },
) => ({
  taskQueueId,
  taskGroupId,
  created: now.toJSON(),
  deadline: new Date(now.getTime() + hourMs).toJSON(),
  expires: expires.toJSON(),
  retries: 0,
  payload: {},
  tags: { graph: 'sources' },
  metadata: {
    name: `source ${sha256.slice(0, 12)}`,
    description: `${files} files that tasks work on, packed by the command line.`,
    owner: 'nobody@localhost',
    source: 'https://localhost/source',
  },
});

/** Uploads as the worker of a task. Undefined when another process has claimed the task. */
const uploadIn = async (
  queue: Queue,
  taskId: string,
  { packed, expires, rootUrl }: { packed: Packed; expires: Date; rootUrl: string },
): Promise<true | undefined> => {
  const claim = await queue
    .claimTask(taskId, '0', { workerGroup, workerId: 'command-line' })
    .catch(unless(409));
  if (claim?.credentials === undefined) return undefined;
  const worker = new Queue({ rootUrl, credentials: claim.credentials, retries: 3 });
  try {
    await uploadArtifact(worker, {
      taskId,
      runId: 0,
      name: sourceArtifact(packed.sha256),
      expires,
      contentType: 'application/x-tar',
      contentEncoding: 'gzip',
      content: { path: packed.path },
    });
    await worker.reportCompleted(taskId, '0');
    return true;
  } catch (error) {
    await worker.reportFailed(taskId, '0').catch(() => undefined);
    throw error;
  }
};

/**
 * Uploads a source unless the server has it. It is kept for 30 to 60 days, as the artifact of a task whose id is derived
 * from the content, so that everyone who packs the same files finds it.
 */
export const ensureUploaded = async (
  packed: Packed,
  { rootUrl, credentials, now }: Destination,
): Promise<UploadedSource> => {
  const queue = new Queue({ rootUrl, credentials, retries: 3 });
  const { sha256 } = packed;
  const period = Math.floor(now.getTime() / periodMs);
  const expires = new Date((period + 2) * periodMs);
  const artifact = sourceArtifact(sha256);
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const taskId = idOf('source', sha256, period, attempt);
    const found = await queue.status(taskId).catch(unless(404));
    if (found?.status.state === 'completed' && (await isThere(queue, { taskId, artifact })))
      return { taskId, artifact, sha256, isNew: false };
    if (found) continue;
    // All in one group, so that they are one line in a list of groups.
    const taskGroupId = attempt === 0 ? idOf('sources', period) : taskId;
    const created = await queue
      .createTask(taskId, definitionOf(packed, { taskGroupId, now, expires }))
      .catch(unless(409));
    if (created && (await uploadIn(queue, taskId, { packed, expires, rootUrl })))
      return { taskId, artifact, sha256, isNew: true };
  }
  throw new CommandError(
    exitCodes.failed,
    `The source ${sha256} could not be uploaded: ${attemptsMax} uploads of it did not come to their end.`,
  );
};
