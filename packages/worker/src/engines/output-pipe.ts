import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A pipe from a command to a stream. */
export interface OutputPipe {
  /** The command's standard output and error. */
  readonly descriptor: number;
  /** The worker's own copy of the writing end must be closed before the reading end can end. */
  closeWritingEnd(): void;
  /** Resolves when every process has closed its end, and all bytes have been handed on. */
  readonly ended: Promise<void>;
  /** Stops reading. Processes that still have the other end get SIGPIPE. */
  destroy(): void;
}

/**
 * Opens a real pipe, through a FIFO that is unlinked at once. Node's own `stdio: 'pipe'` is a socket, which
 * a script cannot open again as /dev/stdout or /dev/stderr; and one pipe for both keeps their order.
 */
export const openOutputPipe = async (directory: string, output: Writable): Promise<OutputPipe> => {
  const path = join(directory, `output-${randomBytes(6).toString('hex')}`);
  await run('mkfifo', ['-m', '600', path]);
  const readingEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(path, constants.O_WRONLY);
  rmSync(path);
  const source = new Socket({ fd: readingEnd, readable: true, writable: false });
  const ended = new Promise<void>((resolve) => source.once('close', () => resolve()));
  source.on('error', () => source.destroy());
  source.pipe(output, { end: false });
  let isOpen = true;
  const closeWritingEnd = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return { descriptor, closeWritingEnd, ended, destroy: () => void source.destroy() };
};
