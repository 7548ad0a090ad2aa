import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DownloadError,
  downloadArtifact,
  type Index,
  locateArtifact,
  openSource,
  type Queue,
} from '@taskyard/client';
import { type Clock, later, minutes } from '../clock.ts';
import type { Content } from '../payload/index.ts';
import { backOffMs, statusOf } from '../retry.ts';
import type { Evictable } from './cache-store.ts';

/** With whose credentials, and until when, content is fetched. */
export interface Access {
  readonly queue: Queue;
  readonly index: Index;
  readonly signal: AbortSignal;
}

/** A file with the content that was asked for. It must not be changed: others may use it too. */
export interface Fetched {
  readonly path: string;
  /** Of no use to others: to be removed after use. */
  readonly isOwn: boolean;
}

/** The content of mounts, fetched once for all tasks of a worker where that is safe. */
export interface Downloads {
  fetch(content: Exclude<Content, { kind: 'inline' }>, access: Access): Promise<Fetched>;
  /** What has not been asked for lately. */
  evictable(): Evictable[];
}

type ArtifactContent = Extract<Content, { kind: 'artifact' }>;
type IndexedContent = Extract<Content, { kind: 'indexed' }>;
type UrlContent = Extract<Content, { kind: 'url' }>;

const attemptsMax = 5;

// Whoever was handed a file has opened it by then.
const leftAloneMs = minutes(10);

const hashOf = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};

/** Opens the store for downloads in a directory. It starts empty: what earlier workers fetched is gone. */
export const openDownloads = async (directory: string, clock: Clock): Promise<Downloads> => {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pending = new Map<string, Promise<void>>();
  const usedAt = new Map<string, Date>();

  /** Runs a download once for all who want the same bytes at the same time, and not at all when they are there. */
  const once = async (key: string, download: (path: string) => Promise<void>): Promise<string> => {
    const path = join(directory, createHash('sha256').update(key).digest('hex'));
    usedAt.set(path, clock.now());
    const running = pending.get(key);
    if (running) {
      // Its failure may be due to the other task's own end. Then this task tries for itself.
      const hasSucceeded = await running.then(
        () => true,
        () => false,
      );
      return hasSucceeded ? path : once(key, download);
    }
    if (existsSync(path)) return path;
    const mine = download(path).finally(() => pending.delete(key));
    pending.set(key, mine);
    await mine;
    usedAt.set(path, clock.now());
    return path;
  };
  const ownPath = (): string => join(directory, `own-${randomBytes(9).toString('hex')}`);

  const artifact = async (content: ArtifactContent, access: Access): Promise<Fetched> => {
    const { taskId, artifact: name, sha256 } = content;
    const { queue, signal } = access;
    const runId = await latestRun(queue, taskId);
    // Asked each time, for it is here that the queue says no to a task that may not read it.
    await locateArtifact(queue, { taskId, runId, name }, signal);
    const hashes = sha256 === undefined ? {} : { sha256 };
    const download = async (path: string): Promise<void> =>
      void (await downloadArtifact(queue, { taskId, runId, name, path }, { signal, hashes }));
    if (runId !== undefined) {
      return { path: await once(JSON.stringify([taskId, runId, name, sha256]), download), isOwn: false };
    }
    const path = ownPath();
    await download(path);
    return { path, isOwn: true };
  };

  // Another task may stand there by the time of the next mount, so the index is asked each time.
  const indexed = async ({ namespace, artifact: name }: IndexedContent, access: Access): Promise<Fetched> => {
    const { taskId } = await access.index.findTask(namespace, { signal: access.signal });
    return artifact({ kind: 'artifact', taskId, artifact: name, sha256: undefined }, access);
  };

  const url = async ({ url: source, sha256 }: UrlContent, access: Access): Promise<Fetched> => {
    const download = (path: string) => downloadUrl({ source, sha256, path }, access.signal, clock);
    // Without a hash nobody can say whether the page behind a URL is still the same.
    if (sha256 !== undefined) return { path: await once(sha256, download), isOwn: false };
    const path = ownPath();
    await download(path);
    return { path, isOwn: true };
  };

  return {
    fetch: (content, access) => {
      if (content.kind === 'url') return url(content, access);
      return content.kind === 'indexed' ? indexed(content, access) : artifact(content, access);
    },
    evictable: () => {
      const latest = later(clock.now(), -leftAloneMs);
      return [...usedAt]
        .filter(([, at]) => at < latest)
        .map(([path, at]) => ({
          usedAt: at,
          remove: async () => {
            if (usedAt.get(path) !== at) return;
            usedAt.delete(path);
            await rm(path, { force: true });
          },
        }));
    },
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

interface UrlDownload {
  readonly source: string;
  readonly sha256: string | undefined;
  readonly path: string;
}

const downloadUrl = async (wanted: UrlDownload, signal: AbortSignal, clock: Clock): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      return await transfer(wanted, signal);
    } catch (error) {
      const status = statusOf(error);
      const isLasting = status !== undefined && status < 500;
      if (isLasting || tries >= attemptsMax || signal.aborted) throw error;
      await clock.sleep(backOffMs(tries), signal);
    }
  }
};

const transfer = async ({ source, sha256, path }: UrlDownload, signal: AbortSignal): Promise<void> => {
  const response = await openSource({ url: source, storageType: 'reference', hashes: {} }, signal);
  const partial = `${path}.${randomBytes(6).toString('hex')}.partial`;
  try {
    const bytes = response.body ? Readable.fromWeb(response.body) : Readable.from([]);
    await pipeline(bytes, createWriteStream(partial), {
      signal,
    });
    if (sha256 !== undefined && (await hashOf(partial)) !== sha256) {
      throw new DownloadError(source, 'its sha256 is not the one that the task wants');
    }
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
};
