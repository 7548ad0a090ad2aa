import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { errorStatuses, RequestError, seconds } from '../base/index.ts';
import type { TunnelLimits } from './context.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import { type Answer, type Question, TunnelBroken, tunnelsPath } from './tunnel.ts';

/**
 * Headers of every reply. Workers show untrusted text with the same origin as the pages: any page may read it, but browsers
 * must not run it.
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
const keepAliveMs = seconds(60);

export interface Asking extends Question {
  readonly tunnelId: string;
}

/** The request of a viewer: `/tunnels/<tunnelId>/log/<token>`. */
export const readAsking = ({ url = '', method, headers: { range } }: IncomingMessage): Asking => {
  if (method !== 'GET' && method !== 'HEAD')
    throw new RequestError('InputError', 'Only GET and HEAD requests are sent through a tunnel.');
  // Viewers may not send any other request to a worker.
  const [, tunnelId, path] = /^([\w-]+)(\/log\/[\w-]+(?:\?.*)?)$/.exec(url.slice(tunnelsPath.length)) ?? [];
  if (tunnelId === undefined || path === undefined) throw nothingThere();
  return { tunnelId, path, method, range };
};

export const nothingThere = (): RequestError =>
  new RequestError('ResourceNotFound', 'There is no such live log: it has ended, or its worker has gone.');
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

/** Serves viewers, within the limits. */
export class Viewing {
  readonly #viewersMax: number;
  readonly #find: (asking: Asking, gone: AbortSignal) => Promise<Answer>;
  #viewers = 0;

  constructor(viewersMax: number, find: (asking: Asking, gone: AbortSignal) => Promise<Answer>) {
    this.#viewersMax = viewersMax;
    this.#find = find;
  }

  /** Serves one viewer. Never rejects. An incomplete reply is broken off, so that it does not look complete. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    request.socket.setKeepAlive(true, keepAliveMs);
    this.#viewers++;
    try {
      if (this.#viewers > this.#viewersMax) throw tooMany();
      const asking = readAsking(request);
      const answer = await this.#find(asking, gone.signal);
      if (!statuses.has(answer.status)) throw nothingThere();
      response.writeHead(answer.status, { ...headers, ...answer.headers });
      response.flushHeaders();
      await pipeline(answer.body, response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else refuse(response, error);
    } finally {
      this.#viewers--;
    }
  }
}

const refuse = (response: ServerResponse, error: unknown): void => {
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
};
