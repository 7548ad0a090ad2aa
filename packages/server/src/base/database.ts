import type { Socket } from 'node:net';
import pg from 'pg';
import { minutes, seconds } from './clock.ts';
import { RequestError } from './errors.ts';
import { type Heard, Listeners } from './listening.ts';

/** A tagged template that is one SQL statement. Each place in the code is prepared once per connection. */
export type Sql = <Row>(strings: TemplateStringsArray, ...values: unknown[]) => Promise<Row[]>;

/** Statements that take effect together or not at all. */
export interface Transaction extends Sql {
  /** Runs an action once the transaction is committed; never, when it is rolled back. */
  afterCommit(action: () => void): void;
  /** Says that others wait for what this transaction writes: `onNews` of the database is called after its commit. */
  hasNews(): void;
  /**
   * Leaves sent statements to be awaited at the end of the transaction, so that the commit travels with them. When one
   * of them fails, so does the transaction.
   */
  last(statements: Promise<unknown>): void;
}

/** The database. Used as a tag, it runs a statement outside of any transaction. */
export interface Database extends Sql {
  /** Runs statements as one transaction; what `run` throws rolls all of it back. */
  transaction<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Listens on a notification channel until the database is closed, and reconnects when necessary. */
  listen(channel: string, heard: Heard): Promise<void>;
  /** The numbers of connections in use and idle, and of callers that wait for one. */
  poolUse(): { total: number; idle: number; waiting: number };
  close(): Promise<void>;
}

interface Prepared {
  readonly name: string;
  readonly text: string;
  columns: string[] | undefined;
}

// The strings of a tagged template are one frozen object per place in the code: they identify the statement.
const prepared = new WeakMap<TemplateStringsArray, Prepared>();
let statements = 0;

const prepare = (strings: TemplateStringsArray): Prepared => {
  let statement = prepared.get(strings);
  if (!statement) {
    const text = strings.reduce((sql, part, i) => (i === 0 ? part : `${sql}$${i}${part}`), '');
    statement = { name: `s${++statements}`, text, columns: undefined };
    prepared.set(strings, statement);
  }
  return statement;
};

const camelCase = (name: string): string =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

// "2026-11-24 23:20:25.123+00": the session's time zone is UTC, so the offset is always +00.
const parseTimestamp = (text: string): Date =>
  text.charCodeAt(4) === hyphen && text.endsWith('+00')
    ? new Date(`${text.slice(0, 10)}T${text.slice(11, -3)}Z`)
    : parseRareTimestamp(text);

const hyphen = 0x2d;

/** Years of more than four digits, years before the year 1 ("0001-12-31 00:00:00+00 BC" is in the year 0), and no end. */
const parseRareTimestamp = (text: string): Date => {
  if (text.endsWith('infinity')) return new Date(text.startsWith('-') ? -8.64e15 : 8.64e15);
  const [, digits = '', rest = '', time = '', isBefore] = /^(\d+)(-\S+) (\S+)\+00( BC)?$/.exec(text) ?? [];
  const year = isBefore ? 1 - Number(digits) : Number(digits);
  const sign = year < 0 ? '-' : '+';
  return new Date(`${sign}${String(Math.abs(year)).padStart(6, '0')}${rest}T${time}Z`);
};

const asText = (text: string): string => text;
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.TIMESTAMPTZ, parseTimestamp],
  // Documents are stored and sent as text; only jsonb is parsed.
  [pg.types.builtins.JSON, asText],
]);
const types = {
  getTypeParser: ((oid: number, format?: string) =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format as 'text')) as typeof pg.types.getTypeParser,
};

/** One of the pool's connections, or the pool itself. */
interface Queryable {
  query(config: pg.QueryArrayConfig): Promise<pg.QueryArrayResult>;
}

/** The socket of a connection; the library's types leave it out. */
const socketOf = (client: pg.PoolClient): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** Sends everything of one turn of the event loop in one write, since system calls cost more than statements. */
const writeTogether = (socket: Socket): void => {
  socket.cork();
  process.nextTick(() => socket.uncork());
};

const statementOn =
  (connection: Queryable): Sql =>
  async <Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> => {
    const statement = prepare(strings);
    const { name, text } = statement;
    const result = await connection.query({ name, text, values, rowMode: 'array', types }).catch(blameValue);
    statement.columns ??= result.fields.map((field) => camelCase(field.name));
    return asObjects<Row>(result.rows, statement.columns);
  };

