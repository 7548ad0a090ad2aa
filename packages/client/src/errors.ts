import { type ErrorCode, errorStatuses } from './generated/error-codes.ts';

/** An error code of the server, or `UnknownError` for a reply without one, for example from a proxy. */
export type ApiErrorCode = ErrorCode | 'UnknownError';

const codeIn = (code: unknown): ApiErrorCode =>
  typeof code === 'string' && Object.hasOwn(errorStatuses, code) ? (code as ErrorCode) : 'UnknownError';

/**
 * The server refused a call, or could not answer it. Match on `code`, whose type lists every code that the server has:
 * a `switch` over it is checked by the compiler.
 */
export class ApiError extends Error {
  readonly statusCode: number;
  readonly code: ApiErrorCode;
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
    this.code = codeIn(code);
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

/** The first cause of a failed `fetch`, in words. */
export const reasonOf = (error: unknown): string => {
  const { cause, message, code } = error as Error & { cause?: unknown; code?: string };
  if (cause instanceof Error) return reasonOf(cause);
  return message || code || String(error);
};
