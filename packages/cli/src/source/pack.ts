import { createHash } from 'node:crypto';
import { lstat, mkdtemp, open, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { FolderSource } from '../graph-file/index.ts';
import { listFiles } from './list-files.ts';
import { type TarEntry, tarEnd, tarEntry } from './tar.ts';

/** A packed source: a tar archive whose bytes depend only on names, contents and modes of its files. */
export interface Packed {
  /** The archive on this machine's disk. */
  readonly path: string;
  /** Of the archive, in lower-case hex. */
  readonly sha256: string;
  readonly files: number;
  readonly bytes: number;
}

type PackedFolder = Pick<FolderSource, 'folder' | 'paths'>;

const bytesMax = 2 ** 30;

const refuse = (message: string): never => {
  throw new CommandError(exitCodes.usage, message);
};

/** The current file; undefined when it is gone, or not a file. */
const read = async (folder: string, path: string): Promise<TarEntry | undefined> => {
  const file = join(folder, path);
  const name = path.split(sep).join('/');
  try {
    const found = await lstat(file);
    if (found.isSymbolicLink()) return { name, target: await readlink(file) };
    if (!found.isFile()) return undefined;
    if (found.size > bytesMax) return tooLarge(folder);
    return { name, bytes: await readFile(file), isExecutable: (found.mode & 0o100) !== 0 };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Git still lists a tracked file that was deleted.
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (error instanceof CommandError) throw error;
    return refuse(`${file} cannot be packed: ${message}`);
  }
};

const tooLarge = (folder: string): never =>
  refuse(
    `The source in ${folder} has more than 1 GiB. List what tasks do not need in .gitignore, or name a smaller folder.`,
  );

const write = async (source: PackedFolder, path: string, hidden: readonly string[]): Promise<Packed> => {
  const { folder } = source;
  const file = await open(path, 'wx', 0o600);
  const hash = createHash('sha256');
  let [bytes, files] = [0, 0];
  const put = async (chunk: Uint8Array): Promise<void> => {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) tooLarge(folder);
    hash.update(chunk);
    await file.write(chunk);
  };
  try {
    for (const name of await listFiles(source, hidden)) {
      const entry = await read(folder, name);
      if (!entry) continue;
      files += 1;
      await put(Buffer.concat(tarEntry(entry)));
    }
    await put(tarEnd());
  } finally {
    await file.close();
  }
  if (files === 0) refuse(`The source in ${folder} has no files.`);
  return { path, sha256: hash.digest('hex'), files, bytes };
};

/**
 * Packs the files of a folder and passes the archive on; it is deleted afterwards. Throws a CommandError when a file cannot
 * be read, or when there is nothing or more than 1 GiB to pack.
 *
 * @param hidden folders that are left out
 */
export const withPacked = async <T>(
  source: PackedFolder,
  hidden: readonly string[],
  use: (packed: Packed) => Promise<T>,
): Promise<T> => {
  const { folder } = source;
  const isFolder = await lstat(join(folder, '.')).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder) refuse(`The source ${folder} is not a folder.`);
  const place = await mkdtemp(join(tmpdir(), 'taskyard-source-'));
  try {
    return await use(await write(source, join(place, 'source.tar'), hidden));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};
