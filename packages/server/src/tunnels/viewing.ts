import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { errorStatuses, RequestError, seconds } from '../base/index.ts';
import type { TunnelLimits } from './context.ts';
import type { TunnelCounts } from './counts.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import { type Answer, type Question, TunnelBroken, tunnelsPath } from './tunnel.ts';

/**
 * Headers of every reply. A log is untrusted text at the origin of the web pages. Browsers must not run it; pages of any origin
 * that know its URL may read it.
 */
const headers = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Range, X-Log-Offset',
  'accept-ranges': 'bytes',
} as const;

/** The statuses of a log that are passed on; the worker's messages for others are not repeated. */
const statuses = new Set([200, 206, 400, 405, 416]);

/** A viewer whose machine disappeared is noticed after some minutes. */
export const keepAliveMs = seconds(60);

export interface Asking extends Question {
  readonly tunnelId: string;
}

/** The request of a viewer: `/tunnels/<tunnelId>/log/<token>`. */
export const readAsking = ({ url = '', method, headers: { range } }: IncomingMessage): Asking => {
  if (method !== 'GET' && method !== 'HEAD')
    throw new RequestError('InputError', 'Only GET and HEAD requests are sent through a tunnel.');
  // Viewers may not send any other request to a worker.
  if (/^[\w-]+\/shell\/[\w-]+$/.test(url.slice(tunnelsPath.length))) throw isShell();
  const [, tunnelId, path] = /^([\w-]+)(\/log\/[\w-]+(?:\?.*)?)$/.exec(url.slice(tunnelsPath.length)) ?? [];
  if (tunnelId === undefined || path === undefined) throw nothingThere();
  return { tunnelId, path, method, range };
};

export const nothingThere = (): RequestError =>
  new RequestError('ResourceNotFound', 'There is no such live log: it has ended, or its worker has gone.');
const isShell = (): RequestError =>
  new RequestError('InputError', 'This is a shell of a task: open it by `taskyard task shell <taskId>`.');
export const tooMany = (): RequestError =>
  new RequestError('TooManyRequests', 'Too many live logs are open: of this worker, or in total.');
export const isAway = (): RequestError =>
  new RequestError('ServiceUnavailable', 'The worker is disconnected at the moment; try again in a second.');

/** Sends a request to a worker with a tunnel in this process; undefined when there is none. */
export const askHere = (
  open: OpenTunnels,
  limits: TunnelLimits,
  { asking, gone }: { asking: Asking; gone: AbortSignal },
): Promise<Answer> | undefined => {
  const tunnel = open.get(asking.tunnelId);
  if (!tunnel) return undefined;
  if (tunnel.viewers >= limits.viewersPerTunnel) throw tooMany();
  return tunnel.ask(asking, gone);
};

interface ViewingOptions {
  readonly viewersMax: number;
  /** Counts what viewers are answered; nothing is counted when absent. */
  readonly counts?: TunnelCounts;
  find(asking: Asking, gone: AbortSignal): Promise<Answer>;
}

/** Serves viewers, within the limits. */
export class Viewing {
  readonly #options: ViewingOptions;
  #viewers = 0;

  constructor(options: ViewingOptions) {
    this.#options = options;
  }

  /** The number of viewers that are being answered. */
  get viewers(): number {
    return this.#viewers;
  }

  /** Serves one viewer. Never rejects. An incomplete reply is broken off, so that it does not look complete. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    request.socket.setKeepAlive(true, keepAliveMs);
    if (request.headers.range === undefined) leaveWithHalf(request, response);
    const { viewersMax, counts, find } = this.#options;
    this.#viewers++;
    try {
      if (this.#viewers > viewersMax) throw tooMany();
      const answer = await find(readAsking(request), gone.signal);
      if (!statuses.has(answer.status)) throw nothingThere();
      response.writeHead(answer.status, { ...headers, ...answer.headers });
      response.flushHeaders();
      counts?.replied(answer.status);
      // A listener, not a stream in between: a generator would only notice with the next byte that its viewer has left.
      answer.body.on('data', (chunk: Buffer) => counts?.sent(chunk.length));
      await pipeline(answer.body, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else {
        const status = refuse(response, error);
        counts?.replied(status);
      }
    } finally {
      this.#viewers--;
    }
  }
}

/**
 * Takes a viewer who has ended its half of the connection for one who has gone: only a byte would show it, and a log may be
 * quiet for long.
 */
const leaveWithHalf = ({ socket }: IncomingMessage, response: ServerResponse): void => {
  const leave = (): void => void socket.destroy();
  if (socket.readableEnded) leave();
  else socket.once('end', leave);
  response.once('close', () => socket.off('end', leave));
};

/** Sends a refusal; returns its HTTP status. */
const refuse = (response: ServerResponse, error: unknown): number => {
  const refusal =
    error instanceof RequestError ? error : error instanceof TunnelBroken ? isAway() : undefined;
  const { code, message } = refusal ?? {
    code: 'InternalServerError' as const,
    message: 'Something went wrong inside the server.',
  };
  const status = errorStatuses[code];
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    ...(status === 503 ? { 'retry-after': '1' } : {}),
  });
  response.end(JSON.stringify({ code, message }));
  return status;
};