/**
 * PostgreSQL's errors for values that it cannot store: NUL or broken UTF-8 in a text or in JSON, a number, time or text
 * outside of a type's range, and a text too long for an index. Values of callers are checked earlier; this is the last
 * guard, for every field.
 */
const valueFaults: readonly string[] = ['22021', '22P05', '22003', '22007', '22008', '22P02', '54000'];

/** Turns such an error into a refusal that the caller can act on, since the server is not at fault. */
const blameValue = (error: unknown): never => {
  if (!valueFaults.includes(codeOf(error))) throw error;
  const refusal = new RequestError('InputError', `A value cannot be stored: ${(error as Error).message}.`);
  throw Object.assign(refusal, { cause: error });
};

const asObjects = <Row>(rows: unknown[][], columns: string[]): Row[] =>
  rows.map((values) => {
    const row: Record<string, unknown> = {};
    for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i];
    return row as Row;
  });

const openTransaction = (client: pg.PoolClient, onNews: () => void) => {
  const statement = statementOn(client);
  const actions: (() => void)[] = [];
  let hasNews = false;
  const lasts: Promise<unknown>[] = [];
  let isOpen = true;
  const socket = socketOf(client);
  const sql: Sql = (strings, ...values) => {
    // A late statement must not run outside of the transaction that its code expects.
    if (!isOpen) return Promise.reject(new Error('The transaction is over.'));
    writeTogether(socket);
    return statement(strings, ...values);
  };
  const tx: Transaction = Object.assign(sql, {
    afterCommit: (action: () => void) => void actions.push(action),
    hasNews: () => {
      hasNews = true;
    },
    last: (statements: Promise<unknown>) => {
      // Examined when the transaction ends. Until then Node must not report a failure as unhandled.
      statements.catch(() => {});
      lasts.push(statements);
    },
  });
  return {
    tx,
    /** What follows the commit. */
    actions: () => (hasNews ? [...actions, onNews] : actions),
    lasts,
    close: () => {
      isOpen = false;
    },
  };
};

const inTransaction = async <T>(
  client: pg.PoolClient,
  run: (tx: Transaction) => Promise<T>,
  onNews: () => void,
): Promise<{ value: T; actions: readonly (() => void)[] }> => {
  const { tx, actions, lasts, close } = openTransaction(client, onNews);
  // Not awaited: it travels with the first statement.
  writeTogether(socketOf(client));
  const begun = client.query('begin');
  let isCommitSent = false;
  let value: T;
  try {
    [value] = await together(run(tx), begun);
    close();
    writeTogether(socketOf(client));
    isCommitSent = true;
    // A statement that failed has aborted the transaction by then: its commit is a rollback, and the failure is thrown.
    const [ended] = await together(client.query('commit'), ...lasts);
    // The code caught such a failure and continued, but the transaction must not count as a success.
    if (ended.command !== 'COMMIT')
      throw new Error('A statement failed, so the transaction was rolled back.');
  } catch (error) {
    const failures = rejectionsOf(await Promise.allSettled(lasts));
    close();
    await client.query('rollback').catch(() => {});
    const cause = firstCause([...failures, error]);
    // Any other failure has rolled the transaction back.
    throw isConnectionLoss(cause) ? new BrokenTransaction(cause, isCommitSent ? 'unknown' : 'none') : cause;
  }
  return { value, actions: actions() };
};

/** The connection of a transaction broke. */
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

type Settled<Promises extends readonly unknown[]> = { -readonly [K in keyof Promises]: Awaited<Promises[K]> };

const rejectionsOf = (results: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));

/** Finds the error that caused the others: statements after it only say that the transaction is aborted. */
const firstCause = (failures: readonly unknown[]): unknown =>
  failures.find((failure) => codeOf(failure) !== '25P02') ?? failures[0];

/**
 * The values of several promises once all have settled; the first failure is thrown only then. Statements of one
 * transaction that are sent together must be awaited like this, so that none is still running when the transaction ends.
 */
export const together = async <const Promises extends readonly unknown[]>(
  ...promises: Promises
): Promise<Settled<Promises>> => {
  const results = await Promise.allSettled(promises);
  const failures = rejectionsOf(results);
  if (failures.length > 0) throw firstCause(failures);
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as Settled<Promises>;
};

/**
 * All our statements look rows up by an index. A connection plans a statement once, often while tables are empty, and for
 * an empty table the planner chooses a scan or a hash join. It would keep that plan at a million rows.
 */
