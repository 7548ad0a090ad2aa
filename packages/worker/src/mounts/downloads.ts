import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DownloadError, type Index, locateArtifact, type Queue, transferError } from '@taskyard/client';
import { type Clock, seconds } from '../clock.ts';
import type { Content } from '../payload/index.ts';
import { backOffMs, statusOf, withRetries } from '../retry.ts';
import { removeTree } from '../trees/index.ts';
import type { Evictable } from './cache-store.ts';
import { openUrl, type UrlRules } from './open-url.ts';

/** The clients that content is fetched with, and the signal that ends the fetch. */
export interface Access {
  readonly queue: Queue;
  readonly index: Index;
  readonly signal: AbortSignal;
}

/** A file with the content that was asked for. It must not be changed: others may use it too. */
export interface Fetched {
  readonly path: string;
  /** Whether it is useless for other tasks, and removed after use. */
  readonly isOwn: boolean;
  /** Ends the use of the file; until then it is not removed, however little disk space is left. */
  release(): Promise<void>;
}

/** The content of mounts, fetched once for all tasks of a worker where that is safe. */
export interface Downloads {
  fetch(content: Exclude<Content, { kind: 'inline' }>, access: Access): Promise<Fetched>;
  /** The files that no task uses at the moment. */
  evictable(): Evictable[];
}

type ArtifactContent = Extract<Content, { kind: 'artifact' }>;
type IndexedContent = Extract<Content, { kind: 'indexed' }>;
type UrlContent = Extract<Content, { kind: 'url' }>;

const attemptsMax = 5;

const knownHashes = ['sha256', 'sha512'];

