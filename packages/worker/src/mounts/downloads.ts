import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DownloadError, type Index, locateArtifact, type Queue } from '@taskyard/client';
import type { Clock } from '../clock.ts';
import type { Content } from '../payload/index.ts';
import { backOffMs, statusOf } from '../retry.ts';
import { removeTree } from '../trees/index.ts';
import type { Evictable } from './cache-store.ts';
import { openUrl, type UrlRules } from './open-url.ts';

/** With whose credentials, and until when, content is fetched. */
export interface Access {
  readonly queue: Queue;
  readonly index: Index;
  readonly signal: AbortSignal;
}

/** A file with the content that was asked for. It must not be changed: others may use it too. */
export interface Fetched {
  readonly path: string;
  /** Of no use to others: it is removed after use. */
  readonly isOwn: boolean;
  /** Lets the file go: until then it stays, whatever room is needed. */
  release(): Promise<void>;
}

/** The content of mounts, fetched once for all tasks of a worker where that is safe. */
export interface Downloads {
  fetch(content: Exclude<Content, { kind: 'inline' }>, access: Access): Promise<Fetched>;
  /** What nobody uses at the moment. */
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

/** Opens the store for downloads in a directory. It starts empty: what earlier workers fetched is gone. */
export const openDownloads = async (
  directory: string,
  { clock, rules }: { clock: Clock; rules: UrlRules },
): Promise<Downloads> => {
  await removeTree(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pending = new Map<string, Promise<void>>();
  const usedAt = new Map<string, Date>();
  const users = new Map<string, number>();

  const release = (path: string): void => {
    const left = (users.get(path) ?? 1) - 1;
    if (left === 0) users.delete(path);
    else users.set(path, left);
    usedAt.set(path, clock.now());
  };

  /** Runs a download once for all who want the same bytes at the same time, and not at all when they are there. */
  const once = async (
    key: string,
    path: string,
    download: (path: string) => Promise<void>,
  ): Promise<void> => {
    const running = pending.get(key);
    if (running) {
      // Its failure may be due to the other task's own end. Then this task tries for itself.
      const hasSucceeded = await running.then(
        () => true,
        () => false,
      );
      return hasSucceeded ? undefined : once(key, path, download);
    }
    if (existsSync(path)) return;
    const mine = download(path).finally(() => pending.delete(key));
    pending.set(key, mine);
    await mine;
  };

  const shared = async (key: string, download: (path: string) => Promise<void>): Promise<Fetched> => {
    const path = join(directory, createHash('sha256').update(key).digest('hex'));
    users.set(path, (users.get(path) ?? 0) + 1);
    try {
      await once(key, path, download);
    } catch (error) {
      release(path);
      throw error;
    }
    return { path, isOwn: false, release: async () => release(path) };
  };

  const own = async (download: (path: string) => Promise<void>): Promise<Fetched> => {
    const path = join(directory, `own-${randomBytes(9).toString('hex')}`);
    await download(path);
    return { path, isOwn: true, release: () => rm(path, { force: true }) };
  };

  const artifact = async (content: ArtifactContent, access: Access): Promise<Fetched> => {
    const { taskId, artifact: name, sha256 } = content;
    const { queue, signal } = access;
    const runId = await latestRun(queue, taskId);
    const located = async (): Promise<Source> => {
      const source = await locateArtifact(queue, { taskId, runId, name }, signal);
      // The URL of a reference is a task's word, not the server's.
      const isNamed = source.storageType === 'reference';
      const hashes = { ...source.hashes, ...(sha256 === undefined ? {} : { sha256 }) };
      return { url: source.url, hashes, rules: isNamed ? rules : undefined };
    };
    // Asked each time, for it is here that the queue says no to a task that may not read it.
    await located();
    const get = (path: string): Promise<void> => download(located, path, { signal, clock });
    return runId === undefined ? own(get) : shared(JSON.stringify([taskId, runId, name, sha256]), get);
  };

  // Another task may stand there by the time of the next mount, so the index is asked each time.
  const indexed = async ({ namespace, artifact: name }: IndexedContent, access: Access): Promise<Fetched> => {
    const { taskId } = await access.index.findTask(namespace, { signal: access.signal });
    return artifact({ kind: 'artifact', taskId, artifact: name, sha256: undefined }, access);
  };

  const url = async ({ url: source, sha256 }: UrlContent, access: Access): Promise<Fetched> => {
    const hashes: Record<string, string> = sha256 === undefined ? {} : { sha256 };
    const locate = async (): Promise<Source> => ({ url: source, hashes, rules });
    const get = (path: string): Promise<void> => download(locate, path, { signal: access.signal, clock });
    // Without a hash nobody can say whether the page behind a URL is still the same.
    return sha256 === undefined ? own(get) : shared(sha256, get);
  };

  return {
    fetch: (content, access) => {
      if (content.kind === 'url') return url(content, access);
      return content.kind === 'indexed' ? indexed(content, access) : artifact(content, access);
    },
    evictable: () =>
      [...usedAt]
        .filter(([path]) => !users.has(path))
        .map(([path, at]) => ({
          usedAt: at,
          remove: async () => {
            if (users.has(path)) return;
            usedAt.delete(path);
            await rm(path, { force: true });
          },
        })),
  };
};

/** The number of the task's last run; undefined when the credentials do not allow to ask. */
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
  readonly hashes: Readonly<Record<string, string>>;
  /** What holds for a URL that somebody has named, rather than the server. */
  readonly rules: UrlRules | undefined;
}

/** Fetches what is located anew for each attempt, until it is whole and right. */
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

const transfer = async ({ url, hashes, rules }: Source, path: string, signal: AbortSignal): Promise<void> => {
  const bytes = await openUrl(url, { rules, signal });
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  try {
    await pipeline(bytes, createWriteStream(partial, { flags: 'wx' }), { signal });
    for (const [algorithm, hash] of Object.entries(hashes)) {
      if (knownHashes.includes(algorithm) && (await hashOf(partial, algorithm)) !== hash)
        throw new DownloadError(url, `its ${algorithm} is not the one that is wanted`);
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
};
