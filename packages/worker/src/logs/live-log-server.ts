import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TaskLog } from './task-log.ts';

/** Serves logs while they are being written. */
export interface LiveLogServer {
  /** Makes a log readable by whoever knows the answered URL, until it is withdrawn. */
  publish(log: TaskLog): { readonly url: string; withdraw(): void };
  /** Ends every viewer's stream, at whatever point it is. */
  close(): Promise<void>;
}

const chunkBytes = 64 * 1024;

// A log is untrusted text that browsers of any origin may read but must not run.
const headers = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-range',
  'accept-ranges': 'bytes',
};

/** Listens on a free port of the loopback interface. */
export const startLiveLogServer = async (): Promise<LiveLogServer> => {
  const logs = new Map<string, TaskLog>();
  const server = createServer((request, response) => {
    answer(logs, request, response).catch(() => response.destroy());
  });
  // Viewers of a silent task wait for as long as it is silent.
  server.requestTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  const { port } = server.address() as AddressInfo;
  return {
    publish: (log) => {
      const token = randomBytes(24).toString('base64url');
      logs.set(token, log);
      return { url: `http://127.0.0.1:${port}/log/${token}`, withdraw: () => logs.delete(token) };
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
};

const answer = async (
  logs: ReadonlyMap<string, TaskLog>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://live-log');
  const log = logs.get(/^\/log\/([\w-]+)$/.exec(url.pathname)?.[1] ?? '');
  if (!log) return refuse(response, 404, 'There is no such log.');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return refuse(response, 405, 'Logs are only read.');
  const from = url.searchParams.get('from') ?? '0';
  if (!/^\d{1,15}$/.test(from)) return refuse(response, 400, '`from` must be a number of bytes.');
  const range = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(request.headers.range ?? '');
  if (range)
    return sendPart(log, response, { first: Number(range[1]), last: range[2] || undefined, request });
  response.writeHead(200, headers);
  response.flushHeaders();
  if (request.method === 'HEAD') return void response.end();
  await reading(log, (file) => follow(log, response, { file, from: Number(from) }));
  response.end();
};

const refuse = (response: ServerResponse, status: number, reason: string): void => {
  response.writeHead(status, headers).end(`${reason}\n`);
};

const reading = async (log: TaskLog, use: (file: FileHandle) => Promise<void>): Promise<void> => {
  const file = await open(log.path, 'r');
  try {
    await use(file);
  } finally {
    await file.close();
  }
};

/** Sends what the file holds from an offset on, and what is added to it, until the log is closed. */
const follow = async (
  log: TaskLog,
  response: ServerResponse,
  { file, from }: { file: FileHandle; from: number },
): Promise<void> => {
  const gone = new Promise<void>((resolve) => response.once('close', resolve));
  let position = from;
  while (!response.destroyed) {
    // Asked for before the size is read, so that growth between the two is not missed.
    const changed = log.changed();
    const wasClosed = log.isClosed;
    position = await sendBytes(response, { file, first: position, end: log.size, gone });
    if (position < log.size) continue;
    if (wasClosed) return;
    await Promise.race([changed, gone]);
  }
};

/** Sends the bytes of a span, a chunk at a time as fast as the viewer takes them; returns where it stopped. */
const sendBytes = async (
  response: ServerResponse,
  { file, first, end, gone }: { file: FileHandle; first: number; end: number; gone: Promise<void> },
): Promise<number> => {
  let position = first;
  while (position < end && !response.destroyed) {
    // The response keeps a chunk until it is sent, so each has a buffer of its own.
    const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - position));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    if (!response.write(buffer.subarray(0, bytesRead))) {
      await Promise.race([new Promise<void>((resolve) => response.once('drain', resolve)), gone]);
    }
  }
  return position;
};

/** A range request is answered with what is there now, as the length of an HTTP range must be known. */
const sendPart = async (
  log: TaskLog,
  response: ServerResponse,
  { first, last, request }: { first: number; last: string | undefined; request: IncomingMessage },
): Promise<void> => {
  const size = log.size;
  if (first >= size || (last !== undefined && Number(last) < first)) {
    response.writeHead(416, { ...headers, 'content-range': `bytes */${size}` }).end();
    return;
  }
  const end = Math.min(last === undefined ? size : Number(last) + 1, size);
  const total = log.isClosed ? size : '*';
  response.writeHead(206, {
    ...headers,
    'content-range': `bytes ${first}-${end - 1}/${total}`,
    'content-length': end - first,
  });
  if (request.method === 'HEAD') return void response.end();
  const gone = new Promise<void>((resolve) => response.once('close', resolve));
  await reading(log, async (file) => void (await sendBytes(response, { file, first, end, gone })));
  response.end();
};
