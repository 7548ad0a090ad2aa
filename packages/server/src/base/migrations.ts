import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { minutes, seconds, systemClock } from './clock.ts';
import { codeOf, isConnectionLoss, isTransient } from './database-errors.ts';
import { openSession } from './servers.ts';

const folder = fileURLToPath(new URL('../../migrations/', import.meta.url));

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations that this program brings, in order: `migrations/0001_name.sql`, plain SQL. */
export const readMigrations = async (): Promise<Migration[]> => {
  const files = (await readdir(folder)).filter((file) => /^\d{4}_[a-z_]+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => ({
      number: Number(file.slice(0, 4)),
      name: file.slice(5, -4),
      sql: await readFile(`${folder}${file}`, 'utf8'),
    })),
  );
};

// Any number that no other advisory lock in this database has.
const lockKey = 5_713_201;

/** The numbers of the migrations that a database has had. */
const readApplied = async (client: pg.Client): Promise<number[]> => {
  const { rows: tables } = await client.query(
    `select from pg_class where oid = to_regclass('schema_migrations')`,
  );
  if (tables.length === 0) return [];
  const { rows } = await client.query<{ number: number }>('select number from schema_migrations');
  return rows.map(({ number }) => number);
};

export interface MigrateOptions {
  /** A role that may read and write all tables afterwards, and change none of them. */
  readonly grantTo?: string | undefined;
}

/**
 * Brings a database up to date. Several processes may start at once: one migrates, the others wait for it. Each
 * migration is a transaction; a database that is newer than this program is refused. A role that may not change the
 * tables is enough when there is nothing to do. Returns the numbers of the migrations that were applied.
 */
export const migrate = async (url: string, { grantTo }: MigrateOptions = {}): Promise<number[]> => {
  const migrations = await readMigrations();
  const client = await openSession(url, 'taskyard-migrate');
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    const applied = await readApplied(client);
    const newest = Math.max(0, ...applied);
    const known = migrations.at(-1)?.number ?? 0;
    if (newest > known) {
      throw new Error(
        `The database is at migration ${newest}; this version of Taskyard knows ${known} at most.`,
      );
    }
    const missing = migrations.filter(({ number }) => !applied.includes(number));
    if (missing.length > 0) await applyAll(client, missing);
    if (grantTo !== undefined) await grantAll(client, grantTo);
    return missing.map(({ number }) => number);
  } finally {
    await client.end();
  }
};

const applyAll = async (client: pg.Client, migrations: readonly Migration[]): Promise<void> => {
  try {
    await client.query(`create table if not exists schema_migrations (
      number int primary key, name text not null, applied_at timestamptz not null default now())`);
    for (const migration of migrations) await apply(client, migration);
  } catch (error) {
    const cause = (error as Error).cause ?? error;
    if (codeOf(cause) !== '42501') throw error;
    throw new Error(
      'The database needs migrations, and the role of this URL may not apply them. ' +
        'Run `tyard migrate` once with the URL of the role that owns the tables.',
      { cause },
    );
  }
};

/** What a role needs to serve: no right to change a table, nor to say which migrations there were. */
const grantAll = async (client: pg.Client, role: string): Promise<void> => {
  const { rows } = await client.query<{ schema: string }>('select quote_ident(current_schema()) as schema');
  const [schema, name] = [rows[0]?.schema, pg.escapeIdentifier(role)];
  await client.query(`
    grant usage on schema ${schema} to ${name};
    grant select, insert, update, delete on all tables in schema ${schema} to ${name};
    grant usage on all sequences in schema ${schema} to ${name};
    revoke insert, update, delete on schema_migrations from ${name};`);
};

/** The newest migration that a database has had. */
export const newestMigration = async (url: string): Promise<number> => {
  const client = await openSession(url, 'taskyard-migrate');
  try {
    const { rows } = await client.query<{ number: number }>(
      'select coalesce(max(number), 0) as number from schema_migrations',
    );
    return rows[0]?.number ?? 0;
  } finally {
    await client.end();
  }
};

/**
 * A migration that waits for a table makes all wait that use it, behind it: so it waits for a moment only, and lets them
 * through before it tries again. A dump of the database reads its tables for as long as it takes.
 */
const lockWaitMs = seconds(1);
const lockRestMs = seconds(2);
const lockPatienceMs = minutes(5);

const apply = async (client: pg.Client, migration: Migration): Promise<void> => {
  const { number, name } = migration;
  const giveUpAt = performance.now() + lockPatienceMs;
  for (;;) {
    try {
      return await applyOnce(client, migration);
    } catch (error) {
      // It cannot be told to roll back, and has done so.
      if (isConnectionLoss(error)) throw error;
      await client.query('rollback');
      // PostgreSQL looks for a deadlock as soon as the wait for a lock is over.
      const isLocked = codeOf(error) === lockNotAvailable || isTransient(error);
      if (isLocked && performance.now() < giveUpAt) {
        await systemClock.sleep(lockRestMs);
        continue;
      }
      const advice = isLocked
        ? '. Another transaction has had a table for minutes; try again when it has ended'
        : '';
      const { message } = error as Error;
      throw new Error(`Migration ${number} (${name}) failed: ${message}${advice}`, { cause: error });
    }
  }
};

const lockNotAvailable = '55P03';

const applyOnce = async (client: pg.Client, { number, name, sql }: Migration): Promise<void> => {
  await client.query(`begin; set local lock_timeout = ${lockWaitMs}`);
  await client.query(sql);
  await client.query('insert into schema_migrations (number, name) values ($1, $2)', [number, name]);
  await client.query('commit');
};
