import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ArtifactRef, DownloadError, locateArtifact, openSource } from '../artifacts.ts';
import type { Queue } from '../generated/index.ts';
import { backOffMs, pause } from '../http.ts';

/** What was written. */
export interface DownloadedFile {
  readonly path: string;
  readonly bytes: number;
  readonly contentType: string | undefined;
}

export interface DownloadOptions {
  readonly signal?: AbortSignal | undefined;
  /** How often a broken transfer is begun anew. Default 3. */
  readonly retries?: number | undefined;
  /** Further hashes that the content must have, by algorithm. */
  readonly hashes?: Readonly<Record<string, string>> | undefined;
}

const known = ['sha256', 'sha512'];

/** A passage that hashes and counts what flows through it. */
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

/** Writes an artifact into a file, which appears when it is complete and its hashes are right. */
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
  const response = await openSource(source, signal);
  const { passage, mistake, count } = meter(source.hashes);
  const partial = `${path}.${randomUUID()}.partial`;
  await mkdir(dirname(path), { recursive: true });
  try {
    const bytes = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
    await pipeline(bytes, passage, createWriteStream(partial), { ...(signal ? { signal } : {}) });
    const wrong = mistake();
    if (wrong) throw new DownloadError(source.url, `the ${wrong} of the content is not the one announced`);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return { path, bytes: count(), contentType: response.headers.get('content-type') ?? undefined };
};
