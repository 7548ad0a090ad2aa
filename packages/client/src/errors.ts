/** The server refused a call, or could not answer it. Match on `code`. */
export class ApiError extends Error {
  readonly statusCode: number;
  readonly code: string;
  /** The reply as it came: parsed when it was JSON, text otherwise. */
  readonly body: unknown;
  constructor(statusCode: number, body: unknown, method: string) {
    const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<
      string,
      unknown
    >;
    super(typeof message === 'string' ? message : `${method} was answered with HTTP status ${statusCode}.`);
    this.name = 'ApiError';
    this.statusCode = statusCode;
    this.code = typeof code === 'string' ? code : 'UnknownError';
    this.body = body;
  }
}

/** No answer arrived: the server is not there, the connection broke, or the time ran out. */
export class ConnectionError extends Error {
  readonly url: string;
  constructor(url: string, reason: string, cause?: unknown) {
    super(`No answer from ${new URL(url).origin}: ${reason}`, { cause });
    this.name = 'ConnectionError';
    this.url = url;
  }
}

/** What stands at the bottom of a failed `fetch`, in words. */
export const reasonOf = (error: unknown): string => {
  const { cause, message, code } = error as Error & { cause?: unknown; code?: string };
  if (cause instanceof Error) return reasonOf(cause);
  return message || code || String(error);
};
