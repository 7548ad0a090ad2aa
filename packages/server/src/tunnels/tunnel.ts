import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { Readable } from 'node:stream';
import { createWebSocketStream, type WebSocket } from 'ws';
import { type Clock, seconds } from '../base/index.ts';

/** What is asked of a worker. */
export interface Question {
  readonly method: 'GET' | 'HEAD';
  /** `/log/<token>?from=0`: what the worker knows it by. */
  readonly path: string;
  readonly range?: string | undefined;
}

/** What a worker, or another process in its place, answers. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Fails when the answer was cut off before its end. */
  readonly body: Readable;
}

/** The tunnel is gone, or was before anything was answered. */
export class TunnelBroken extends Error {
  constructor() {
    super('The tunnel has ended.');
    this.name = 'TunnelBroken';
  }
}

/** Why a tunnel ends, as the websocket says it. The worker ends it with 1000. */
export const closeCodes = {
  ended: 1000,
  refused: 4401,
  replaced: 4409,
  restart: 1012,
  silent: 4408,
} as const;

/** What a worker may send before it is read: of each answer, and of all of them together. */
const windowBytes = { each: 256 * 1024, allMegabytes: 32 };
/** A worker that is there answers within this time: a viewer, and whether it is still there. */
const withinMs = { answer: seconds(20), proof: seconds(60) };
const proofBytesMax = 64 * 1024;

/** What everything about tunnels is below, outside of the API. */
export const tunnelsPath = '/tunnels/';

/** Those of a worker's headers that are passed on; what else it says could act in the name of this server. */
export const passedOn = (given: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    ['content-length', 'content-range', 'x-log-offset'].flatMap((name) => {
      const value = given[name];
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );

/**
 * The way back to a worker that has dialled in: HTTP/2 over its websocket, on which this side asks. So each answer has a
 * window of its own: one that is not read holds up neither the others nor the worker, and costs no more than its window.
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
    // What breaks is told by the end of the socket, and by each question that is under way.
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

  /** Those who are being answered. */
  get viewers(): number {
    return this.#viewers;
  }

  /** Asks the worker; resolves with the head of its answer. Rejects with {@link TunnelBroken}. */
  async ask(question: Question, signal: AbortSignal): Promise<Answer> {
    const { stream, bytes } = this.#open(question);
    const end = () => stream.close();
    signal.addEventListener('abort', end, { once: true });
    this.#viewers++;
    stream.once('close', () => {
      this.#viewers--;
      signal.removeEventListener('abort', end);
    });
    const { status, headers } = await this.#headOf(stream, withinMs.answer);
    return { status, headers, body: Readable.from(bytes(), { objectMode: false }) };
  }

  /** What the worker proves itself with now: an Authorization header for the request that opened the tunnel. */
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

  /** Ends it and all answers, as soon as the worker has heard why; returns at once. */
  close(code: number): void {
    this.#socket.close(code);
    // One that does not answer has no more to say.
    const cancel = this.#clock.after(seconds(2), () => this.#socket.terminate());
    void this.closed.then(cancel);
  }

  #open({ method, path, range }: Omit<Question, 'method'> & { method: Question['method'] | 'POST' }) {
    if (this.#session.destroyed || this.#session.closed) throw new TunnelBroken();
    const headers = { ':method': method, ':path': path, ...(range ? { range } : {}) };
    const stream = this.#session.request(headers, { endStream: true });
    // A tunnel that breaks looks like an end as well: a trailer says that an answer is whole.
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

/** The bytes of an answer; fails when they are not all of it. */
async function* bytesOf(stream: ClientHttp2Stream, isWhole: () => boolean) {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch {
    throw new TunnelBroken();
  }
  if (!isWhole()) throw new TunnelBroken();
}
