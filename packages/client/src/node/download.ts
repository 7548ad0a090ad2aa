import { createHash, type Hash, randomUUID } from 'node:crypto';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ArtifactRef, DownloadError, locateArtifact } from '../artifacts.ts';
import type { Queue } from '../generated/index.ts';
import { backOffMs, pause } from '../http.ts';
import { openBytes, transferError } from './open-bytes.ts';
import { openTarget } from './target.ts';

/** What was written. */
export interface DownloadedFile {
  readonly path: string;
  readonly bytes: number;
  readonly contentType: string | undefined;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** How often a broken transfer is started again. Default 3. */
  readonly retries?: number | undefined;
  /** Further hashes that the content must have, by algorithm. */
  readonly hashes?: Readonly<Record<string, string>> | undefined;
}

const known = ['sha256', 'sha512'];

/** A transform that hashes and counts the bytes that pass through it. */
const meter = (hashes: Readonly<Record<string, string>>) => {
  const wanted = Object.entries(hashes).filter(([algorithm]) => known.includes(algorithm));
  const running = new Map<string, Hash>(wanted.map(([algorithm]) => [algorithm, createHash(algorithm)]));
  let bytes = 0;
  const passage = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      for (const hash of running.values()) hash.update(chunk);
      done(null, chunk);
    },
  });
  const mistake = (): string | undefined =>
    wanted.find(([algorithm, value]) => running.get(algorithm)?.digest('hex') !== value)?.[0];
  return { passage, mistake, count: (): number => bytes };
};

const isLasting = (error: unknown): boolean =>
  error instanceof DownloadError && error.statusCode !== undefined && error.statusCode < 500;

/** The download cannot be tried again, because a part of it was written to a pipe or device. */
class HalfWritten extends Error {
  constructor(cause: unknown) {
    super((cause as Error).message, { cause });
  }
}

/**
 * Writes an artifact into a file, which appears when it is complete and its hashes are right. Where the path is a pipe or
 * a device, the bytes are written into it; symbolic links are followed.
 */
export const downloadArtifact = async (
  queue: Queue,
  wanted: ArtifactRef & { readonly path: string },
  options: DownloadOptions = {},
): Promise<DownloadedFile> => {
  const { signal, retries = 3 } = options;
  for (let tries = 0; ; tries++) {
    const source = await locateArtifact(queue, wanted, signal);
    try {
      return await transfer(
        { ...source, hashes: { ...source.hashes, ...options.hashes } },
        wanted.path,
        signal,
      );
    } catch (error) {
      if (error instanceof HalfWritten) throw error.cause;
      if (signal?.aborted || isLasting(error) || tries >= retries) throw error;
    }
    await pause(backOffMs(tries, { firstDelayMs: 200, delayMaxMs: 10_000 }), signal);
  }
};

const transfer = async (
  source: { url: string; storageType: string; hashes: Readonly<Record<string, string>> },
  path: string,
  signal: AbortSignal | undefined,
): Promise<DownloadedFile> => {
  const { bytes, headers } = await openBytes(source.url, { signal });
  const { passage, mistake, count } = meter(source.hashes);
  const target = await openTarget(path, randomUUID()).catch((error: unknown) => {
    bytes.destroy();
    throw new HalfWritten(error);
  });
  try {
    await pipeline(bytes, passage, target.stream, { ...(signal ? { signal } : {}) });
    const wrong = mistake();
    if (wrong) throw new DownloadError(source.url, `the ${wrong} of the content is not the one announced`);
    await target.keep();
  } catch (error) {
    await target.discard();
    const reason = transferError(source.url, error);
    throw target.isFinal ? new HalfWritten(reason) : reason;
  }
  return { path, bytes: count(), contentType: headers['content-type'] };
};
