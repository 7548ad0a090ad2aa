import { createHash, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import {
  connect,
  type Database,
  type Locking,
  migrate,
  readMigrations,
  silentLog,
  startEmbeddedPostgres,
} from '../base/index.ts';

export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  /** Closes `db` and removes the database, even if others are still connected. */
  drop(): Promise<void>;
}

/** A server that lives as long as this process, for a test file that is run alone. */
const startServer = async (): Promise<string> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'taskyard-test-'));
  const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
  const { tcpUrl, pid } = await startEmbeddedPostgres({ dataDir, log: silentLog, settings });
  process.once('exit', () => {
    process.kill(pid, 'SIGQUIT');
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  return tcpUrl;
};

const withDatabase = (serverUrl: string, database: string): string => {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
};

const administer = async <T>(url: string, run: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
};

// Any number will do: it is taken in the maintenance database only.
const templateLock = 5_713_202;

/** A migrated database to copy from. Its name tells the migrations that it has; test processes make it once between them. */
const makeTemplate = async (serverUrl: string): Promise<string> => {
  const migrations = (await readMigrations()).map(({ number, name, sql }) => [number, name, sql]);
  const hash = createHash('sha256').update(JSON.stringify(migrations)).digest('hex').slice(0, 12);
  const name = `taskyard_template_${hash}`;
  const unfinished = `${name}_unfinished`;
  await administer(serverUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [templateLock]);
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (rowCount) return;
    await client.query(`drop database if exists ${unfinished} with (force)`);
    await client.query(`create database ${unfinished}`);
    await migrate(withDatabase(serverUrl, unfinished));
    await client.query(`alter database ${unfinished} rename to ${name}`);
  });
  return name;
};

interface Source {
  readonly serverUrl: string;
  readonly template: string;
}

const findSource = async (): Promise<Source> => {
  const serverUrl = process.env.TASKYARD_TEST_DATABASE_URL || (await startServer());
  return { serverUrl, template: await makeTemplate(serverUrl) };
};

let source: Promise<Source> | undefined;

/** `CLAIM_LOCKING=guarded-delete npm test` runs everything without `skip locked`. */
export const claimLockingOfTests: 'skip-locked' | 'guarded-delete' =
  process.env.CLAIM_LOCKING === 'guarded-delete' ? 'guarded-delete' : 'skip-locked';
const lockingOfTests: Locking = claimLockingOfTests === 'guarded-delete' ? 'wait' : 'skip';

/**
 * A fresh migrated database on a real PostgreSQL: the server of the test run, or one of this process's own.
 * Drop it in an `after` hook; its open connections keep the process alive.
 */
export const testDatabase = async (locking = lockingOfTests): Promise<TestDatabase> => {
  source ??= findSource();
  const { serverUrl, template } = await source;
  const name = `taskyard_test_${randomBytes(6).toString('hex')}`;
  await administer(serverUrl, (client) => client.query(`create database ${name} template ${template}`));
  const url = withDatabase(serverUrl, name);
  const db = connect({ url, locking });
  return {
    db,
    url,
    drop: async () => {
      await db.close();
      await administer(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`));
    },
  };
};