const hashOf = async (path: string, algorithm: string): Promise<string> => {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

interface DownloadOptions {
  readonly clock: Clock;
  readonly rules: UrlRules;
}

type Download = (path: string) => Promise<void>;

/** Files that several tasks of a worker may use at the same time, each downloaded once. */
class SharedFiles {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #pending = new Map<string, Promise<void>>();
  readonly #usedAt = new Map<string, Date>();
  readonly #users = new Map<string, number>();

  constructor(directory: string, clock: Clock) {
    this.#directory = directory;
    this.#clock = clock;
  }

  /** The file of a key; downloads it unless it is there. */
  async file(key: string, download: Download): Promise<Fetched> {
    const path = join(this.#directory, createHash('sha256').update(key).digest('hex'));
    this.#users.set(path, (this.#users.get(path) ?? 0) + 1);
    try {
      await this.#once(key, path, download);
    } catch (error) {
      this.#release(path);
      throw error;
    }
    return { path, isOwn: false, release: async () => this.#release(path) };
  }

  /** The files that no task uses. */
  evictable(): Evictable[] {
    return [...this.#usedAt]
      .filter(([path]) => !this.#users.has(path))
      .map(([path, at]) => ({ usedAt: at, remove: () => this.#remove(path) }));
  }

  /** Runs one download for all calls that want the same bytes at the same time, and none when they are there. */
  async #once(key: string, path: string, download: Download): Promise<void> {
    const running = this.#pending.get(key);
    if (running) {
      const hasSucceeded = await running.then(
        () => true,
        () => false,
      );
      // It may have failed because the other task ended. Then this task tries for itself.
      return hasSucceeded ? undefined : this.#once(key, path, download);
    }
    if (existsSync(path)) return;
    const mine = download(path).finally(() => this.#pending.delete(key));
    this.#pending.set(key, mine);
    await mine;
  }

  #release(path: string): void {
    const left = (this.#users.get(path) ?? 1) - 1;
    if (left === 0) this.#users.delete(path);
    else this.#users.set(path, left);
    this.#usedAt.set(path, this.#clock.now());
  }

  async #remove(path: string): Promise<void> {
    if (this.#users.has(path)) return;
    this.#usedAt.delete(path);
    await rm(path, { force: true });
  }
}

// The index learns that a task has completed a moment after its dependents may start, and they may look for it there.
const indexLagMs = seconds(3);

/** Downloads into a directory: files that are shared, and files of one task alone. */
class DirectoryOfDownloads implements Downloads {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #rules: UrlRules;
  readonly #shared: SharedFiles;

  constructor(directory: string, { clock, rules }: DownloadOptions) {
    this.#directory = directory;
    this.#clock = clock;
    this.#rules = rules;
    this.#shared = new SharedFiles(directory, clock);
  }

  fetch(content: Exclude<Content, { kind: 'inline' }>, access: Access): Promise<Fetched> {
    if (content.kind === 'url') return this.#url(content, access);
    return content.kind === 'indexed' ? this.#indexed(content, access) : this.#artifact(content, access);
  }

  evictable(): Evictable[] {
    return this.#shared.evictable();
  }

  async #artifact(content: ArtifactContent, access: Access): Promise<Fetched> {
    const { taskId, artifact: name, sha256 } = content;
    const { queue, signal } = access;
    const runId = await latestRun(queue, taskId);
    const located = async (): Promise<Source> => {
      const source = await locateArtifact(queue, { taskId, runId, name }, signal);
      // The URL of a reference comes from a task, not from the server.
      const isNamed = source.storageType === 'reference';
      return { ...source, sha256, rules: isNamed ? this.#rules : undefined };
    };
    // Asked each time: it is here that the queue refuses a task that may not read the artifact.
    await located();
    const get = this.#from(located, signal);
    return runId === undefined
      ? this.#own(get)
      : this.#shared.file(JSON.stringify([taskId, runId, name, sha256]), get);
  }

  // Another task may be at the path by the time of the next mount, so the index is asked each time.
  async #indexed({ namespace, artifact: name }: IndexedContent, access: Access): Promise<Fetched> {
    const { signal } = access;
    const { taskId } = await withRetries(() => access.index.findTask(namespace, { signal }), {
      clock: this.#clock,
      signal,
      giveUpAfterMs: indexLagMs,
      mayPass: (error) => statusOf(error) === 404,
    });
    return this.#artifact({ kind: 'artifact', taskId, artifact: name, sha256: undefined }, access);
  }

  async #url({ url, sha256 }: UrlContent, access: Access): Promise<Fetched> {
    const get = this.#from(async () => ({ url, hashes: {}, sha256, rules: this.#rules }), access.signal);
    // Without a hash there is no way to know whether the page behind a URL is still the same.
    return sha256 === undefined ? this.#own(get) : this.#shared.file(sha256, get);
  }

  #from(locate: () => Promise<Source>, signal: AbortSignal): Download {
    return (path) => download(locate, path, { signal, clock: this.#clock });
  }

  /** A file for one task. */
  async #own(get: Download): Promise<Fetched> {
    const path = join(this.#directory, `own-${randomBytes(9).toString('hex')}`);
    await get(path);
    return { path, isOwn: true, release: () => rm(path, { force: true }) };
  }
}

/** Opens the store for downloads in a directory. It starts empty: files that earlier workers downloaded are removed. */
export const openDownloads = async (directory: string, options: DownloadOptions): Promise<Downloads> => {
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return new DirectoryOfDownloads(directory, options);
};

/** The number of the task's last run; undefined when the credentials do not allow reading it. */
const latestRun = async (queue: Queue, taskId: string): Promise<number | undefined> => {
  try {
    const { status } = await queue.status(taskId);
    return status.runs.at(-1)?.runId;
  } catch (error) {
    if (statusOf(error) === 403) return undefined;
    throw error;
  }
};

interface Source {
  readonly url: string;
  /** What its server says of the content, by algorithm. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What the task wants. */
  readonly sha256: string | undefined;
  /** Rules for a URL that a task has named; undefined for one that comes from the server. */
  readonly rules: UrlRules | undefined;
}

/** Downloads a file until it is whole and has the right hash. Its place is looked up before each attempt. */
const download = async (
  locate: () => Promise<Source>,
  path: string,
  { signal, clock }: { signal: AbortSignal; clock: Clock },
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const source = await locate();
    try {
      return await transfer(source, path, signal);
    } catch (error) {
      const status = statusOf(error);
      const isLasting = (status !== undefined && status < 500) || isFull(error);
      if (isLasting || tries >= attemptsMax || signal.aborted) throw error;
      await clock.sleep(backOffMs(tries - 1), signal);
    }
  }
};

const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '');

/** What came is not what the task wants, and may never be. */
export class WrongContent extends DownloadError {}

const checkHashes = async (path: string, { url, hashes, sha256 }: Source): Promise<void> => {
  for (const [algorithm, hash] of Object.entries(hashes)) {
    if (knownHashes.includes(algorithm) && (await hashOf(path, algorithm)) !== hash)
      throw new DownloadError(url, `its ${algorithm} is not the one that was announced`);
  }
  // One that was announced is that of the file by now.
  if (sha256 !== undefined && (hashes.sha256 ?? (await hashOf(path, 'sha256'))) !== sha256)
    throw new WrongContent(url, 'its sha256 is not the one that is wanted');
};

const transfer = async (source: Source, path: string, signal: AbortSignal): Promise<void> => {
  const { url, rules } = source;
  const bytes = await openUrl(url, { rules, signal });
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await pipeline(bytes, createWriteStream(partial, { flags: 'wx' }), { signal });
    await checkHashes(partial, source);
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw transferError(url, error);
  }
};
