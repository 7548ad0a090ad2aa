import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@taskyard/patience';
import pg from 'pg';
import { linkMadeDatabase, removeDataFolder } from './made-database.ts';
import { type Ending, root } from './platform.ts';
import { isAlive } from './processes.ts';

interface Embedded {
  readonly url: string;
  readonly tcpUrl: string;
  readonly pid: number;
  stop(): Promise<void>;
}

interface ServerParts {
  startEmbeddedPostgres(options: { dataDir: string; log: unknown }): Promise<Embedded>;
  readonly silentLog: unknown;
}

/** A PostgreSQL of a test's own, which keeps what was committed when it is killed, and that no platform owns. */
export interface Postgres {
  readonly url: string;
  /** SIGKILL; nobody can connect until it is started again. */
  kill(): Promise<void>;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  /** SIGKILL, and started again on the same data and port. */
  killAndRestart(): Promise<void>;
}

/** Starts the PostgreSQL of a data folder. */
const startIn = async (dataDir: string): Promise<Embedded> => {
  // The server's own launcher: it knows how to run PostgreSQL as root. Packages do not export it.
  const launcher = join(root, 'packages/server/dist/base/index.js');
  const { startEmbeddedPostgres, silentLog } = (await import(launcher)) as ServerParts;
  return startEmbeddedPostgres({ dataDir, log: silentLog });
};

/** Looks at the database of a platform that has ended. */
export const withDatabaseOf = async <T>(dataDir: string, look: (url: string) => Promise<T>): Promise<T> => {
  const running = await startIn(dataDir);
  try {
    return await look(running.url);
  } finally {
    await running.stop();
  }
};

/** The address of the PostgreSQL that a running platform has started in its data folder. */
export const databaseUrlIn = async (dataDir: string): Promise<string> => {
  const [port, password] = await Promise.all(
    ['port', 'password'].map(async (name) =>
      (await readFile(join(dataDir, 'postgres', name), 'utf8')).trim(),
    ),
  );
  return `postgresql://taskyard:${password}@127.0.0.1:${port}/postgres`;
};

/** The process id of the PostgreSQL that a running platform has started in its data folder; 0 when none runs. */
export const postgresPidIn = async (dataDir: string): Promise<number> => {
  const lock = await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').catch(() => '');
  return Number(lock.split('\n')[0]);
};

/** Starts a PostgreSQL; when the test ends, so does it. */
export const aPostgres = async (test: Ending): Promise<Postgres> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'taskyard-postgres-'));
  await linkMadeDatabase(dataDir);
  const start = () => startIn(dataDir);
  let running = await start();
  const { tcpUrl: url } = running;
  test.after(async () => {
    await running.stop();
    await removeDataFolder(dataDir);
  });
  const kill = async (): Promise<void> => {
    process.kill(running.pid, 'SIGKILL');
    await eventually('PostgreSQL to die', () => !isAlive(running.pid));
  };
  const restart = async (): Promise<void> => {
    running = await start();
    if (running.tcpUrl !== url) throw new Error('PostgreSQL came back under another address');
  };
  return { url, kill, restart, killAndRestart: () => kill().then(restart) };
};

/** Runs a statement over a connection of its own: the server may have been killed since the last one. */
export const ask = async <Row extends object>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
};
