import { Readable, Writable } from 'node:stream';
import type { Environment } from '../config.ts';
import type { Io } from '../io.ts';

/** An output that keeps what is written. */
const memory = (facts: { isTTY?: boolean; columns?: number; rows?: number } = {}) => {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { stream: Object.assign(stream, facts), text: () => text };
};

/** The surroundings of a command in a test. */
export const memoryIo = (environment: Partial<Environment> = {}, { stdin = '', isTTY = false } = {}) => {
  const stdout = memory(isTTY ? { isTTY, columns: 80, rows: 24 } : {});
  const stderr = memory();
  const handlers = new Set<() => void>();
  let exitCode: number | undefined;
  let killedWith: number | undefined;
  const io: Io = {
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin: Readable.from([stdin]),
    environment: { folder: '/nowhere/.taskyard', ...environment },
    onInterrupt: (handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    exit: (code) => {
      killedWith = code;
      throw new Error('killed');
    },
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  return {
    io,
    out: stdout.text,
    err: stderr.text,
    exitCode: () => exitCode,
    killedWith: () => killedWith,
    /** Presses Ctrl-C. */
    interrupt: () => {
      for (const handler of handlers) handler();
    },
  };
};
