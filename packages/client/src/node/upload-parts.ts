import { ApiError } from '../errors.ts';
import type { CreateArtifactInPartsRequest, Queue } from '../generated/index.ts';
import { type Content, lengthOf, put } from './put.ts';

export interface PartsUpload {
  readonly taskId: string;
  readonly runId: number;
  readonly name: string;
  readonly expires: string;
  readonly contentType: string;
  readonly contentEncoding?: 'gzip' | undefined;
  readonly content: Content;
  readonly silenceMaxMs: number;
}

const partsAtOnce = 3;

/** Whether the queue has no such method, or no bucket for its artifacts. */
const takesNoParts = (error: unknown): boolean =>
  error instanceof ApiError && (error.statusCode === 404 || error.code === 'NoMatchingMethod');

/**
 * Uploads an artifact of type `s3` in parts, each of which is sent again by itself when it fails. Returns false when the queue
 * takes none, and nothing has happened.
 *
 * @param queueNow the queue, with credentials that are valid now; it repeats calls
 */
export const uploadInParts = async (
  queueNow: () => Queue,
  upload: PartsUpload,
  signal: AbortSignal | undefined,
): Promise<boolean> => {
  const { taskId, runId, name, expires, contentType, contentEncoding, content, silenceMaxMs } = upload;
  const contentLength = await lengthOf(content);
  const begin = (more: Partial<CreateArtifactInPartsRequest> = {}) => {
    const encoding = contentEncoding ? { contentEncoding } : {};
    const asked = { expires, contentType, contentLength, ...encoding, ...more };
    return queueNow().createArtifactInParts(taskId, runId, name, asked, { signal });
  };
  const begun = await begin().catch((error) => {
    if (!takesNoParts(error)) throw error;
  });
  if (!begun) return false;
  const { uploadId, partLength } = begun;
  let { partUrls } = begun;
  const signedPart = (i: number) => ({ url: partUrls[i] ?? '', headers: {} });
  const renew = async (i: number) => {
    partUrls = (await begin({ uploadId })).partUrls;
    return signedPart(i);
  };
  const etags = await inLanes(partUrls.length, (i) => {
    const start = i * partLength;
    const range = { start, length: Math.min(partLength, contentLength - start) };
    const signed = { signed: signedPart(i), renew: () => renew(i), isSignedBefore: i >= partsAtOnce };
    return put({ ...signed, content, range, signal, silenceMaxMs });
  });
  await queueNow().finishArtifactInParts(taskId, runId, name, { uploadId, contentLength, etags }, { signal });
  return true;
};

/** The results of some steps, a few at once. After a failure no further one begins; it is thrown when all have ended. */
const inLanes = async <T>(count: number, step: (index: number) => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      try {
        results[index] = await step(index);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: partsAtOnce }, lane));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
  return results;
};
