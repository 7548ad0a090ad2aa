import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ArchiveFormat, Content, Mount } from '../payload/index.ts';
import { decompressFile, unpackArchive } from './archives.ts';
import type { Caches, TakenCaches } from './caches.ts';
import type { Access, Downloads } from './downloads.ts';
import { placeInside } from './place-inside.ts';
import type { PurgeRequests } from './purge-requests.ts';

/** What a worker's mounts come out of. */
export interface MountSources {
  readonly caches: Caches;
  readonly downloads: Downloads;
  readonly purgeRequests: PurgeRequests;
}

export interface Mounting {
  /** The task's directory. */
  readonly directory: string;
  /** For files on their way, out of the task's sight. */
  readonly privateDirectory: string;
  /** Asked anew for each mount, as credentials change while a task runs. */
  readonly access: () => Access;
  /** Where the commands see one of the task's directories. */
  readonly shownAt: (directory: string) => string;
  /** Tells the task's log. */
  readonly report: (text: string) => void;
}

/** Puts a task's mounts into its directory, in their order. Answers the caches, which must be given back. */
export const placeMounts = async (
  sources: MountSources,
  mounts: readonly Mount[],
  mounting: Mounting,
): Promise<TakenCaches> => {
  const names = mounts.flatMap((mount) => (mount.kind === 'cache' ? [mount.cacheName] : []));
  if (names.length > 0) await sources.purgeRequests.heed();
  const taken = await sources.caches.take(names, {
    signal: mounting.access().signal,
    onWait: (name) => mounting.report(`[mounts] Waiting for the cache ${name}, which another task is using`),
  });
  try {
    for (const mount of mounts) await placeMount({ downloads: sources.downloads, taken }, mount, mounting);
    return taken;
  } catch (error) {
    await taken.giveBack('keep');
    throw error;
  }
};

const placeMount = async (
  { downloads, taken }: { downloads: Downloads; taken: TakenCaches },
  mount: Mount,
  mounting: Mounting,
): Promise<void> => {
  if (mount.kind === 'cache') {
    const { isNew, path } = await taken.place(mount.cacheName, mounting.directory, mount.directory);
    mounting.report(
      `[mounts] Cache ${mount.cacheName} (${isNew ? 'new' : 'used before'}) is at ${mounting.shownAt(mount.directory)}`,
    );
    if (isNew && mount.initial) await unpackContent(downloads, { ...mount.initial, path }, mounting);
    return;
  }
  const place = mount.kind === 'file' ? mount.file : mount.directory;
  const path = await placeInside(mounting.directory, place);
  if (path === undefined) throw new Error(`${place} leads out of the task's directory.`);
  await mkdir(dirname(path), { recursive: true });
  if (mount.kind === 'directory') await unpackContent(downloads, { ...mount, path }, mounting);
  else await placeFile(downloads, { ...mount, path }, mounting);
  mounting.report(`[mounts] ${sourceOf(mount.content)} is at ${place}`);
};

const sourceOf = (content: Content): string => {
  if (content.kind === 'artifact') return `${content.artifact} of task ${content.taskId}`;
  if (content.kind === 'indexed') return `${content.artifact} of the task at ${content.namespace}`;
  // Without the query, which may hold a signature.
  if (content.kind === 'url') return content.url.replace(/\?.*$/, '');
  return `Content of ${content.bytes.byteLength} bytes`;
};

const unpackContent = (
  downloads: Downloads,
  { content, format, path }: { content: Content; format: ArchiveFormat; path: string },
  mounting: Mounting,
): Promise<void> =>
  withContent(downloads, { content, mounting }, (file) => unpackArchive(file, format, path));

const placeFile = (
  downloads: Downloads,
  { content, compression, path }: Extract<Mount, { kind: 'file' }> & { path: string },
  mounting: Mounting,
): Promise<void> =>
  withContent(downloads, { content, mounting }, (file) =>
    compression === undefined ? copyFile(file, path) : decompressFile(file, compression, path),
  );

/** Hands on a file with the content, and removes it afterwards if nobody else has a use for it. */
const withContent = async (
  downloads: Downloads,
  { content, mounting }: { content: Content; mounting: Mounting },
  use: (file: string) => Promise<void>,
): Promise<void> => {
  const { path, isOwn } =
    content.kind === 'inline'
      ? { path: await writeInline(content.bytes, mounting.privateDirectory), isOwn: true }
      : await downloads.fetch(content, mounting.access());
  try {
    await use(path);
  } finally {
    if (isOwn) await rm(path, { force: true });
  }
};

const writeInline = async (bytes: Uint8Array, directory: string): Promise<string> => {
  const path = join(directory, 'content');
  await writeFile(path, bytes);
  return path;
};
