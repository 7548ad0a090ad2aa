import { createWriteStream } from 'node:fs';
import { chmod, lstat, mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { ignoring, partsOf } from '../trees/index.ts';
import type { Unpacking } from './archives.ts';

// How Unix writes down what a file is, in the upper half of an entry's attributes.
const kindMask = 0o170_000;
const linkKind = 0o120_000;
const linkBytesMax = 4096;

/** What zip archives may be compressed by, as the format's specification numbers it. */
const methods: Readonly<Record<number, string>> = {
  1: 'Shrink',
  6: 'Implode',
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'xz',
  98: 'PPMd',
  99: 'AES encryption',
};
const readableMethods = [0, 8];

interface Link {
  readonly path: string;
  readonly target: string;
}

interface Work extends Unpacking {
  readonly zip: ZipFile;
  readonly directory: string;
  /** They are made when all else is there, so that no entry can go through one. */
  readonly links: Link[];
}

/** Unpacks a zip archive into an empty directory, which none of its entries can leave. */
export const unzip = async (archive: string, directory: string, unpacking: Unpacking): Promise<void> => {
  // Names are read as bytes: the library's own reading hides which separators the archive has.
  const zip = await openPromise(archive, { lazyEntries: true, decodeStrings: true, strictFileNames: false });
  const work: Work = { ...unpacking, zip, directory, links: [] };
  const packedOnWindows: string[] = [];
  try {
    for await (const entry of zip.eachEntry()) {
      unpacking.signal.throwIfAborted();
      if (entry.fileNameRaw.includes(0x5c)) packedOnWindows.push(entry.fileName);
      await place(work, entry);
    }
    for (const { path, target } of work.links) {
      await rm(path, { force: true });
      await symlink(target, path);
    }
  } finally {
    zip.close();
  }
  if (packedOnWindows.length > 0) {
    unpacking.warn(
      `The zip archive separates directories by backslashes; they were read as slashes: ${packedOnWindows[0]}`,
    );
  }
};

const place = async (work: Work, entry: Entry): Promise<void> => {
  const { zip, directory, links, signal } = work;
  const { fileName } = entry;
  const parts = partsOf(fileName);
  if (!parts) throw new Error(`its entry ${fileName} leads out of the directory`);
  checkReadable(entry);
  const path = join(directory, ...parts);
  if (fileName.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const mode = entry.externalFileAttributes >>> 16;
  const content: Readable = await zip.openReadStreamPromise(entry);
  if ((mode & kindMask) === linkKind) {
    if (entry.uncompressedSize > linkBytesMax) throw new Error(`its entry ${fileName} is not a link`);
    // Where it leads is checked when it is followed.
    links.push({ path, target: await text(content) });
    return;
  }
  // Of two entries of one name the last one counts.
  const earlier = await lstat(path).catch(ignoring('ENOENT'));
  if (earlier) await rm(path);
  await pipeline(content, createWriteStream(path, { flags: 'wx' }), { signal });
  if ((mode & 0o777) !== 0) await chmod(path, (mode & 0o777) | 0o600);
};

const checkReadable = (entry: Entry): void => {
  const { fileName, compressionMethod } = entry;
  if (entry.isEncrypted()) throw new Error(`its entry ${fileName} is encrypted`);
  if (readableMethods.includes(compressionMethod)) return;
  const method = methods[compressionMethod] ?? `method ${compressionMethod}`;
  throw new Error(
    `its entry ${fileName} is compressed by ${method}; only stored and deflated entries can be read`,
  );
};
