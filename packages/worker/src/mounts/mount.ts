import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchiveFormat, Content, Mount } from '../payload/index.ts';
import {
  holdBelow,
  holdDirectory,
  moveEntries,
  type Places,
  partsOf,
  removeTree,
  rootOf,
  systemReason,
  withHeld,
} from '../trees/index.ts';
import { messageOf } from '../worker-log.ts';
import { decompressFile, type Unpacking, unpackArchive } from './archives.ts';
import type { Caches, TakenCaches } from './caches.ts';
import type { Access, Downloads } from './downloads.ts';
import type { PurgeRequests } from './purge-requests.ts';

/** The sources of a worker's mounts. */
export interface MountSources {
  readonly caches: Caches;
  readonly downloads: Downloads;
  readonly purgeRequests: PurgeRequests;
  /** Removes the least recently used thing that no task uses; returns whether there was one. */
  readonly relieve: () => Promise<boolean>;
}

export interface Mounting {
  readonly places: Places;
  /** A folder for temporary files, hidden from the task, on the same disk. */
  readonly privateDirectory: string;
  /** Asked again for each mount, as credentials change while a task runs. */
  readonly access: () => Access;
  /** Ends the wait for caches that other tasks have. */
  readonly waiting: AbortSignal;
  /** Called when the task has its caches, and its own time begins. */
  readonly begin: () => void;
  /** Where the commands see one of the task's directories. */
  readonly shownAt: (directory: string) => string;
  /** Restricts a program to one directory, if the engine can do that. */
  readonly confine: Unpacking['confine'];
  /** Writes to the task's log. */
  readonly report: (text: string) => void;
}

/** Puts a task's mounts into its directory, in their order. Returns the caches, which must be given back. */
export const placeMounts = async (
  sources: MountSources,
  mounts: readonly Mount[],
  mounting: Mounting,
): Promise<TakenCaches> => {
  const names = mounts.flatMap((mount) => (mount.kind === 'cache' ? [mount.cacheName] : []));
  if (names.length > 0) await sources.purgeRequests.heed();
  const taken = await sources.caches.take(names, {
    signal: mounting.waiting,
    onWait: (name) => mounting.report(`[mounts] Waiting for the cache ${name}, which another task is using`),
  });
  mounting.begin();
  try {
    for (const mount of mounts) {
      mounting.access().signal.throwIfAborted();
      await placeMount({ ...sources, taken }, mount, mounting);
    }
    return taken;
  } catch (error) {
    await taken.giveBack('keep');
    throw error;
  }
};

type Contents = Pick<MountSources, 'downloads' | 'relieve'>;

const placeMount = async (
  { taken, ...contents }: Contents & { taken: TakenCaches },
  mount: Mount,
  mounting: Mounting,
): Promise<void> => {
  if (mount.kind === 'cache') {
    const { cacheName, directory, initial } = mount;
    const { isNew } = await taken.place(cacheName, mounting.places, directory);
    const age = isNew ? 'new' : 'used before';
    mounting.report(`[mounts] Cache ${cacheName} (${age}) is at ${mounting.shownAt(directory)}`);
    if (!isNew || !initial) return;
    // Half of its first content would be taken for all of it by the next task.
    taken.doom(cacheName);
    await placeDirectory(contents, { ...initial, directory }, mounting);
    taken.doom(cacheName, false);
    return;
  }
  if (mount.kind === 'directory') await placeDirectory(contents, mount, mounting);
  else await placeFile(contents, mount, mounting);
  const place = mount.kind === 'file' ? mount.file : mount.directory;
  mounting.report(`[mounts] ${sourceOf(mount.content)} is at ${place}`);
};

const sourceOf = (content: Content): string => {
  if (content.kind === 'artifact') return `${content.artifact} of task ${content.taskId}`;
  if (content.kind === 'indexed') return `${content.artifact} of the task at ${content.namespace}`;
  // Without the query, which may hold a signature.
  if (content.kind === 'url') return content.url.replace(/\?.*$/, '');
  return `Content of ${content.bytes.byteLength} bytes`;
};

/** The names on the way to a place in the task's directory. */
const namesOf = (place: string): string[] => {
  const names = partsOf(place);
  if (!names) throw new Error(`${place} leads out of the task's directory.`);
  return names;
};

const cannotPut = (place: string) => (error: unknown) => {
  throw new Error(`Nothing can be put at ${place}: ${systemReason(error)}.`);
};

/** Unpacks apart from what others have put into the task's directory, and moves the result there. */
const placeDirectory = (
  contents: Contents,
  { content, format, directory }: { content: Content; format: ArchiveFormat; directory: string },
  mounting: Mounting,
): Promise<void> =>
  withContent(contents, { content, mounting }, async (file) => {
    const unpacked = privatePath(mounting, 'unpacked');
    await mkdir(unpacked, { mode: 0o700 });
    try {
      const { signal } = mounting.access();
      const warn = (text: string): void => mounting.report(`[mounts] ${text}`);
      const unpacking = { signal, confine: mounting.confine, warn };
      await unpackArchive(file, { format, directory: unpacked }, unpacking);
      const { root, path } = rootOf(mounting.places, directory);
      const place = holdBelow(root.directory, namesOf(path), { make: true });
      await withHeld(place, (to) => withHeld(holdDirectory(unpacked), (from) => moveEntries(from, to))).catch(
        cannotPut(directory),
      );
    } finally {
      await removeTree(unpacked);
    }
  });

/** Writes a new file and renames it, so that an existing file is not opened. */
const placeFile = (
  contents: Contents,
  { content, compression, file: place }: Extract<Mount, { kind: 'file' }>,
  mounting: Mounting,
): Promise<void> =>
  withContent(contents, { content, mounting }, async (file) => {
    const { signal } = mounting.access();
    const { root, path } = rootOf(mounting.places, place);
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw new Error(`${place} is the task's directory, and no file.`);
    const written = privatePath(mounting, 'file');
    try {
      if (compression === undefined) await copyFile(file, written);
      else await decompressFile(file, { compression, to: written }, signal);
      signal.throwIfAborted();
      await withHeld(holdBelow(root.directory, names, { make: true }), (parent) =>
        rename(written, parent.at(name)),
      ).catch(cannotPut(place));
    } finally {
      await rm(written, { force: true });
    }
  });

const privatePath = ({ privateDirectory }: Mounting, kind: string): string =>
  join(privateDirectory, `${kind}-${randomBytes(6).toString('hex')}`);

/**
 * Passes a file with the content to a function, and releases it afterwards. A full disk makes room, as long as it can.
 */
const withContent = async (
  { downloads, relieve }: Contents,
  { content, mounting }: { content: Content; mounting: Mounting },
  use: (file: string) => Promise<void>,
): Promise<void> => {
  for (;;) {
    try {
      const fetched =
        content.kind === 'inline'
          ? await writeInline(content.bytes, mounting)
          : await downloads.fetch(content, mounting.access());
      return await use(fetched.path).finally(fetched.release);
    } catch (error) {
      mounting.access().signal.throwIfAborted();
      if (!/ENOSPC|EDQUOT|No space left|quota exceeded/.test(messageOf(error)) || !(await relieve()))
        throw error;
    }
  }
};

const writeInline = async (bytes: Uint8Array, mounting: Mounting) => {
  const path = privatePath(mounting, 'content');
  await writeFile(path, bytes);
  return { path, release: () => rm(path, { force: true }) };
};
