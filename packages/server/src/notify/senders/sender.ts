/** A message to be sent. `key` is the same at each attempt, so that receivers can find duplicates. */
export interface Letter {
  readonly key: string;
  readonly address: string;
  readonly message: object;
}

/** A way out of the platform. */
export interface Sender {
  /** Resolves when the other side has taken the message. */
  send(letter: Letter): Promise<void>;
}

/** The other side refuses this message for good. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** The other side is busy, and says when to try again: the attempt does not count. */
export class ToldToWait extends Error {
  override readonly name = 'ToldToWait';
  readonly waitMs: number;
  constructor(message: string, waitMs: number) {
    super(message);
    this.waitMs = waitMs;
  }
}

/** The longest wait for the other side, in milliseconds. */
export const patienceMs = 20_000;

/** The reply of an API. */
export interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** How long it asks us to wait: `Retry-After`, in seconds or as a date, in milliseconds. */
  readonly retryAfterMs: number | undefined;
}

/** Calls an API that speaks JSON; returns the status and the body, whatever they say. */
export const callJson = async (
  url: string,
  { method, token, body }: { readonly method: string; readonly token: string; readonly body: object },
): Promise<Reply> => {
  const reply = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
  });
  return {
    status: reply.status,
    body: asObject(await reply.json().catch(() => undefined)),
    retryAfterMs: retryAfterMsOf(reply.headers),
  };
};

/** RFC 9110, 10.2.3. A date is one by the clock of the other side, which tells its time as well. */
const retryAfterMsOf = (headers: Headers): number | undefined => {
  const header = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const waitMs = Date.parse(header) - Date.parse(headers.get('date') ?? '');
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs);
};

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
