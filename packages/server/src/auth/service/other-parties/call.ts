/** The time limit of a call, in milliseconds. */
const patienceMs = 20_000;

export interface Called {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined when it was not JSON. */
  readonly body: unknown;
}

/** Calls a JSON API of another service; returns the reply whatever its status. */
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

/** The message of a refusal, if there is one. */
export const wordsIn = (body: unknown): string => {
  const { message, detail, error } = (body ?? {}) as Record<string, unknown>;
  const words = message ?? detail ?? (error as { message?: unknown } | undefined)?.message;
  return typeof words === 'string' ? words : 'it does not say why';
};

/** Throws for a failure of the other service that no other input would avoid. */
export const failed = (party: string, { status, body }: Called): never => {
  throw new Error(`${party} answered ${status}: ${wordsIn(body)}`);
};
