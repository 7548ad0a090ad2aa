import type { Socket } from 'node:net';
import pg from 'pg';
import { seconds, systemClock } from './clock.ts';
import { connectionLoss, isConnectionLoss, isReadOnly } from './database-errors.ts';
import { readDatabaseUrl, type Server } from './database-url.ts';

/** A call that has waited this long for a server lets the others be asked whether one of them has taken over. */
const silenceMs = seconds(1);
/** A server that does not say within this time whether it accepts writes is left out. */
const probeMaxMs = seconds(2);
/** The other servers get this long to answer after the first that accepts writes. */
const graceMs = 300;
/** The time between two searches: a failover takes seconds, and each process asks every server. */
const restMs = 100;
const connectMaxMs = seconds(3);

/** The socket of a connection; the library's types leave it out. */
export const socketOf = (client: pg.ClientBase): Socket =>
  (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** Ends a connection at once. What waits for its server fails with an error that says why. */
export const sever = (client: pg.ClientBase, why: string): void => {
  socketOf(client).destroy(connectionLoss(`Connection terminated: ${why}`));
};

/** A server that accepts writes. */
interface Writable {
  readonly server: Server;
  /** Each promotion begins a new timeline, with a greater number. */
  readonly timeline: number;
}

/** Whether a server accepts writes, and since which promotion. Rejects when it does not answer in time. */
export const probe = async (server: Server): Promise<Writable | undefined> => {
  const client = new pg.Client({
    connectionString: server.url,
    ...(server.options ? { options: server.options } : {}),
    application_name: 'taskyard-search',
    connectionTimeoutMillis: probeMaxMs,
    query_timeout: probeMaxMs,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ accepts: boolean; timeline: string | null }>(`
      select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as accepts,
             case when not pg_is_in_recovery() then left(pg_walfile_name(pg_current_wal_lsn()), 8) end as timeline`);
    const [row] = rows;
    return row?.accepts ? { server, timeline: Number.parseInt(row.timeline ?? '0', 16) } : undefined;
  } finally {
    // A silent server would not say goodbye.
    socketOf(client).destroy();
  }
};

/** Waits until all have answered, or until a moment after the first that accepts writes. */
const allOrFirst = async (answers: readonly Promise<boolean>[]): Promise<void> => {
  const first = new Promise<void>((resolve) => {
    for (const answer of answers) void answer.then((accepts) => accepts && resolve());
  });
  await Promise.race([Promise.all(answers), first.then(() => systemClock.sleep(graceMs))]);
};

/**
 * The PostgreSQL servers that a URL names, of which one at a time accepts writes, and our connections to them. When
 * another server has taken over, connections to the former one are closed, since what is written there may be lost.
 */
export class Servers {
  readonly #servers: readonly [Server, ...Server[]];
  readonly #isChecked: boolean;
  readonly #onError: (error: Error) => void;
  readonly #connections = new Map<pg.ClientBase, Server>();
  #current: Server;
  #isFound: boolean;
  #timeline = 0;
  #search: Promise<boolean> | undefined;
  #isToldLost = false;
  #searchedAt = Number.NEGATIVE_INFINITY;

  constructor(url: string, onError: (error: Error) => void) {
    const { servers, isChecked } = readDatabaseUrl(url);
    this.#servers = servers;
    this.#isChecked = isChecked;
    this.#onError = onError;
    this.#current = servers[0];
    this.#isFound = servers.length === 1;
  }

  /** Whether there are several, so that another one may take over. */
  get hasChoice(): boolean {
    return this.#servers.length > 1;
  }

  /** The class of connections to the server that accepts writes, as far as is known when one is made. */
  get Client(): new (
    config?: pg.ClientConfig,
  ) => pg.Client {
    const choose = () => this.#current;
    const adopt = (client: pg.Client, server: Server) => this.#adopt(client, server);
    const limits = this.hasChoice ? { connectionTimeoutMillis: connectMaxMs } : {};
    return class extends pg.Client {
      constructor(config: pg.ClientConfig = {}) {
        const server = choose();
        const options = [server.options, config.options].filter(Boolean).join(' ');
        super({ ...config, ...limits, connectionString: server.url, ...(options ? { options } : {}) });
        adopt(this, server);
      }
    };
  }

  /** Opens a connection outside of a pool. The caller handles its later errors and ends it. */
  async open(config: pg.ClientConfig): Promise<pg.Client> {
    return this.onCurrent(async () => {
      const client = new this.Client(config);
      // Until the caller has its own listener.
      client.on('error', () => {});
      try {
        await client.connect();
        await this.requireWritable(client);
        return client;
      } catch (error) {
        void client.end().catch(() => {});
        throw error;
      }
    });
  }

  /** Connects to the server that accepts writes; when it is gone, looks once for the one that has taken over. */
  async onCurrent<T>(connect: () => Promise<T>): Promise<T> {
    if (!this.#isFound) await this.search();
    try {
      return await connect();
    } catch (error) {
      if (!this.hasChoice || !isConnectionLoss(error) || !(await this.search())) throw error;
      return connect();
    }
  }

  /** Rejects when the server of a new connection does not accept writes. */
  async requireWritable(client: pg.ClientBase): Promise<void> {
    if (!this.#isChecked) return;
    const { rows } = await client.query<{ refuses: boolean }>(
      `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as refuses`,
    );
    if (!rows[0]?.refuses) return;
    const name = this.#connections.get(client)?.name;
    throw connectionLoss(`${name} does not accept writes: it is a standby, or read-only.`);
  }

  /** Looks for another server whenever a call has waited for long. The call ends by the returned function. */
  watch(): () => void {
    if (!this.hasChoice) return () => {};
    let cancel = (): void => {};
    const arm = (): void => {
      cancel = systemClock.after(silenceMs, () => {
        void this.search();
        arm();
      });
    };
    arm();
    return () => cancel();
  }

  /** Draws the conclusion from an error of a connection. */
  heed(error: unknown): void {
    if (!isConnectionLoss(error)) return;
    // All connections lead to that server, also through an address that moves from one server to another.
    if (isReadOnly(error)) this.#closeOthersThan(undefined, 'the server does not accept writes');
    if (this.hasChoice) void this.search();
  }

  /** Finds the server that accepts writes; false when there is none. Never rejects. Simultaneous calls share a search. */
  search(): Promise<boolean> {
    this.#search ??= this.#look().finally(() => {
      this.#searchedAt = performance.now();
      this.#search = undefined;
    });
    return this.#search;
  }

  async #look(): Promise<boolean> {
    await systemClock.sleep(Math.max(0, this.#searchedAt + restMs - performance.now()));
    const found: Writable[] = [];
    const reasons: string[] = [];
    const ask = async (server: Server): Promise<boolean> => {
      try {
        const answer = await probe(server);
        if (!answer) reasons.push(`${server.name} is a standby, or read-only`);
        else if (answer.timeline < this.#timeline) reasons.push(`${server.name} has been replaced`);
        else return found.push(answer) > 0;
      } catch (error) {
        reasons.push(`${server.name}: ${(error as Error).message}`);
      }
      return false;
    };
    await allOrFirst(this.#servers.map(ask));
    // A former primary that was cut off or paused may still accept writes; they would be lost.
    const [latest] = found.sort((one, other) => other.timeline - one.timeline);
    if (latest) this.#moveTo(latest);
    else if (!this.#isToldLost)
      this.#onError(new Error(`No server of the database accepts writes: ${reasons.join('; ')}.`));
    // Once for each outage: it is searched for again all the time.
    this.#isToldLost = latest === undefined;
    return latest !== undefined;
  }

  #moveTo({ server, timeline }: Writable): void {
    const isAnother = this.#isFound && server !== this.#current;
    this.#current = server;
    this.#timeline = timeline;
    this.#isFound = true;
    this.#closeOthersThan(server, `${server.name} has taken over`);
    if (isAnother) this.#onError(new Error(`${server.name} has taken over: it accepts writes now.`));
  }

  #adopt(client: pg.Client, server: Server): void {
    this.#connections.set(client, server);
    client.once('end', () => this.#connections.delete(client));
  }

  #closeOthersThan(kept: Server | undefined, why: string): void {
    for (const [client, server] of this.#connections) if (server !== kept) sever(client, why);
  }
}

/**
 * Opens one session, outside of any pool, on the server of a URL that accepts writes. A pooler would share it with others,
 * so it is refused.
 */
export const openSession = async (url: string, applicationName: string): Promise<pg.Client> => {
  const client = await new Servers(url, () => {}).open({ application_name: applicationName });
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  // PgBouncer makes up the number that it tells its clients.
  if (rows[0]?.pid === (client as unknown as { processID: number }).processID) return client;
  await client.end();
  throw new Error(
    'This URL of the database leads to a pooler. Keep it in DATABASE_URL, and set DATABASE_SESSION_URL to the database ' +
      'itself: notifications and migrations need a session.',
  );
};
