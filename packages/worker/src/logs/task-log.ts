import { type FileHandle, open } from 'node:fs/promises';
import { Writable } from 'node:stream';
import type { Clock } from '../clock.ts';

/** The log of one run: the output of its commands, and lines of the worker. A file that only grows. */
export interface TaskLog {
  readonly path: string;
  /** Bytes that readers of the file find in it. */
  readonly size: number;
  readonly isClosed: boolean;
  /** Why the log is incomplete, once a write has failed (a full disk). */
  readonly failure: Error | undefined;
  /** Resolves when a command prints for the first time. */
  readonly printed: Promise<void>;
  /** The output of commands. It never fails: a task continues when its log cannot be written. */
  readonly output: Writable;
  /** A line of the worker's own. */
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** Resolves at the next growth, or when the log is closed; at once when it is closed already. */
  changed(): Promise<void>;
  /** Resolves when everything written so far is in the file. */
  flushed(): Promise<void>;
  /** The same, and nothing more is written. */
  close(): Promise<void>;
}

/** The worker's lines, which must begin on a new line. */
class Lines {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
type Chunk = Buffer | string | Lines;

const newline = 0x0a;

// Commands print in chunks of up to 64 KiB: a megabyte may wait for the disk before they have to.
const chunksWaitingMax = 16;

class LogFile implements TaskLog {
  readonly path: string;
  readonly output: Writable;
  size = 0;
  isClosed = false;
  failure: Error | undefined;
  readonly printed: Promise<void>;
  #tellPrinted = (): void => undefined;
  readonly #file: FileHandle;
  readonly #clock: Clock;
  #endsInsideLine = false;
  #waiting: (() => void)[] = [];

  constructor(path: string, file: FileHandle, clock: Clock) {
    this.path = path;
    this.#file = file;
    this.#clock = clock;
    this.printed = new Promise((resolve) => {
      this.#tellPrinted = resolve;
    });
    this.output = new Writable({
      objectMode: true,
      highWaterMark: chunksWaitingMax,
      write: (chunk: Chunk, _encoding, done) => void this.#append([chunk]).then(() => done()),
      writev: (chunks, done) =>
        void this.#append(chunks.map(({ chunk }) => chunk as Chunk)).then(() => done()),
    });
  }

  info(text: string): void {
    this.#write(`[taskcluster ${this.#clock.now().toJSON()}] `, text);
  }

  warn(text: string): void {
    this.#write('[taskcluster:warn] ', text);
  }

  error(text: string): void {
    this.#write('[taskcluster:error] ', text);
  }

  changed(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  flushed(): Promise<void> {
    if (this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.output.write('', () => resolve()));
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    await new Promise<void>((resolve) => this.output.end(resolve));
    await this.#file.close();
    this.isClosed = true;
    this.#wake();
  }

  #write(prefix: string, text: string): void {
    const lines = text.split('\n').map((line) => `${prefix}${line}\n`);
    this.output.write(new Lines(lines.join('')));
  }

  #bytesOf(chunk: Chunk): Buffer {
    const text = chunk instanceof Lines ? `${this.#endsInsideLine ? '\n' : ''}${chunk.text}` : chunk;
    const bytes = typeof text === 'string' ? Buffer.from(text) : text;
    if (bytes.length > 0 && !(chunk instanceof Lines)) this.#tellPrinted();
    if (bytes.length > 0) this.#endsInsideLine = bytes.at(-1) !== newline;
    return bytes;
  }

  async #append(chunks: readonly Chunk[]): Promise<void> {
    const parts = chunks.map((chunk) => this.#bytesOf(chunk));
    const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
    try {
      await this.#file.appendFile(bytes);
      this.size += bytes.length;
    } catch (error) {
      this.failure ??= error as Error;
      this.size = (await this.#file.stat()).size;
    }
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** Starts an empty log at this path. */
export const openTaskLog = async (path: string, clock: Clock): Promise<TaskLog> =>
  new LogFile(path, await open(path, 'w', 0o600), clock);
