import { uploadArtifact } from '@taskyard/client';
import type { HeldClaim } from '../claims/index.ts';
import { minutes } from '../clock.ts';
import { inParallel } from '../in-parallel.ts';
import { statusOf } from '../retry.ts';
import { openInside, pathOfHandle } from '../trees/index.ts';
import { messageOf } from '../worker-log.ts';
import type { CollectedFile, Collection, MissingArtifact } from './collect.ts';

const uploadsAtOnceMax = 10;

// A store that has replied with errors for this long will not recover in time.
const giveUpAfterMs = minutes(3);

/** An artifact that was refused because of its content or name, and why. */
export interface RefusedArtifact {
  readonly name: string;
  readonly message: string;
  readonly isOptional: boolean;
}

// The queue's refusals of one artifact: it is invalid, has a name that no URL can have, exists with other values, or is
// too large.
const refusals = [400, 404, 409, 413, 414, 431];
const vanished = ['ENOENT', 'EACCES', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EISDIR'];

const refusalOf = (error: unknown): string | undefined => {
  const isRefused = refusals.includes(statusOf(error) ?? 0);
  const isGone = vanished.includes((error as NodeJS.ErrnoException).code ?? '') || error instanceof NoFile;
  return isRefused || isGone ? messageOf(error) : undefined;
};

class NoFile extends Error {}

/**
 * Uploads the files, and records missing ones as `error` artifacts. Returns the refused ones, which do not affect others.
 * Throws the first lasting failure that the task did not cause.
 */
export const uploadCollection = async (
  claim: HeldClaim,
  { files, missing }: Collection,
  signal: AbortSignal,
): Promise<RefusedArtifact[]> => {
  const refused: RefusedArtifact[] = [];
  const unlessRefused = async (
    { name, isOptional = false }: CollectedFile | MissingArtifact,
    act: Promise<void>,
  ): Promise<void> => {
    try {
      await act;
    } catch (error) {
      signal.throwIfAborted();
      const message = refusalOf(error);
      if (message === undefined) throw error;
      refused.push({ name, message, isOptional });
    }
  };
  await inParallel(missing, uploadsAtOnceMax, (one) => unlessRefused(one, recordMissing(claim, one, signal)));
  await inParallel(files, uploadsAtOnceMax, (one) => unlessRefused(one, uploadFile(claim, one, signal)));
  return refused;
};

/** Passes on a path of a file's bytes. A file of a task is opened here, so that it cannot be replaced by another. */
export const withBytes = async <T>(
  { path, inside }: Pick<CollectedFile, 'path' | 'inside'>,
  use: (path: string) => Promise<T>,
): Promise<T> => {
  if (inside === undefined) return use(path);
  const file = await openInside(inside, path);
  if (!file) throw new NoFile(`${path} is not a file any more`);
  try {
    return await use(pathOfHandle(file, path));
  } finally {
    await file.close();
  }
};

/** Uploads one file as an artifact of type `s3`. */
export const uploadFile = async (
  claim: HeldClaim,
  file: CollectedFile,
  signal: AbortSignal,
): Promise<void> => {
  const { taskId, runId } = claim;
  const { name, expires, contentType, contentEncoding } = file;
  await withBytes(file, async (path) => {
    const upload = { taskId, runId, name, expires, contentType, contentEncoding, content: { path } };
    await claim.call((queue) => uploadArtifact(queue, upload, signal), { signal, giveUpAfterMs });
  });
};

const recordMissing = async (
  claim: HeldClaim,
  { name, expires, reason, message }: MissingArtifact,
  signal: AbortSignal,
): Promise<void> => {
  const body = { storageType: 'error', expires: expires.toJSON(), reason, message } as const;
  const { taskId, runId } = claim;
  await claim.call((queue) => queue.createArtifact(taskId, runId, name, body), { signal, giveUpAfterMs });
};
