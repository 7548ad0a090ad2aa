import { createHash, randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';

/** Something on disk that nobody uses at the moment, and that a task would do without. */
export interface Evictable {
  readonly usedAt: Date;
  remove(): Promise<void>;
}

/** Where caches lie while no task has them. */
export interface CacheStore {
  /** Moves a cache to a path, and answers since when it exists; undefined when there is none to move. */
  takeOut(name: string, path: string): Promise<Date | undefined>;
  /** Moves it back. */
  putBack(name: string, path: string, createdAt: Date): Promise<void>;
  /** Removes a directory that was a cache. */
  discard(path: string): Promise<void>;
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

export const isDirectory = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

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
    if (entry.startsWith(condemned)) await rm(join(root, entry), { recursive: true, force: true });
  }
  const record = await readRecord(join(root, recordName));
  const purges = new Map<string, Date>();
  let writing = Promise.resolve();

  const note = (directory: string, noted: Noted | undefined): Promise<void> => {
    if (noted) record.set(directory, noted);
    else record.delete(directory);
    writing = writing
      .catch(() => undefined)
      .then(() => writeFile(join(root, recordName), JSON.stringify(Object.fromEntries(record))));
    return writing;
  };

  // Out of the way first, so that it is gone even if removing it takes long.
  const discard = async (path: string): Promise<void> => {
    const aside = join(root, `${condemned}${randomBytes(6).toString('hex')}`);
    await rename(path, aside);
    await rm(aside, { recursive: true, force: true });
  };

  const datesOf = async (directory: string): Promise<{ createdAt: Date; usedAt: Date }> => {
    const noted = record.get(directory);
    if (noted) return { createdAt: new Date(noted.createdAt), usedAt: new Date(noted.usedAt) };
    const { birthtime, mtime } = await lstat(join(root, directory));
    return { createdAt: birthtime, usedAt: mtime };
  };

  // A task may have taken it meanwhile: then there is nothing left to remove.
  const evict = async (directory: string): Promise<void> => {
    await discard(join(root, directory)).catch(ignoreMissing);
    await note(directory, undefined);
  };

  return {
    takeOut: async (name, path) => {
      const directory = directoryName(name);
      const stored = join(root, directory);
      if (!(await isDirectory(stored))) return undefined;
      // It may be evicted at any moment until it is moved.
      const dates = await datesOf(directory).catch(ignoreMissing);
      if (!dates) return undefined;
      const { createdAt } = dates;
      const purge = purges.get(name);
      if (purge && createdAt < purge) {
        await note(directory, undefined);
        await discard(stored).catch(ignoreMissing);
        return undefined;
      }
      const isMoved = await rename(stored, path).then(() => true, ignoreMissing);
      return isMoved ? createdAt : undefined;
    },
    putBack: async (name, path, createdAt) => {
      const directory = directoryName(name);
      await rename(path, join(root, directory));
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
          const dates = await datesOf(directory).catch(ignoreMissing);
          return dates && { usedAt: dates.usedAt, remove: () => evict(directory) };
        }),
      );
      return found.filter((one) => one !== undefined);
    },
  };
};

const ignoreMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error;
};
