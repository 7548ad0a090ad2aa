import { uploadArtifact } from '@taskyard/client';
import { minutes } from '../clock.ts';
import { inParallel } from '../in-parallel.ts';
import type { HeldClaim } from '../runs/held-claim.ts';
import type { CollectedFile, Collection, MissingArtifact } from './collect.ts';

const uploadsAtOnceMax = 10;

// A store that has answered with errors for so long is not coming back in time.
const giveUpAfterMs = minutes(3);

/** Uploads the files, and records the missing as `error` artifacts. Throws the first lasting failure. */
export const uploadCollection = async (
  claim: HeldClaim,
  { files, missing }: Collection,
  signal: AbortSignal,
): Promise<void> => {
  await inParallel(missing, uploadsAtOnceMax, (one) => recordMissing(claim, one, signal));
  await inParallel(files, uploadsAtOnceMax, (file) => uploadFile(claim, file, signal));
};

/** Uploads one file as an artifact of type `s3`. */
export const uploadFile = async (
  claim: HeldClaim,
  file: CollectedFile,
  signal: AbortSignal,
): Promise<void> => {
  const { taskId, runId } = claim;
  const { name, path, expires, contentType, contentEncoding } = file;
  const upload = { taskId, runId, name, expires, contentType, contentEncoding, content: { path } };
  await claim.call((queue) => uploadArtifact(queue, upload, signal), { signal, giveUpAfterMs });
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
