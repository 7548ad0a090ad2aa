import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArchiveFormat, Compression } from '../payload/index.ts';
import { messageOf } from '../worker-log.ts';
import { decompressed } from './decompressed.ts';
import { unzip } from './unzip.ts';

/** Unpacks an archive into a directory, which is made; throws with the reason when it cannot be unpacked. */
export const unpackArchive = async (
  archive: string,
  format: ArchiveFormat,
  directory: string,
): Promise<void> => {
  await mkdir(directory, { recursive: true });
  try {
    if (format === 'zip') await unzip(archive, directory);
    else await untar(await tarOf(archive, format), directory);
  } catch (error) {
    throw new Error(`The ${format} archive could not be unpacked: ${messageOf(error)}`);
  }
};

const tarOf = async (archive: string, format: Exclude<ArchiveFormat, 'zip'>): Promise<Readable> =>
  format === 'tar'
    ? createReadStream(archive)
    : decompressed(archive, format.slice('tar.'.length) as Compression);

/** By the system's own `tar`, which does not let entries leave the directory. */
const untar = async (content: Readable, directory: string): Promise<void> => {
  const args = ['--extract', '--no-same-owner', '--file', '-', '--directory', directory];
  const child = spawn('tar', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, 2000);
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // What is wrong with the content says more than what `tar` makes of its end.
  const [sent, end] = await Promise.allSettled([pipeline(content, child.stdin), ended]);
  if (end.status === 'rejected') {
    const isMissing = (end.reason as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? new Error('tar is not installed on this worker') : end.reason;
  }
  if (sent.status === 'rejected' && !isHangUp(sent.reason)) throw sent.reason;
  if (end.value[0] !== 0) throw new Error(complaint.trim() || `tar ended with ${end.value[0]}`);
};

// `tar` may stop reading at the end of the archive, or at a mistake in it.
const isHangUp = (error: unknown): boolean =>
  ['EPIPE', 'ERR_STREAM_PREMATURE_CLOSE'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Writes the decompressed content of a file to another. */
export const decompressFile = async (from: string, compression: Compression, to: string): Promise<void> => {
  try {
    await pipeline(await decompressed(from, compression), createWriteStream(to));
  } catch (error) {
    throw new Error(`The .${compression} file could not be decompressed: ${messageOf(error)}`);
  }
};
