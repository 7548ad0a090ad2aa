import { createWriteStream } from 'node:fs';
import { chmod, mkdir, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { placeInside } from './place-inside.ts';

// How Unix writes down what a file is, in the upper half of an entry's attributes.
const kindMask = 0o170_000;
const linkKind = 0o120_000;
const linkBytesMax = 4096;

/** Unpacks a zip archive into a directory, which none of its entries can leave. */
export const unzip = async (archive: string, directory: string): Promise<void> => {
  const zip = await openPromise(archive, { lazyEntries: true, strictFileNames: false });
  try {
    for await (const entry of zip.eachEntry()) await place(zip, entry, directory);
  } finally {
    zip.close();
  }
};

const place = async (zip: ZipFile, entry: Entry, directory: string): Promise<void> => {
  const { fileName } = entry;
  const path = await placeInside(directory, fileName);
  if (path === undefined) throw new Error(`its entry ${fileName} leads out of the directory`);
  if (entry.isEncrypted()) throw new Error(`its entry ${fileName} is encrypted`);
  if (fileName.endsWith('/')) {
    await mkdir(path, { recursive: true });
    return;
  }
  await mkdir(dirname(path), { recursive: true });
  const mode = entry.externalFileAttributes >>> 16;
  const content: Readable = await zip.openReadStreamPromise(entry);
  if ((mode & kindMask) === linkKind) {
    if (entry.uncompressedSize > linkBytesMax) throw new Error(`its entry ${fileName} is no link`);
    // Where it leads is looked at by whoever follows it.
    await symlink(await text(content), path);
    return;
  }
  await pipeline(content, createWriteStream(path));
  if ((mode & 0o777) !== 0) await chmod(path, (mode & 0o777) | 0o600);
};
