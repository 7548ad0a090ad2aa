import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { decompressed } from '../mounts/index.ts';
import type { Compression } from '../payload/index.ts';

const beginnings: readonly { readonly bytes: readonly number[]; readonly compression: Compression }[] = [
  { bytes: [0x1f, 0x8b], compression: 'gz' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], compression: 'zst' },
  { bytes: [0x04, 0x22, 0x4d, 0x18], compression: 'lz4' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], compression: 'xz' },
  { bytes: [0x42, 0x5a, 0x68], compression: 'bz2' },
];

/** How a file is compressed, by its first bytes: names of artifacts prove nothing. */
const compressionOf = async (path: string): Promise<Compression | undefined> => {
  const file = await open(path);
  try {
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return beginnings.find(({ bytes }) => bytes.every((byte, at) => buffer[at] === byte))?.compression;
  } finally {
    await file.close();
  }
};

/** The content of a file, decompressed if it is compressed. */
export const contentOf = async (path: string): Promise<Readable> => {
  const compression = await compressionOf(path);
  return compression === undefined ? createReadStream(path) : decompressed(path, compression);
};
