import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DownloadError, downloadArtifact, locateArtifact, openSource, type Queue } from '@taskyard/client';
import type { Clock } from '../clock.ts';
import type { Content } from '../payload/index.ts';
import { backOffMs, statusOf } from '../retry.ts';

/** With whose credentials, and until when, content is fetched. */
export interface Access {
  readonly queue: Queue;
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
}

type ArtifactContent = Extract<Content, { kind: 'artifact' }>;
type UrlContent = Extract<Content, { kind: 'url' }>;

const attemptsMax = 5;

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

  /** Runs a download once for all who want the same bytes at the same time, and not at all when they are there. */
  const once = async (key: string, download: (path: string) => Promise<void>): Promise<string> => {
    const path = join(directory, createHash('sha256').update(key).digest('hex'));
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

  const url = async ({ url: source, sha256 }: UrlContent, access: Access): Promise<Fetched> => {
    const download = (path: string) => downloadUrl({ source, sha256, path }, access.signal, clock);
    // Without a hash nobody can say whether the page behind a URL is still the same.
    if (sha256 !== undefined) return { path: await once(sha256, download), isOwn: false };
    const path = ownPath();
    await download(path);
    return { path, isOwn: true };
  };

  return {
    fetch: (content, access) => (content.kind === 'url' ? url(content, access) : artifact(content, access)),
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
