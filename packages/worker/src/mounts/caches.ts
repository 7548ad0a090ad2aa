import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { placeInside } from './place-inside.ts';

/** The writable caches of a worker: directories by name, each used by one task at a time. */
export interface Caches {
  /**
   * Takes these caches for a task. Waits while another task has one of them; `onWait` hears which.
   * Rejects with the signal's reason when that aborts first.
   */
  take(
    names: readonly string[],
    waiting: { onWait(name: string): void; signal: AbortSignal },
  ): Promise<TakenCaches>;
}

export interface TakenCaches {
  /** Moves a cache into the task's directory; answers whether it is a new, empty one. */
  place(name: string, taskDirectory: string, directory: string): Promise<{ isNew: boolean; path: string }>;
  /** Moves the caches back for the next task, or drops them; then others may have them. */
  giveBack(fate: 'keep' | 'purge'): Promise<void>;
}

/** A directory's name that no cache name can abuse, and that a person can still recognise. */
const directoryName = (cacheName: string): string => {
  const hash = createHash('sha256').update(cacheName).digest('hex').slice(0, 16);
  return `${cacheName.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)}-${hash}`;
};

const isDirectory = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

type Release = () => void;

/** Opens the caches below a directory, which belongs to this worker alone. */
export const openCaches = async (root: string): Promise<Caches> => {
  await mkdir(root, { recursive: true, mode: 0o700 });
  const queues = new Map<string, Promise<void>>();

  const lock = async (name: string, waiting: Parameters<Caches['take']>[1]): Promise<Release> => {
    const earlier = queues.get(name);
    let release: Release = () => undefined;
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    const tail = earlier === undefined ? mine : earlier.then(() => mine);
    queues.set(name, tail);
    void tail.then(() => {
      if (queues.get(name) === tail) queues.delete(name);
    });
    if (earlier === undefined) return release;
    waiting.onWait(name);
    try {
      await Promise.race([earlier, aborted(waiting.signal)]);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  };

  return {
    take: async (names, waiting) => {
      const releases: Release[] = [];
      try {
        // Always in the same order, so that two tasks cannot each wait for what the other has.
        for (const name of [...names].sort()) releases.push(await lock(name, waiting));
      } catch (error) {
        for (const release of releases) release();
        throw error;
      }
      return takenCaches(root, releases);
    },
  };
};

interface Placed {
  readonly stored: string;
  readonly taskDirectory: string;
  readonly directory: string;
}

const takenCaches = (root: string, releases: readonly Release[]): TakenCaches => {
  const placed: Placed[] = [];
  return {
    place: async (name, taskDirectory, directory) => {
      const path = await placeInside(taskDirectory, directory);
      if (path === undefined) throw new Error(`${directory} leads out of the task's directory.`);
      const stored = join(root, directoryName(name));
      const isNew = !(await isDirectory(stored));
      await mkdir(dirname(path), { recursive: true });
      if (isNew) await mkdir(path);
      else await rename(stored, path);
      placed.push({ stored, taskDirectory, directory });
      return { isNew, path };
    },
    giveBack: async (fate) => {
      try {
        // Inner ones first, as a cache may lie in another.
        for (const one of placed.toReversed()) await takeBack(root, one, fate);
      } finally {
        for (const release of releases) release();
      }
    },
  };
};

const takeBack = async (root: string, placed: Placed, fate: 'keep' | 'purge'): Promise<void> => {
  const path = await placeInside(placed.taskDirectory, placed.directory);
  // The task may have removed it, or put a link in its place: then the next task gets an empty one.
  if (path === undefined || !(await isDirectory(path))) return;
  if (fate === 'keep') return rename(path, placed.stored);
  // Out of the task's way first, so that it is gone even if removing it takes long.
  const condemned = join(root, `condemned-${randomBytes(6).toString('hex')}`);
  await rename(path, condemned);
  await rm(condemned, { recursive: true, force: true });
};
