import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
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

/** Makes the pipes of an engine. */
export interface OutputPipes {
  /** Opens a pipe whose bytes go to `output`, which has done with them when it calls back: their memory is used again. */
  open(output: Writable): Promise<OutputPipe>;
  /** Removes what is kept for pipes to come. */
  close(): void;
}

// To start a program takes longer than all else that a short command needs, so that one makes many.
const madeAtOnce = 16;

/**
 * Opens real pipes, through FIFOs in a directory of the worker's own, which are unlinked when they are opened. Node's own
 * `stdio: 'pipe'` is a socket, which a script cannot open again as /dev/stdout or /dev/stderr; and one pipe for both
 * keeps their order.
 */
export const openOutputPipes = (directory: string): OutputPipes => {
  let spare: string[] = [];
  let making: Promise<void> | undefined;
  const make = async (): Promise<void> => {
    const name = (): string => join(directory, `output-${randomBytes(6).toString('hex')}`);
    const paths = Array.from({ length: madeAtOnce }, name);
    await run('mkfifo', ['-m', '600', ...paths]);
    spare.push(...paths);
  };
  const take = async (): Promise<string> => {
    for (;;) {
      const path = spare.pop();
      if (path !== undefined) return path;
      making ??= make().finally(() => {
        making = undefined;
      });
      await making;
    }
  };
  return {
    open: async (output) => {
      const path = await take();
      try {
        return pipeThrough(path, output);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        // Somebody has removed it, and so perhaps all of them.
        for (const one of spare) rmSync(one, { force: true });
        spare = [];
        return pipeThrough(await take(), output);
      }
    },
    close: () => {
      for (const one of spare) rmSync(one, { force: true });
      spare = [];
    },
  };
};

// As much as the kernel keeps of a pipe.
const bytesAtOnceMax = 64 * 1024;

const pipeThrough = (path: string, output: Writable): OutputPipe => {
  const readingEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const descriptor = openSync(path, constants.O_WRONLY);
  rmSync(path);
  const source = new Socket({
    fd: readingEnd,
    readable: true,
    writable: false,
    // One buffer for all: a command that prints a gigabyte would have the worker allocate as much. Node's types lack this.
    onread: {
      buffer: Buffer.allocUnsafe(bytesAtOnceMax),
      callback: (size: number, bytes: Uint8Array) => {
        output.write(bytes.subarray(0, size), () => source.resume());
        return false;
      },
    },
  } as SocketConstructorOpts);
  const ended = new Promise<void>((resolve) => source.once('close', () => resolve()));
  source.on('error', () => source.destroy());
  let isOpen = true;
  const closeWritingEnd = (): void => {
    if (isOpen) closeSync(descriptor);
    isOpen = false;
  };
  return { descriptor, closeWritingEnd, ended, destroy: () => void source.destroy() };
};
