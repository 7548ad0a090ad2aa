import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../clock.ts';
import { type CacheStore, type Evictable, isDirectory, openCacheStore } from './cache-store.ts';
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
  /** From now on, caches of this name from before a moment are new when they are taken. */
  purgeBefore(name: string, moment: Date): void;
  /** What no task has at the moment. */
  evictable(): Promise<Evictable[]>;
}

export interface TakenCaches {
  /** Moves a cache into the task's directory; answers whether it is a new, empty one. */
  place(name: string, taskDirectory: string, directory: string): Promise<{ isNew: boolean; path: string }>;
  /** Moves the caches back for the next task, or drops them; then others may have them. */
  giveBack(fate: 'keep' | 'purge'): Promise<void>;
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

type Release = () => void;

/** Opens the caches below a directory, which belongs to this worker alone. */
export const openCaches = async (root: string, clock: Clock): Promise<Caches> => {
  const store = await openCacheStore(root, clock);
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
      return takenCaches(store, { releases, clock });
    },
    purgeBefore: store.purgeBefore,
    evictable: store.evictable,
  };
};

interface Placed {
  readonly name: string;
  readonly createdAt: Date;
  readonly taskDirectory: string;
  readonly directory: string;
}

const takenCaches = (
  store: CacheStore,
  { releases, clock }: { releases: readonly Release[]; clock: Clock },
): TakenCaches => {
  const placed: Placed[] = [];
  return {
    place: async (name, taskDirectory, directory) => {
      const path = await placeInside(taskDirectory, directory);
      if (path === undefined) throw new Error(`${directory} leads out of the task's directory.`);
      await mkdir(dirname(path), { recursive: true });
      const since = await store.takeOut(name, path);
      if (!since) await mkdir(path);
      placed.push({ name, createdAt: since ?? clock.now(), taskDirectory, directory });
      return { isNew: since === undefined, path };
    },
    giveBack: async (fate) => {
      try {
        // Inner ones first, as a cache may lie in another.
        for (const one of placed.toReversed()) await takeBack(store, one, fate);
      } finally {
        for (const release of releases) release();
      }
    },
  };
};

const takeBack = async (store: CacheStore, placed: Placed, fate: 'keep' | 'purge'): Promise<void> => {
  const path = await placeInside(placed.taskDirectory, placed.directory);
  // The task may have removed it, or put a link in its place: then the next task gets an empty one.
  if (path === undefined || !(await isDirectory(path))) return;
  await (fate === 'keep' ? store.putBack(placed.name, path, placed.createdAt) : store.discard(path));
};
