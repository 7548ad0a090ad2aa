/** The connection of a transaction broke, or its server does not accept writes. */
export class BrokenTransaction extends Error {
  /** `none` before the commit was sent. After that the whole transaction may have taken effect. */
  readonly effect: 'none' | 'unknown';
  constructor(cause: unknown, effect: 'none' | 'unknown') {
    const { message } = cause as Error;
    super(`The connection of a transaction broke; its effect is ${effect}: ${message}`, { cause });
    this.name = 'BrokenTransaction';
    this.effect = effect;
  }
}

/** PostgreSQL's code of an error (SQLSTATE), or the code of the operating system; empty when it has none. */
export const codeOf = (error: unknown): string => String((error as { code?: unknown })?.code ?? '');

/**
 * Whether a server refused to write, since it is a standby or was made read-only. After a failover that is what a
 * connection to the former primary says, or one that leads to another server than before.
 */
export const isReadOnly = (error: unknown): boolean =>
  codeOf(error instanceof BrokenTransaction ? error.cause : error) === '25006';

/** An error that says why we closed a connection. */
export const connectionLoss = (message: string): Error =>
  Object.assign(new Error(message), { code: '08006' });

/** Whether a socket is missing, as that of an embedded PostgreSQL that has stopped. */
const lacksSocket = (error: unknown): boolean =>
  codeOf(error) === 'ENOENT' && (error as { syscall?: unknown }).syscall === 'connect';

/** Whether the connection broke, none could be opened, or it leads to a server that does not accept writes. */
export const isConnectionLoss = (error: unknown): boolean =>
  error instanceof BrokenTransaction ||
  isReadOnly(error) ||
  lacksSocket(error) ||
  /^(08|57P0)/.test(codeOf(error)) ||
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)/.test(codeOf(error)) ||
  /Connection terminated|not queryable|connection error|trying to connect|timeout expired/i.test(
    (error as Error)?.message ?? '',
  );

/** Whether the database is unavailable now: unreachable, starting, stopping, or out of connections, memory or disk. */
export const isUnavailable = (error: unknown): boolean =>
  isConnectionLoss(error) || codeOf(error).startsWith('53');

/** Whether this is a deadlock or a serialization failure: nothing happened, and a second attempt will succeed. */
export const isTransient = (error: unknown): boolean => /^(40001|40P01)$/.test(codeOf(error));
