import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { type Duplex, Readable } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import { type Clock, seconds } from '../base/index.ts';

/** A request to a worker. */
export interface Question {
  readonly method: 'GET' | 'HEAD';
  /** The path at the worker: `/log/<token>?from=0`. */
  readonly path: string;
  readonly range?: string | undefined;
}

/** The reply of a worker, or of another process on its behalf. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Fails when the reply was cut off. */
  readonly body: Readable;
}

/** The tunnel closed before there was a reply. */
export class TunnelBroken extends Error {
  constructor() {
    super('The tunnel has ended.');
    this.name = 'TunnelBroken';
  }
}

/** The websocket codes with which the server closes a tunnel. The worker closes it with 1000. */
export const closeCodes = {
  ended: 1000,
  refused: 4401,
  replaced: 4409,
  restart: 1012,
  silent: 4408,
} as const;

/** The bytes that a worker may send ahead of the reader: for each reply, and for all together. */
const windowBytes = { each: 256 * 1024, allMegabytes: 32 };
/** A connected worker replies within this time, to viewers and to pings. */
const withinMs = { answer: seconds(20), proof: seconds(60) };
const proofBytesMax = 64 * 1024;

/** The path prefix of everything about tunnels, outside of the API. */
export const tunnelsPath = '/tunnels/';

/** The headers of a worker's reply that are passed on. Others could act in the name of this server. */
export const passedOn = (given: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    ['content-length', 'content-range', 'x-log-offset'].flatMap((name) => {
      const value = given[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );

/**
 * A connection to a worker that has dialed in: HTTP/2 over its websocket, with the server as the client. So each reply has
 * its own window: one that is not read blocks neither the others nor the worker, and costs no more than its window.
 */
export class Tunnel {
  readonly tunnelId: string;
  readonly holder: string;
  readonly clientId: string;
  readonly address: string;
  /** Resolves with the code by which it ended. */
  readonly closed: Promise<number>;
  readonly #clock: Clock;
  readonly #socket: WebSocket;
  readonly #session: ClientHttp2Session;
  #viewers = 0;

  constructor(
    named: { tunnelId: string; holder: string; clientId: string; address: string },
    socket: WebSocket,
    clock: Clock,
  ) {
    this.tunnelId = named.tunnelId;
    this.holder = named.holder;
    this.clientId = named.clientId;
    this.address = named.address;
    this.#clock = clock;
    this.#socket = socket;
    const duplex = createWebSocketStream(socket);
    this.#session = connect('http://worker', {
      createConnection: () => duplex,
      maxSessionMemory: windowBytes.allMegabytes,
      settings: { enablePush: false, initialWindowSize: windowBytes.each },
    });
    // Errors show as the end of the socket, and as the failure of each request in flight.
    const end = () => socket.terminate();
    duplex.on('error', end);
    socket.on('error', end);
    this.#session.on('error', end).on('close', end);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code) => {
        this.#session.destroy();
        resolve(code);
      });
    });
  }

  /** The number of requests in flight. */
  get viewers(): number {
    return this.#viewers;
  }

  /** Sends a request to the worker; resolves with the head of its reply. Rejects with {@link TunnelBroken}. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { stream, bytes } = this.#open(question);
    const end = () => stream.close();
    signal.addEventListener('abort', end, { once: true });
    stream.once('close', () => signal.removeEventListener('abort', end));
    this.#count(stream);
    const { status, headers } = await this.#headOf(stream, withinMs.answer);
    return { status, headers, body: Readable.from(bytes(), { objectMode: false }) };
  }

  /**
   * Opens a stream to the worker on which both sides speak, each within a window of its own; undefined when the worker does
   * not know the path. Rejects with {@link TunnelBroken}.
   */
  async speak(path: string): Promise<Duplex | undefined> {
    this.#requireSession();
    const stream = this.#session.request({ ':method': 'POST', ':path': path }, { endStream: false });
    // Told by its end as well.
    stream.on('error', () => {});
    this.#count(stream);
    const { status } = await this.#headOf(stream, withinMs.answer);
    if (status === 200) return stream;
    stream.close();
    return undefined;
  }

  /** The worker's current proof of identity: an Authorization header for the request that opened the tunnel. */
  async proof(): Promise<string> {
    const { stream, bytes } = this.#open({ method: 'POST', path: '/proof' });
    await this.#headOf(stream, withinMs.proof);
    let text = '';
    for await (const chunk of bytes()) {
      text += chunk.toString('latin1');
      if (text.length > proofBytesMax) throw new TunnelBroken();
    }
    return text;
  }

  /** Closes the tunnel and all replies once the worker has received the reason; returns at once. */
  close(code: number): void {
    this.#socket.close(code);
    // A worker that does not reply is not waited for.
    const cancel = this.#clock.after(seconds(2), () => this.#socket.terminate());
    void this.closed.then(cancel);
  }

  #requireSession(): void {
    if (this.#session.destroyed || this.#session.closed) throw new TunnelBroken();
  }

  #count(stream: ClientHttp2Stream): void {
    this.#viewers++;
    stream.once('close', () => this.#viewers--);
  }

  #open({ method, path, range }: Omit<Question, 'method'> & { method: Question['method'] | 'POST' }) {
    this.#requireSession();
    const headers = { ':method': method, ':path': path, ...(range ? { range } : {}) };
    const stream = this.#session.request(headers, { endStream: true });
    // A broken tunnel looks like an end, so a trailer marks complete replies.
    let isWhole = method === 'HEAD';
    stream
      .on('error', () => {})
      .once('trailers', () => {
        isWhole = true;
      });
    return { stream, bytes: () => bytesOf(stream, () => isWhole) };
  }

  #headOf(stream: ClientHttp2Stream, ms: number): Promise<Pick<Answer, 'status' | 'headers'>> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(ms, () => stream.close());
      stream.once('close', () => {
        cancel();
        reject(new TunnelBroken());
      });
      stream.once('response', (given) => {
        cancel();
        resolve({ status: Number(given[':status']), headers: passedOn(given) });
      });
    });
  }
}

/** The bytes of a reply; fails when they are incomplete. */
async function* bytesOf(stream: ClientHttp2Stream, isWhole: () => boolean) {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    throw new TunnelBroken();
  }
  if (!isWhole()) throw new TunnelBroken();
}