const sessionSettings = [
  'TimeZone=UTC',
  'jit=off',
  'plan_cache_mode=force_generic_plan',
  'enable_seqscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');

export interface ConnectOptions {
  readonly url: string;
  /** The largest number of connections. */
  readonly poolSizeMax?: number;
  /** A connection that stays silent for this long is closed. No statement may take longer. */
  readonly silenceMaxMs?: number;
  /** Called with errors on idle connections, which the pool replaces. */
  readonly onError?: (error: Error) => void;
  /** Called after every commit of a transaction that has news. */
  readonly onNews?: () => void;
}

/** The pool of connections. Errors of idle ones go to `onError`, until `closing` is aborted. */
const openPool = (
  { url, poolSizeMax, silenceMaxMs, onError }: Required<Omit<ConnectOptions, 'onNews'>>,
  closing: AbortSignal,
): pg.Pool => {
  const config = {
    connectionString: url,
    max: poolSizeMax,
    pipeline: true,
    connectionTimeoutMillis: Math.min(silenceMaxMs, seconds(30)),
    application_name: 'taskyard',
    idle_in_transaction_session_timeout: 60_000,
    options: sessionSettings,
  };
  const pool = new pg.Pool(config);
  // How connections end no longer matters once the pool is closed.
  pool.on('error', (error) => closing.aborted || onError(error));
  // A connection may break between two statements of a transaction: the next one fails because of it, and an error
  // event without a listener would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => {});
    // Without this, a machine that is cut off from the network would be noticed only after a quarter of an hour.
    const socket = socketOf(client);
    socket.setTimeout(silenceMaxMs, () =>
      socket.destroy(new Error('Connection terminated: PostgreSQL does not answer.')),
    );
  });
  return pool;
};

/** Runs a transaction on a connection of the pool. Returns its result with the actions that follow the commit. */
const inTransactionOf = async <T>(
  pool: pg.Pool,
  run: (tx: Transaction) => Promise<T>,
  onNews: () => void,
) => {
  const client = await pool.connect();
  let failed: Error | undefined;
  try {
    return await inTransaction(client, run, onNews);
  } catch (error) {
    failed = error as Error;
    throw error;
  } finally {
    // A connection whose server has gone must not be used again.
    client.release(failed && isConnectionLoss(failed) ? failed : undefined);
  }
};

/** Opens a pool of connections to a PostgreSQL server (15 or later). */
export const connect = ({
  url,
  poolSizeMax = 10,
  silenceMaxMs = minutes(1),
  onError = () => {},
  onNews = () => {},
}: ConnectOptions): Database => {
  const closing = new AbortController();
  const pool = openPool({ url, poolSizeMax, silenceMaxMs, onError }, closing.signal);
  const listeners = new Listeners(url, onError);

  /** Errors of what follows a commit are only logged: the caller must learn that the commit succeeded. */
  const afterwards = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      onError(error as Error);
    }
  };

  return Object.assign(statementOn(pool), {
    transaction: async <T>(run: (tx: Transaction) => Promise<T>): Promise<T> => {
      const { value, actions } = await inTransactionOf(pool, run, onNews);
      for (const action of actions) afterwards(action);
      return value;
    },
    listen: (channel: string, heard: Heard) => listeners.listen(channel, heard),
    poolUse: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: async () => {
      closing.abort();
      await Promise.all([pool.end(), listeners.close()]);
    },
  });
};

const codeOf = (error: unknown): string => String((error as { code?: unknown })?.code ?? '');

/** Whether the connection broke, or none could be opened. */
export const isConnectionLoss = (error: unknown): boolean =>
  error instanceof BrokenTransaction ||
  /^(08|57P0)/.test(codeOf(error)) ||
  /^(ECONN|EPIPE|ETIMEDOUT)/.test(codeOf(error)) ||
  /Connection terminated|not queryable|connection error|trying to connect/i.test(
    (error as Error)?.message ?? '',
  );

/** Whether the database is unavailable now: unreachable, starting, stopping, or out of connections, memory or disk. */
export const isUnavailable = (error: unknown): boolean =>
  isConnectionLoss(error) || codeOf(error).startsWith('53');

/** Whether this is a deadlock or a serialization failure: nothing happened, and a second attempt will succeed. */
export const isTransient = (error: unknown): boolean => /^(40001|40P01)$/.test(codeOf(error));
