import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import type { TaskLog } from './task-log.ts';

/** A request of a viewer, from either way. */
export interface LogRequest {
  readonly method: string;
  /** `/log/<token>`, with `?from=<bytes>` to begin there. */
  readonly url: string;
  /** The header `Range`. */
  readonly range: string | undefined;
}

/** Sends the head of the reply; returns the stream for its body. */
export type BeginReply = (status: number, headers: Readonly<Record<string, string | number>>) => Writable;

const chunkBytes = 64 * 1024;

// A log is untrusted text that browsers of any origin may read but must not run.
const headers = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-range, x-log-offset',
  'accept-ranges': 'bytes',
};

/** The logs that can be read while they are written, each at a secret path. */
export class PublishedLogs {
  readonly #logs = new Map<string, TaskLog>();

  /** Makes a log readable at a path that cannot be guessed, until it is withdrawn. */
  publish(log: TaskLog): { readonly path: string; withdraw(): void } {
    const token = randomBytes(24).toString('base64url');
    this.#logs.set(token, log);
    return { path: `/log/${token}`, withdraw: () => void this.#logs.delete(token) };
  }

  /** Serves one viewer. Resolves when everything is sent, or the viewer has disconnected. */
  async answer(request: LogRequest, begin: BeginReply): Promise<void> {
    const url = new URL(request.url, 'http://live-log');
    const log = this.#logs.get(/^\/log\/([\w-]+)$/.exec(url.pathname)?.[1] ?? '');
    const refuse = (status: number, reason: string) => void begin(status, headers).end(`${reason}\n`);
    if (!log) return refuse(404, 'There is no such log.');
    if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(405, 'Logs are only read.');
    const from = url.searchParams.get('from') ?? '0';
    if (!/^\d{1,15}$/.test(from)) return refuse(400, '`from` must be a number of bytes.');
    const range = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(request.range ?? '');
    const isHead = request.method === 'HEAD';
    if (range) return sendPart(log, begin, { first: Number(range[1]), last: range[2] || undefined, isHead });
    const reply = begin(200, { ...headers, 'x-log-offset': from });
    if (!isHead) await reading(log, (file) => follow(log, reply, { file, from: Number(from) }));
    reply.end();
  }
}

const reading = async (log: TaskLog, use: (file: FileHandle) => Promise<void>): Promise<void> => {
  const file = await open(log.path, 'r');
  try {
    await use(file);
  } finally {
    await file.close();
  }
};

const goneFrom = (reply: Writable): Promise<void> => new Promise((resolve) => reply.once('close', resolve));

/** Sends the file from an offset, and everything that is added, until the log is closed. */
const follow = async (
  log: TaskLog,
  reply: Writable,
  { file, from }: { file: FileHandle; from: number },
): Promise<void> => {
  const gone = goneFrom(reply);
  let position = from;
  while (!reply.destroyed) {
    // Asked for before the size is read, so that growth between the two is not missed.
    const changed = log.changed();
    const wasClosed = log.isClosed;
    position = await sendBytes(reply, { file, first: position, end: log.size, gone });
    if (position < log.size) continue;
    if (wasClosed) return;
    await Promise.race([changed, gone]);
  }
};

/** Sends the bytes of a span, a chunk at a time as fast as the viewer takes them; returns where it stopped. */
const sendBytes = async (
  reply: Writable,
  { file, first, end, gone }: { file: FileHandle; first: number; end: number; gone: Promise<void> },
): Promise<number> => {
  let position = first;
  while (position < end && !reply.destroyed) {
    // The reply keeps a chunk until it is sent, so each has a buffer of its own.
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    if (!reply.write(buffer.subarray(0, bytesRead))) {
      await Promise.race([new Promise<void>((resolve) => reply.once('drain', resolve)), gone]);
    }
  }
  return position;
};

/** A range request returns what is there now, as the length of an HTTP range must be known. */
const sendPart = async (
  log: TaskLog,
  begin: BeginReply,
  { first, last, isHead }: { first: number; last: string | undefined; isHead: boolean },
): Promise<void> => {
  const size = log.size;
  if (first >= size || (last !== undefined && Number(last) < first)) {
    begin(416, { ...headers, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const end = Math.min(last === undefined ? size : Number(last) + 1, size);
  const total = log.isClosed ? size : '*';
  const reply = begin(206, {
    ...headers,
    'content-range': `bytes ${first}-${end - 1}/${total}`,
    'content-length': end - first,
  });
  if (!isHead) {
    const gone = goneFrom(reply);
    await reading(log, async (file) => void (await sendBytes(reply, { file, first, end, gone })));
  }
  reply.end();
};
