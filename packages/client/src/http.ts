import { ApiError, ConnectionError, reasonOf } from './errors.ts';
import type { Signer } from './hawk.ts';
import { textOf, transport } from './transport.ts';

/** How often to repeat a request, and how long to wait in between. */
export interface RetryPolicy {
  /** Attempts after the first. */
  readonly retries: number;
  readonly firstDelayMs: number;
  readonly delayMaxMs: number;
  /** The time that one attempt may take, its reply included. */
  readonly timeoutMs: number;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  /** JSON text. */
  readonly body?: string | undefined;
  readonly signer?: Signer | undefined;
  readonly headers?: (() => Readonly<Record<string, string>>) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The name of this request in errors. */
  readonly name: string;
}

export interface HttpReply {
  readonly status: number;
  readonly body: unknown;
}

/** Waits; rejects with the reason of the signal when that aborts first. */
export const pause = (milliseconds: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, milliseconds);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });

/** The delay before a repetition: doubled each time, up to a bound, spread by a quarter to either side. */
export const backOffMs = (
  attempt: number,
  policy: Pick<RetryPolicy, 'firstDelayMs' | 'delayMaxMs'>,
): number => Math.min(policy.firstDelayMs * 2 ** attempt, policy.delayMaxMs) * (0.75 + Math.random() / 2);

/**
 * Runs a step under a signal that aborts with the caller's, or when the time is over.
 * AbortSignal.any would do, but keeps memory of each call for as long as the caller's signal lives.
 */
export const withDeadline = async <T>(
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
  step: (signal: AbortSignal) => Promise<T>,
): Promise<T> => {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () => controller.abort(new Error(`nothing came within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    return await step(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
};

/** A reply's text as a value, when it is JSON. */
export const parsed = (text: string, contentType: string): unknown => {
  if (text === '') return undefined;
  if (!contentType.startsWith('application/json')) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

const attempt = async (request: HttpRequest, signal: AbortSignal): Promise<HttpReply> => {
  const { method, url, body, signer } = request;
  const headers = {
    ...request.headers?.(),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(signer ? { authorization: await signer.header(method, url) } : {}),
  };
  const reply = await transport({ method, url, headers, body, signal });
  return { status: reply.status, body: parsed(await textOf(reply), reply.contentType) };
};

/** The reply, or the failure of the connection as a value: both may be reasons to try again. */
const outcome = async (request: HttpRequest, timeoutMs: number): Promise<HttpReply | ConnectionError> => {
  const { signal } = request;
  try {
    return await withDeadline({ timeoutMs, signal }, (either) => attempt(request, either));
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    return new ConnectionError(request.url.href, reasonOf(error), error);
  }
};

/**
 * Sends a request. Repeats it after server errors (5xx) and lost connections, and only then.
 * Returns replies below 400, redirects included. Throws ApiError for other replies and ConnectionError without a reply.
 */
export const send = async (request: HttpRequest, policy: RetryPolicy): Promise<HttpReply> => {
  for (let tries = 0; ; tries++) {
    const result = await outcome(request, policy.timeoutMs);
    const isFinal = !(result instanceof ConnectionError) && result.status < 500;
    if (isFinal && result.status < 400) return result;
    if (isFinal || tries >= policy.retries) {
      throw result instanceof ConnectionError
        ? result
        : new ApiError(result.status, result.body, request.name);
    }
    await pause(backOffMs(tries, policy), request.signal);
  }
};
