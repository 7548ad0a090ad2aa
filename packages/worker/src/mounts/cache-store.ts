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

/** Something on disk that no task uses at the moment, and that can be removed. */
export interface Evictable {
  readonly usedAt: Date;
  remove(): Promise<void>;
}

/** An entry of a directory that is held open: no link that somebody puts in the way leads elsewhere. */
export interface Place {
  readonly parent: HeldDirectory;
  readonly name: string;
}

/** The caches that no task has. */
export interface CacheStore {
  /** Moves a cache to a place, and returns when it was created; undefined when there is none to move. */
  takeOut(name: string, place: Place): Promise<Date | undefined>;
  /** Moves it back. */
  putBack(name: string, place: Place, createdAt: Date): Promise<void>;
  /** Removes a directory that was a cache. */
  discard(place: Place): Promise<void>;
  /** From now on, caches of this name that are older than a time are not given out. */
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

/** The caches below a directory, with a record of when each was created and last used. */
class DirectoryOfCaches implements CacheStore {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #record: Map<string, Noted>;
  readonly #purges = new Map<string, Date>();
  #writing = Promise.resolve();

  constructor(root: string, clock: Clock, record: Map<string, Noted>) {
    this.#root = root;
    this.#clock = clock;
    this.#record = record;
  }

  async takeOut(name: string, place: Place): Promise<Date | undefined> {
    const directory = directoryName(name);
    // It may be evicted at any moment until it is moved.
    const dates = await this.#datesOf(directory).catch(ignoring('ENOENT'));
    if (!dates) return undefined;
    const { createdAt } = dates;
    const purge = this.#purges.get(name);
    if (purge && createdAt < purge) {
      await this.#note(directory, undefined);
      await this.#discardStored(directory);
      return undefined;
    }
    const isMoved = await withHeld(holdDirectory(this.#root), (parent) =>
      moveWhole({ parent, name: directory }, place),
    ).then(() => true, ignoring('ENOENT'));
    return isMoved ? createdAt : undefined;
  }

  async putBack(name: string, place: Place, createdAt: Date): Promise<void> {
    const directory = directoryName(name);
    await withHeld(holdDirectory(this.#root), (parent) => moveWhole(place, { parent, name: directory }));
    await this.#note(directory, { createdAt: createdAt.toJSON(), usedAt: this.#clock.now().toJSON() });
  }

  // It is moved out of the way first, so that it is gone even if removing it takes long.
  async discard(place: Place): Promise<void> {
    const aside = `${condemned}${randomBytes(6).toString('hex')}`;
    await withHeld(holdDirectory(this.#root), (store) => moveWhole(place, { parent: store, name: aside }));
    await removeTree(join(this.#root, aside));
  }

  purgeBefore(name: string, moment: Date): void {
    const known = this.#purges.get(name);
    if (!known || known < moment) this.#purges.set(name, moment);
  }

  async evictable(): Promise<Evictable[]> {
    const entries = await readdir(this.#root, { withFileTypes: true });
    const names = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
    const found = await Promise.all(
      names.map(async (directory) => {
        const dates = await this.#datesOf(directory).catch(ignoring('ENOENT'));
        return dates && { usedAt: dates.usedAt, remove: () => this.#evict(directory) };
      }),
    );
    return found.filter((one) => one !== undefined);
  }

  /** Changes the record of a cache; with `undefined`, removes it. Writes follow one another. */
  #note(directory: string, noted: Noted | undefined): Promise<void> {
    if (noted) this.#record.set(directory, noted);
    else this.#record.delete(directory);
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#writeRecord());
    return this.#writing;
  }

  async #writeRecord(): Promise<void> {
    const written = join(this.#root, `${recordName}.new`);
    await writeFile(written, JSON.stringify(Object.fromEntries(this.#record)));
    await rename(written, join(this.#root, recordName));
  }

  async #datesOf(directory: string): Promise<{ createdAt: Date; usedAt: Date }> {
    const noted = this.#record.get(directory);
    if (noted) return { createdAt: new Date(noted.createdAt), usedAt: new Date(noted.usedAt) };
    const { birthtime, mtime } = await lstat(join(this.#root, directory));
    return { createdAt: birthtime, usedAt: mtime };
  }

  #discardStored(directory: string): Promise<void> {
    return withHeld(holdDirectory(this.#root), (parent) => this.discard({ parent, name: directory })).catch(
      ignoring('ENOENT'),
    );
  }

  // A task may have taken it meanwhile: then there is nothing left to remove.
  async #evict(directory: string): Promise<void> {
    await this.#discardStored(directory);
    await this.#note(directory, undefined);
  }
}

/** Opens the caches below a directory, which belongs to this worker alone. */
export const openCacheStore = async (root: string, clock: Clock): Promise<CacheStore> => {
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const entry of await readdir(root)) {
    if (entry.startsWith(condemned)) await removeTree(join(root, entry)).catch(() => undefined);
  }
  return new DirectoryOfCaches(root, clock, await readRecord(join(root, recordName)));
};
