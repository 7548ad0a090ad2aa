import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ArchiveFormat, Compression } from '../payload/index.ts';
import { programEnvironment } from '../program-environment.ts';
import { messageOf } from '../worker-log.ts';
import { checkUnpacked } from './check-unpacked.ts';
import { decompressed } from './decompressed.ts';
import { unzip } from './unzip.ts';

export interface Unpacking {
  readonly signal: AbortSignal;
  /** A program's command line so that it sees nothing but one directory, where the engine can do that. */
  readonly confine?: ((argv: readonly string[], directory: string) => readonly string[]) | undefined;
  /** Told of oddities that are no reason to stop. */
  readonly warn: (text: string) => void;
}

/**
 * Unpacks an archive into a directory, which must be new, empty and the worker's own: nothing that somebody else put
 * there can lead an entry elsewhere. Throws with the reason when it cannot be unpacked.
 */
export const unpackArchive = async (
  archive: string,
  { format, directory }: { format: ArchiveFormat; directory: string },
  unpacking: Unpacking,
): Promise<void> => {
  try {
    if (format === 'zip') await unzip(archive, directory, unpacking);
    else await untar(await tarOf(archive, format), directory, unpacking);
    await checkUnpacked(directory, unpacking);
  } catch (error) {
    unpacking.signal.throwIfAborted();
    throw new Error(`The ${format} archive could not be unpacked: ${messageOf(error)}`);
  }
};

const tarOf = async (archive: string, format: Exclude<ArchiveFormat, 'zip'>): Promise<Readable> =>
  format === 'tar'
    ? createReadStream(archive)
    : decompressed(archive, format.slice('tar.'.length) as Compression);

// No owner of another machine, and none of the bits that lend a program its owner's rights.
const tarOptions = ['--extract', '--no-same-owner', '--no-same-permissions', '--file', '-', '--directory'];

/** By the system's own `tar`, which does not let entries leave the directory. */
const untar = async (content: Readable, directory: string, unpacking: Unpacking): Promise<void> => {
  const { signal, confine = (argv) => argv } = unpacking;
  const [program = '', ...args] = confine(['tar', ...tarOptions, directory], directory);
  const env = programEnvironment();
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'], env });
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, 2000);
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  // The error in the content says more than the one of `tar` at its end.
  const [sent, end] = await Promise.allSettled([pipeline(content, child.stdin, { signal }), ended]);
  signal.removeEventListener('abort', kill);
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

/** Writes the decompressed content of a file to another, which must not be there yet. */
export const decompressFile = async (
  from: string,
  { compression, to }: { compression: Compression; to: string },
  signal: AbortSignal,
): Promise<void> => {
  try {
    await pipeline(await decompressed(from, compression), createWriteStream(to, { flags: 'wx' }), { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`The .${compression} file could not be decompressed: ${messageOf(error)}`);
  }
};
