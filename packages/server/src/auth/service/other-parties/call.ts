/** Nobody waits longer for another party, in milliseconds. */
const patienceMs = 20_000;

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when it was no JSON. */
  readonly body: unknown;
}

/** Calls another party's API that speaks JSON; returns what came, whatever the status says. */
export const callJson = async (
  url: string,
  { method = 'GET', headers, body }: { method?: string; headers: Record<string, string>; body?: object },
): Promise<Called> => {
  const reply = await fetch(url, {
    method,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(patienceMs),
  });
  const answer: unknown = await reply.json().catch(() => undefined);
  return { status: reply.status, headers: reply.headers, body: answer };
};

/** What the other party says about its refusal, as far as it says it. */
export const wordsIn = (body: unknown): string => {
  const { message, detail, error } = (body ?? {}) as Record<string, unknown>;
  const words = message ?? detail ?? (error as { message?: unknown } | undefined)?.message;
  return typeof words === 'string' ? words : 'it does not say why';
};

/** The other party did what nobody here can mend by asking differently. */
export const failed = (party: string, { status, body }: Called): never => {
  throw new Error(`${party} answered ${status}: ${wordsIn(body)}`);
};
