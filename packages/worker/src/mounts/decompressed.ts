import { spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Decompress } from 'fzstd';
import unbzip2 from 'unbzip2-stream';
import xz from 'xz-decompress';
import type { Compression } from '../payload/index.ts';
import { programEnvironment } from '../program-environment.ts';
import { FrameWatch } from './zstd-frames.ts';

type Source = (path: string) => Readable;

/** Formats that Node itself decompresses, in threads of its own. */
const native = {
  br: createBrotliDecompress,
  gz: createGunzip,
  zz: createInflate,
} as const satisfies Partial<Record<Compression, unknown>>;

interface Program {
  readonly name: string;
  readonly options: readonly string[];
  /** Statuses beside 0 that, by its manual, mean no more than a warning. */
  readonly warnings: readonly number[];
}

/**
 * The program for each of the others. It works beside this process, which has other tasks to serve. None takes more
 * than 640 MiB of memory: a window of 512 MiB (`zstd --long=29`), and what goes with it.
 */
const programs: Readonly<Record<'bz2' | 'lz4' | 'xz' | 'zst', Program>> = {
  bz2: { name: 'bzip2', options: [], warnings: [] },
  lz4: { name: 'lz4', options: [], warnings: [] },
  xz: { name: 'xz', options: ['--memlimit-decompress=640MiB'], warnings: [2] },
  zst: { name: 'zstd', options: ['--long=29'], warnings: [] },
};

/** Passes on what is written into a stream; a failure reaches the reader of the stream. */
const through = <Filter extends NodeJS.ReadWriteStream>(path: string, filter: Filter): Filter => {
  pipeline(createReadStream(path), filter).catch(() => undefined);
  return filter;
};

/** The library moves its whole window for each block: with larger ones it would hold this process up. */
const windowBytesMax = 128 * 2 ** 20;

/** Zstandard in pieces of its own making. */
async function* zstandard(path: string): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let isWhole = false;
  const stream = new Decompress((piece, isLast = false) => {
    pieces.push(piece);
    isWhole = isLast;
  });
  const take = (): Uint8Array[] => {
    const taken = pieces;
    pieces = [];
    return taken;
  };
  const frames = new FrameWatch(windowBytesMax);
  for await (const chunk of createReadStream(path)) {
    frames.look(chunk as Buffer);
    stream.push(chunk as Buffer);
    yield* take();
  }
  frames.end();
  stream.push(new Uint8Array(0), true);
  yield* take();
  if (!isWhole) throw new Error('it ends too early');
}

// xz-decompress 0.2.3 says "error code 6" for files with a filter before LZMA2 (`xz --x86`) or the check SHA-256.
const unknownToTheLibrary = /error code 6$/;

async function* xzContent(path: string): AsyncGenerator<Uint8Array> {
  const bytes = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>;
  try {
    yield* Readable.fromWeb(new xz.XzReadableStream(bytes) as Parameters<typeof Readable.fromWeb>[0]);
  } catch (error) {
    if (!unknownToTheLibrary.test((error as Error).message)) throw error;
    throw new Error('it has a filter or a check that only the program xz reads, which this worker lacks', {
      cause: error,
    });
  }
}

/** What decompresses inside this process, for machines without the program. */
export const libraries: Readonly<Record<'bz2' | 'xz' | 'zst', Source>> = {
  bz2: (path) => {
    const content = new PassThrough();
    const bytes = createReadStream(path);
    bytes.once('error', (error) => content.destroy(error));
    bytes
      .pipe(unbzip2())
      .once('error', (error: Error) => content.destroy(error))
      .pipe(content);
    return content;
  },
  xz: (path) => Readable.from(xzContent(path)),
  zst: (path) => Readable.from(zstandard(path)),
};

/** Returns nothing where the program is not installed. */
const throughProgram = async (
  { name: program, options, warnings }: Program,
  path: string,
): Promise<Readable | undefined> => {
  // Without the variables for these programs in the worker's own environment (XZ_OPT, ZSTD_NBTHREADS, BZIP).
  const env = programEnvironment();
  const child = spawn(program, ['-d', '-c', ...options, path], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const started = await new Promise<true | NodeJS.ErrnoException>((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', resolve);
  });
  if (started !== true) {
    if (started.code === 'ENOENT') return undefined;
    throw started;
  }
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(0, 1000);
  });
  const content = new PassThrough();
  child.once('close', (code, signal) => {
    if (code === 0 || warnings.includes(code ?? -1)) content.end();
    else content.destroy(new Error(complaint.trim() || `${program} ended with ${code ?? signal}`));
  });
  child.stdout.pipe(content, { end: false });
  content.once('close', () => child.kill('SIGKILL'));
  return content;
};

/** The content of a compressed file. Errors in it show while it is read. */
export const decompressed = async (path: string, compression: Compression): Promise<Readable> => {
  if (compression === 'br' || compression === 'gz' || compression === 'zz')
    return through(path, native[compression]());
  const content = await throughProgram(programs[compression], path);
  if (content) return content;
  if (compression === 'lz4') throw new Error('lz4 is not installed on this worker');
  return libraries[compression](path);
};
