import pg from 'pg';
import { seconds } from './clock.ts';
import { connectionLoss, isConnectionLoss, isUnavailable } from './database-errors.ts';
import { type Servers, sever, socketOf } from './servers.ts';
import { type Result, Session } from './session.ts';
import { type Locking, statementOf } from './statement.ts';

/**
 * All our statements look rows up by an index. A connection plans a statement once, often while tables are empty, and for
 * an empty table the planner chooses a scan or a hash join. It would keep that plan at a million rows.
 */
const sessionSettings: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  jit: 'off',
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
};
const idleInTransactionMaxMs = 60_000;

const asOptions = Object.entries(sessionSettings)
  .map(([name, value]) => `-c ${name}=${value}`)
  .join(' ');

const begin = statementOf('begin');
const commit = statementOf('commit');
const rollback = statementOf('rollback');

/** A pooler in transaction mode may give each transaction another session: the settings go with the transaction. */
const setForTransaction = statementOf(
  `select ${Object.entries({
    ...sessionSettings,
    idle_in_transaction_session_timeout: String(idleInTransactionMaxMs),
  })
    .map(([name, value]) => `set_config('${name}', '${value}', true)`)
    .join(', ')}`,
);

export interface PoolOptions {
  /** The largest number of connections. */
  readonly sizeMax: number;
  /** A connection that stays silent for this long is closed. */
  readonly silenceMaxMs: number;
  /** Whether connections lead to a pooler, so that a session lasts for one transaction only. */
  readonly isShared: boolean;
  readonly locking: Locking;
  /** Called with errors on idle connections, which the pool replaces. */
  readonly onError: (error: Error) => void;
  /** Called when the database serves again, after it was unavailable or a connection broke. */
  readonly onBack: () => void;
}

/** A pool of connections to the server that accepts writes. */
export class Pool {
  readonly #pool: pg.Pool;
  readonly #servers: Servers;
  /** Connections that have warned since their last commit was sent. */
  readonly #warned = new WeakSet<Session>();
  readonly #sessions = new WeakMap<pg.ClientBase, Session>();
  /** Whether a session lasts for one transaction only. */
  readonly isShared: boolean;
  readonly locking: Locking;
  readonly #onBack: () => void;
  #isMissed = false;
  #isClosing = false;

  constructor(servers: Servers, { sizeMax, silenceMaxMs, isShared, locking, onError, onBack }: PoolOptions) {
    this.#servers = servers;
    this.isShared = isShared;
    this.locking = locking;
    this.#onBack = onBack;
    this.#pool = new pg.Pool({
      Client: servers.Client,
      max: sizeMax,
      pipeline: true,
      connectionTimeoutMillis: Math.min(silenceMaxMs, seconds(30)),
      application_name: 'taskyard',
      ...(isShared
        ? {}
        : { idle_in_transaction_session_timeout: idleInTransactionMaxMs, options: asOptions }),
      verify: (client, done) => void servers.requireWritable(client).then(() => done(), done),
    });
    // How connections end no longer matters once the pool is closed.
    this.#pool.on('error', (error) => {
      if (this.#isClosing) return;
      servers.heed(error);
      onError(error);
    });
    this.#pool.on('connect', (client) => {
      // A connection may break between two statements of a transaction: the next one fails because of it, and an error
      // event without a listener would end the process.
      client.on('error', () => {});
      const session = new Session(client, isShared);
      this.#sessions.set(client, session);
      client.on('notice', ({ code }) => code === '01000' && this.#warned.add(session));
      // Without this, a machine that is cut off from the network would be noticed only after a quarter of an hour.
      const socket = socketOf(client);
      socket.setTimeout(silenceMaxMs, () => sever(client, 'PostgreSQL does not answer.'));
    });
  }

  /** Does something on a connection of its own. One that broke is not used again. */
  async use<T>(run: (session: Session) => Promise<T>): Promise<T> {
    const endWatch = this.#servers.watch();
    try {
      const client = await this.#servers.onCurrent(() => this.#pool.connect());
      let broken: Error | undefined;
      try {
        const value = await run(this.#sessions.get(client) as Session);
        this.#served();
        return value;
      } catch (error) {
        if (isConnectionLoss(error)) broken = error as Error;
        throw error;
      } finally {
        client.release(broken);
      }
    } catch (error) {
      this.#servers.heed(error);
      if (isUnavailable(error)) this.#isMissed = true;
      throw error;
    } finally {
      endWatch();
    }
  }

  #served(): void {
    if (!this.#isMissed) return;
    this.#isMissed = false;
    this.#onBack();
  }

  /** Sends what begins a transaction. */
  begin(session: Session): Promise<unknown> {
    const begun = session.run(begin);
    return this.isShared ? Promise.all([begun, session.run(setForTransaction)]) : begun;
  }

  /** Sends a rollback, apart from statements that nobody waits for: one that fails would keep the transaction open. */
  rollback(session: Session): Promise<unknown> {
    return session.runApart(rollback);
  }

  /** Sends a commit, which is durable once this resolves. */
  commit(session: Session): Promise<Result> {
    return this.durably(session, () => session.run(commit));
  }

  /**
   * Awaits what commits. Rejects when it is on the disk of the primary, but its wait for a synchronous standby was canceled:
   * PostgreSQL reports that as a success with a warning, and a failover would lose it.
   */
  async durably<T>(session: Session, commits: () => Promise<T>): Promise<T> {
    this.#warned.delete(session);
    const ended = await commits();
    if (this.#warned.delete(session)) {
      throw connectionLoss('The wait for the synchronous standby was canceled during a commit.');
    }
    return ended;
  }

  /** The numbers of connections in use and idle, and of callers that wait for one. */
  counts(): { total: number; idle: number; waiting: number } {
    const { totalCount, idleCount, waitingCount } = this.#pool;
    return { total: totalCount, idle: idleCount, waiting: waitingCount };
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#pool.end();
  }
}
