import { mkdir } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import {
  type HeldDirectory,
  holdBelow,
  ignoring,
  type Places,
  partsOf,
  rootOf,
  systemReason,
  withHeld,
} from '../trees/index.ts';
import { type CacheStore, type Evictable, openCacheStore } from './cache-store.ts';

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
  /** From now on, caches of this name that are older than a time are replaced by new ones when they are taken. */
  purgeBefore(name: string, moment: Date): void;
  /** The caches that no task has at the moment. */
  evictable(): Promise<Evictable[]>;
}

export interface TakenCaches {
  /** Moves a cache to its place in a task; returns whether it is a new, empty one. */
  place(name: string, places: Places, directory: string): Promise<{ isNew: boolean }>;
  /** Marks the cache to be dropped at the end, or to be kept after all. */
  doom(name: string, isDoomed?: boolean): void;
  /** Moves the caches back for the next task, or drops them; then others may have them. */
  giveBack(fate: 'keep' | 'purge'): Promise<void>;
}

/** Waits for a promise; rejects with the signal's reason when that aborts first. Leaves no listener behind. */
const unlessAborted = async (promise: Promise<void>, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted();
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    over.abort();
  }
};

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
      await unlessAborted(earlier, waiting.signal);
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
        // Always in the same order, so that two tasks cannot wait for each other's caches.
        for (const name of [...names].sort()) releases.push(await lock(name, waiting));
      } catch (error) {
        for (const release of releases) release();
        throw error;
      }
      return takenCaches(store, { releases, clock });
    },
    purgeBefore: (name, moment) => store.purgeBefore(name, moment),
    evictable: () => store.evictable(),
  };
};

interface Placed {
  readonly name: string;
  readonly createdAt: Date;
  readonly places: Places;
  readonly directory: string;
}

const takenCaches = (
  store: CacheStore,
  { releases, clock }: { releases: readonly Release[]; clock: Clock },
): TakenCaches => {
  const placed: Placed[] = [];
  const doomed = new Set<string>();
  return {
    place: async (name, places, directory) => {
      try {
        const since = await withParent(places, directory, { make: true }, async (place) => {
          const found = await store.takeOut(name, place);
          if (!found) await mkdir(place.parent.at(place.name));
          return found;
        });
        placed.push({ name, createdAt: since ?? clock.now(), places, directory });
        return { isNew: since === undefined };
      } catch (error) {
        throw new Error(`The cache ${name} cannot be put at ${directory}: ${systemReason(error)}.`);
      }
    },
    doom: (name, isDoomed = true) => void (isDoomed ? doomed.add(name) : doomed.delete(name)),
    giveBack: async (fate) => {
      const failures: unknown[] = [];
      // Inner ones first, as a cache may lie in another. An error with one does not affect others.
      for (const one of placed.toReversed()) {
        await takeBack(store, one, doomed.has(one.name) ? 'purge' : fate).catch((error) =>
          failures.push(error),
        );
      }
      for (const release of releases) release();
      if (failures.length > 0) throw failures[0];
    },
  };
};

/** Holds the directory in which a place of the task is. No link is followed. */
const withParent = <T>(
  places: Places,
  directory: string,
  { make }: { make: boolean },
  use: (place: { parent: HeldDirectory; name: string }) => Promise<T>,
): Promise<T> => {
  const { root, path } = rootOf(places, directory);
  const names = partsOf(path) ?? [];
  const name = names.pop();
  if (name === undefined) throw new Error(`${directory} is not a directory inside the task's directory`);
  return withHeld(holdBelow(root.directory, names, { make }), (parent) => use({ parent, name }));
};

// The task may have removed it, or put a link or a file in its place: then the next task gets an empty one.
const takeBack = async (store: CacheStore, placed: Placed, fate: 'keep' | 'purge'): Promise<void> => {
  await withParent(placed.places, placed.directory, { make: false }, (place) =>
    fate === 'keep' ? store.putBack(placed.name, place, placed.createdAt) : store.discard(place),
  ).catch(ignoring('ENOENT', 'ENOTDIR', 'ELOOP'));
};
