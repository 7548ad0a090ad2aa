import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import {
  type HeldDirectory,
  holdDirectory,
  ignoring,
  moveWhole,
  removeTree,
  withHeld,
} from '../trees/index.ts';

/** Something on disk that nobody uses at the moment, and that a task would do without. */
export interface Evictable {
  readonly usedAt: Date;
  remove(): Promise<void>;
}

/** An entry of a directory that is held open: no link that somebody puts in the way leads elsewhere. */
export interface Place {
  readonly parent: HeldDirectory;
  readonly name: string;
}

/** Where caches lie while no task has them. */
export interface CacheStore {
  /** Moves a cache to a place, and answers since when it exists; undefined when there is none to move. */
  takeOut(name: string, place: Place): Promise<Date | undefined>;
  /** Moves it back. */
  putBack(name: string, place: Place, createdAt: Date): Promise<void>;
  /** Removes a directory that was a cache. */
  discard(place: Place): Promise<void>;
  /** From now on, caches of this name from before a moment are not given out. */
  purgeBefore(name: string, moment: Date): void;
  evictable(): Promise<Evictable[]>;
}

/** A directory's name that no cache name can abuse, and that a person can still recognise. */
const directoryName = (cacheName: string): string => {
  const hash = createHash('sha256').update(cacheName).digest('hex').slice(0, 16);
  return `${cacheName.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)}-${hash}`;
};

// No cache's own name has a dot.
const condemned = '.condemned-';
const recordName = '.record.json';

interface Noted {
  readonly createdAt: string;
  readonly usedAt: string;
}

const readRecord = async (path: string): Promise<Map<string, Noted>> => {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, Noted>));
  } catch {
    // None yet, or a worker was killed while it wrote. The directories themselves have dates as well.
    return new Map();
  }
};

/** Opens the caches below a directory, which belongs to this worker alone. */
export const openCacheStore = async (root: string, clock: Clock): Promise<CacheStore> => {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(root)) {
    if (entry.startsWith(condemned)) await removeTree(join(root, entry)).catch(() => undefined);
  }
  const record = await readRecord(join(root, recordName));
  const purges = new Map<string, Date>();
  let writing = Promise.resolve();

  const note = (directory: string, noted: Noted | undefined): Promise<void> => {
    if (noted) record.set(directory, noted);
    else record.delete(directory);
    writing = writing
      .catch(() => undefined)
      .then(async () => {
        const written = join(root, `${recordName}.new`);
        await writeFile(written, JSON.stringify(Object.fromEntries(record)));
        await rename(written, join(root, recordName));
      });
    return writing;
  };

  // Out of the way first, so that it is gone even if removing it takes long.
  const discard = async (place: Place): Promise<void> => {
    const aside = `${condemned}${randomBytes(6).toString('hex')}`;
    await withHeld(holdDirectory(root), (store) => moveWhole(place, { parent: store, name: aside }));
    await removeTree(join(root, aside));
  };

  const discardStored = (directory: string): Promise<void> =>
    withHeld(holdDirectory(root), (parent) => discard({ parent, name: directory })).catch(ignoring('ENOENT'));

  const datesOf = async (directory: string): Promise<{ createdAt: Date; usedAt: Date }> => {
    const noted = record.get(directory);
    if (noted) return { createdAt: new Date(noted.createdAt), usedAt: new Date(noted.usedAt) };
    const { birthtime, mtime } = await lstat(join(root, directory));
    return { createdAt: birthtime, usedAt: mtime };
  };

  // A task may have taken it meanwhile: then there is nothing left to remove.
  const evict = async (directory: string): Promise<void> => {
    await discardStored(directory);
    await note(directory, undefined);
  };

  return {
    takeOut: async (name, place) => {
      const directory = directoryName(name);
      // It may be evicted at any moment until it is moved.
      const dates = await datesOf(directory).catch(ignoring('ENOENT'));
      if (!dates) return undefined;
      const { createdAt } = dates;
      const purge = purges.get(name);
      if (purge && createdAt < purge) {
        await note(directory, undefined);
        await discardStored(directory);
        return undefined;
      }
      const isMoved = await withHeld(holdDirectory(root), (parent) =>
        moveWhole({ parent, name: directory }, place),
      ).then(() => true, ignoring('ENOENT'));
      return isMoved ? createdAt : undefined;
    },
    putBack: async (name, place, createdAt) => {
      const directory = directoryName(name);
      await withHeld(holdDirectory(root), (parent) => moveWhole(place, { parent, name: directory }));
      await note(directory, { createdAt: createdAt.toJSON(), usedAt: clock.now().toJSON() });
    },
    discard,
    purgeBefore: (name, moment) => {
      const known = purges.get(name);
      if (!known || known < moment) purges.set(name, moment);
    },
    evictable: async () => {
      const entries = await readdir(root, { withFileTypes: true });
      const names = entries
        .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
        .map(({ name }) => name);
      const found = await Promise.all(
        names.map(async (directory) => {
          const dates = await datesOf(directory).catch(ignoring('ENOENT'));
          return dates && { usedAt: dates.usedAt, remove: () => evict(directory) };
        }),
      );
      return found.filter((one) => one !== undefined);
    },
  };
};
