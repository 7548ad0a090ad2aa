import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGunzip } from 'node:zlib';
import type { ArchiveFormat, Compression } from '../payload/index.ts';

const run = promisify(execFile);

const tarFlags = {
  tar: [],
  'tar.gz': ['--gzip'],
  'tar.bz2': ['--bzip2'],
  'tar.xz': ['--xz'],
  'tar.zst': ['--zstd'],
} as const satisfies Partial<Record<ArchiveFormat, readonly string[]>>;

const decompressors = { bz2: 'bzip2', xz: 'xz', zst: 'zstd' } as const satisfies Partial<
  Record<Compression, string>
>;

const unpackCommand = (archive: string, format: ArchiveFormat, directory: string): [string, string[]] =>
  format === 'zip'
    ? ['unzip', ['-q', '-o', archive, '-d', directory]]
    : [
        'tar',
        ['--extract', '--no-same-owner', ...tarFlags[format], '--file', archive, '--directory', directory],
      ];

/** Unpacks an archive into a directory, which is made; throws with what the unpacking program said. */
export const unpackArchive = async (
  archive: string,
  format: ArchiveFormat,
  directory: string,
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  const [program, args] = unpackCommand(archive, format, directory);
  try {
    await run(program, args, { maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    const reason =
      code === 'ENOENT' ? `${program} is not installed on this worker` : stderr?.trim().slice(0, 2000);
    throw new Error(`The ${format} archive could not be unpacked: ${reason || String(error)}`);
  }
};

/** Writes the decompressed content of a file to another. */
export const decompressFile = async (from: string, compression: Compression, to: string): Promise<void> => {
  if (compression === 'gz') {
    await pipeline(createReadStream(from), createGunzip(), createWriteStream(to));
    return;
  }
  const program = decompressors[compression];
  const child = spawn(program, ['-d', '-c', from], { stdio: ['ignore', 'pipe', 'ignore'] });
  const exit = once(child, 'exit');
  const [, [code]] = await Promise.all([pipeline(child.stdout, createWriteStream(to)), exit]);
  if (code !== 0) throw new Error(`The file could not be decompressed: ${program} ended with ${code}.`);
};
