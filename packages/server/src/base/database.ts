import { minutes } from './clock.ts';
import { BrokenTransaction, codeOf, isConnectionLoss, isReadOnly } from './database-errors.ts';
import { RequestError } from './errors.ts';
import { type Heard, Listeners } from './listening.ts';
import { Pool } from './pool.ts';
import { Servers } from './servers.ts';
import type { Session } from './session.ts';
import { type Locking, prepare } from './statement.ts';

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
  /** The address of this process as the database sees it; undefined when it is reached without a network. */
  ownHost(): Promise<string | undefined>;
  close(): Promise<void>;
}

const statementOn =
  (session: Session, { locking }: Pick<Pool, 'locking'>): Sql =>
  async <Row>(strings: TemplateStringsArray, ...values: unknown[]): Promise<Row[]> => {
    const { rows } = await session.run(prepare(strings, locking), values).catch(blameValue);
    return rows as Row[];
  };

/** Runs statements outside of any transaction. */
const loneStatementOn =
  (pool: Pool): Sql =>
  (strings, ...values) =>
    pool.use(async (session) => {
      const statement = statementOn(session, pool);
      if (!pool.isShared) return pool.durably(session, () => statement<never>(strings, ...values));
      // With the settings that its session may lack.
      const [, rows] = await together(
        pool.begin(session),
        statement<never>(strings, ...values),
        pool.commit(session),
      ).catch(async (error) => {
        await pool.rollback(session).catch(() => {});
        throw error;
      });
      return rows;
    });

/**
 * PostgreSQL's errors for values that it cannot store: NUL or broken UTF-8 in a text or in JSON, a number, time or text
 * outside of a type's range, and a text too long for an index. Values of callers are checked earlier; this is the last
 * guard, for every field.
 */
const valueFaults: readonly string[] = ['22021', '22P05', '22003', '22007', '22008', '22P02', '54000'];

/** Turns such an error into a refusal that the caller can act on, since the server is not at fault. */
const blameValue = (error: unknown): never => {
  // The stack so far leads to the socket, not to the code that ran the statement.
  Error.captureStackTrace(error as Error);
  if (!valueFaults.includes(codeOf(error))) throw error;
  const refusal = new RequestError('InputError', `A value cannot be stored: ${(error as Error).message}.`);
  throw Object.assign(refusal, { cause: error });
};

interface TransactionContext {
  readonly pool: Pool;
  /** Follows the commit when the transaction has news. */
  readonly onNews: () => void;
}

const openTransaction = (session: Session, { pool, onNews }: TransactionContext) => {
  const statement = statementOn(session, pool);
  const actions: (() => void)[] = [];
  let hasNews = false;
  const lasts: Promise<unknown>[] = [];
  let isOpen = true;
  const sql: Sql = (strings, ...values) => {
    // A late statement must not run outside of the transaction that its code expects.
    if (!isOpen) return Promise.reject(new Error('The transaction is over.'));
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
  session: Session,
  context: TransactionContext,
  run: (tx: Transaction) => Promise<T>,
): Promise<{ value: T; actions: readonly (() => void)[] }> => {
  const { pool } = context;
  const { tx, actions, lasts, close } = openTransaction(session, context);
  // Not awaited: it travels with the first statement.
  const begun = pool.begin(session);
  let isCommitSent = false;
  let value: T;
  try {
    [value] = await together(run(tx), begun);
    close();
    isCommitSent = true;
    // A statement that failed has aborted the transaction by then: its commit is a rollback, and the failure is thrown.
    const [ended] = await together(pool.commit(session), ...lasts);
    // The code caught such a failure and continued, but the transaction must not count as a success.
    if (ended.command !== 'COMMIT')
      throw new Error('A statement failed, so the transaction was rolled back.');
  } catch (error) {
    const failures = rejectionsOf(await Promise.allSettled(lasts));
    close();
    await pool.rollback(session).catch(() => {});
    const cause = firstCause([...failures, error]);
    // Any other failure has rolled the transaction back.
    if (!isConnectionLoss(cause)) throw cause;
    throw new BrokenTransaction(cause, isCommitSent && !isReadOnly(cause) ? 'unknown' : 'none');
  }
  return { value, actions: actions() };
};

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

export interface ConnectOptions {
  /** One server, or several of which one at a time accepts writes. */
  readonly url: string;
  /** The same database without a pooler, for what needs a session. Its presence says that `url` leads to a pooler. */
  readonly sessionUrl?: string | undefined;
  /** The largest number of connections. */
  readonly poolSizeMax?: number;
  /** A connection that stays silent for this long is closed. No statement may take longer. */
  readonly silenceMaxMs?: number;
  /** Called with errors on idle connections, which the pool replaces. */
  readonly onError?: (error: Error) => void;
  /** Called after every commit of a transaction that has news. */
  readonly onNews?: () => void;
  /** Called when the database serves again, after it was unavailable or a connection broke. */
  readonly onBack?: () => void;
  /** `wait` leaves `skip locked` out of all statements, for an engine that does not know it. */
  readonly locking?: Locking;
}

/** A pooler would be told from its own address, so this takes a session without one. */
const readOwnHost = async (sessions: Servers): Promise<string | undefined> => {
  const client = await sessions.open({ application_name: 'taskyard' });
  try {
    const { rows } = await client.query<{ host: string | null }>('select host(inet_client_addr()) as host');
    return rows[0]?.host ?? undefined;
  } finally {
    await client.end();
  }
};

/** Opens a pool of connections to a PostgreSQL server (15 or later). */
export const connect = ({
  url,
  sessionUrl,
  poolSizeMax = 10,
  silenceMaxMs = minutes(1),
  onError = () => {},
  onNews = () => {},
  onBack = () => {},
  locking = 'skip',
}: ConnectOptions): Database => {
  const isShared = sessionUrl !== undefined;
  const servers = new Servers(url, onError);
  const pool = new Pool(servers, { sizeMax: poolSizeMax, silenceMaxMs, isShared, locking, onError, onBack });
  const sessions = isShared ? new Servers(sessionUrl, onError) : servers;
  const listeners = new Listeners(sessions, { silenceMaxMs, onError, onBack });

  /** Errors of what follows a commit are only logged: the caller must learn that the commit succeeded. */
  const afterwards = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      onError(error as Error);
    }
  };

  return Object.assign(loneStatementOn(pool), {
    transaction: async <T>(run: (tx: Transaction) => Promise<T>): Promise<T> => {
      const { value, actions } = await pool.use((session) => inTransaction(session, { pool, onNews }, run));
      for (const action of actions) afterwards(action);
      return value;
    },
    listen: (channel: string, heard: Heard) => listeners.listen(channel, heard),
    poolUse: () => pool.counts(),
    ownHost: () => readOwnHost(sessions),
    close: async () => {
      await Promise.all([pool.close(), listeners.close()]);
    },
  });
};
