/** A message as it is sent: `key` is the same at each attempt, so that who gets it twice can tell. */
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

/** The other side does not want this message, and will not want it later either. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
}

/** Nobody waits longer for the other side, in milliseconds. */
export const patienceMs = 20_000;

/** Calls an API that speaks JSON; returns the status and the body, whatever they say. */
export const callJson = async (
  url: string,
  { method, token, body }: { readonly method: string; readonly token: string; readonly body: object },
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> => {
  const reply = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
  });
  return { status: reply.status, body: asObject(await reply.json().catch(() => undefined)) };
};

const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? { ...value } : {};
