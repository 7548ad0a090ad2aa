import type { IncomingMessage } from 'node:http';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import type { Duplex, Writable } from 'node:stream';
import { createWebSocketStream, WebSocket } from 'ws';
import { type Clock, seconds } from '../clock.ts';

/** A question that came through the tunnel. */
export interface TunnelRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly range: string | undefined;
}

/** Replies to a question: sends the head of the reply by `begin`, and the rest to what that returns. */
export type Answer = (
  request: TunnelRequest,
  begin: (status: number, headers: Readonly<Record<string, string | number>>) => Writable,
) => Promise<void>;

export interface Dialling {
  readonly clock: Clock;
  /** Where the server takes tunnels in: http or https. */
  readonly url: URL;
  /** An Authorization header for this URL, by the newest credentials. */
  authorize(): Promise<string>;
  readonly answer: Answer;
  /** What speaks with those who know a path, in both directions; undefined where nothing does. */
  speakerAt(path: string): ((stream: Duplex) => Promise<void>) | undefined;
}

/** One connection to the server. */
export interface Connection {
  /** What viewers reach this worker by. */
  readonly tunnelUrl: string;
  /** Resolves when it is gone. */
  readonly closed: Promise<void>;
  /** Ends it and what goes through it; returns at once. */
  close(): void;
}

/** The server does not open a tunnel, and asking once more would not help. */
export class TunnelRefused extends Error {
  readonly statusCode: number;
  constructor(statusCode: number) {
    super(`The server opens no tunnel: it answered ${statusCode}.`);
    this.name = 'TunnelRefused';
    this.statusCode = statusCode;
  }
}

const dialWithinMs = seconds(15);
/** The server asks who we are every 25 seconds: one that is silent for longer has gone. */
const silenceMsMax = seconds(120);
const frameBytesMax = 1024 * 1024;
const endedByWorker = 1000;

/** Dials in. Rejects with {@link TunnelRefused}, or another error when a later attempt may succeed. */
export const dial = async (dialling: Dialling, signal: AbortSignal): Promise<Connection> => {
  const target = new URL(dialling.url);
  target.protocol = target.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new WebSocket(target, {
    headers: { authorization: await dialling.authorize() },
    perMessageDeflate: false,
    handshakeTimeout: dialWithinMs,
    maxPayload: frameBytesMax,
  });
  // Each is heard of where it matters; a second one must not end the worker.
  socket.on('error', () => undefined);
  // From the first moment: what the server says at once may arrive together with its consent.
  const duplex = createWebSocketStream(socket);
  duplex.on('error', () => undefined);
  const abandon = () => socket.terminate();
  signal.addEventListener('abort', abandon, { once: true });
  try {
    const tunnelUrl = await openingOf(socket);
    return hold({ socket, duplex }, tunnelUrl, dialling);
  } finally {
    signal.removeEventListener('abort', abandon);
  }
};

const openingOf = (socket: WebSocket): Promise<string> =>
  new Promise((resolve, reject) => {
    let tunnelUrl: string | undefined;
    socket.once('upgrade', ({ headers }: IncomingMessage) => {
      const given = headers['x-taskyard-tunnel'];
      tunnelUrl = typeof given === 'string' ? given : undefined;
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      const status = response.statusCode ?? 0;
      // Too many, or a server about to end: others may have gone later.
      const mayComeLater = status >= 500 || status === 429;
      reject(mayComeLater ? new Error(`The server answered ${status}.`) : new TunnelRefused(status));
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('The server closed the connection.')));
    socket.once('open', () => (tunnelUrl ? resolve(tunnelUrl) : reject(new TunnelRefused(101))));
  });

const hold = (
  { socket, duplex }: { readonly socket: WebSocket; readonly duplex: Duplex },
  tunnelUrl: string,
  { clock, authorize, answer, speakerAt }: Dialling,
): Connection => {
  const end = () => socket.terminate();
  let cancelWatch = clock.after(silenceMsMax, end);
  const heard = (): void => {
    cancelWatch();
    cancelWatch = clock.after(silenceMsMax, end);
  };
  // The worker has dialed, but the server asks: the worker is the HTTP/2 server on this connection.
  const speaker = createServer({ settings: { enablePush: false } });
  speaker.on('sessionError', end);
  speaker.on('session', (session) => void session.once('close', end));
  speaker.on('stream', (stream, headers) => {
    heard();
    stream.on('error', () => undefined);
    const asked = {
      method: String(headers[':method']),
      url: String(headers[':path']),
      range: headers.range,
    };
    // Viewers of logs cannot ask by POST.
    const isPost = asked.method === 'POST';
    const answered = isPost
      ? asked.url === '/proof'
        ? prove(stream, authorize)
        : speak(stream, speakerAt(asked.url))
      : answer(asked, beginning(stream, asked.method));
    answered.catch(() => stream.close());
  });
  duplex.on('error', end);
  speaker.emit('connection', duplex);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(() => cancelWatch());
  return {
    tunnelUrl,
    closed,
    close: () => {
      socket.close(endedByWorker);
      // A server that does not answer to that has gone.
      void closed.then(clock.after(seconds(2), end));
    },
  };
};

/** A trailer says that a reply is whole: one that was cut off looks the same otherwise. */
const beginning =
  (stream: ServerHttp2Stream, method: string) =>
  (status: number, headers: Readonly<Record<string, string | number>>): Writable => {
    if (stream.destroyed) return stream;
    const hasBody = method !== 'HEAD';
    stream.respond({ ':status': status, ...headers }, { waitForTrailers: hasBody });
    if (hasBody) stream.once('wantTrailers', () => stream.sendTrailers({ 'x-whole': 'yes' }));
    return stream;
  };

const speak = async (
  stream: ServerHttp2Stream,
  speaker: ReturnType<Dialling['speakerAt']>,
): Promise<void> => {
  stream.respond({ ':status': speaker ? 200 : 404 }, { endStream: !speaker });
  await speaker?.(stream);
};

const prove = async (stream: ServerHttp2Stream, authorize: Dialling['authorize']): Promise<void> => {
  const authorization = await authorize();
  beginning(stream, 'GET')(200, {}).end(authorization);
};
