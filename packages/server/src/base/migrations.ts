import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

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

/**
 * Brings a database up to date. Several processes may start at once: one migrates, the others wait for it. Each
 * migration is a transaction; a database that is newer than this program is refused.
 */
export const migrate = async (url: string): Promise<void> => {
  const migrations = await readMigrations();
  const client = new pg.Client({ connectionString: url, application_name: 'taskyard-migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [lockKey]);
    await client.query(`create table if not exists schema_migrations (
      number int primary key, name text not null, applied_at timestamptz not null default now())`);
    const { rows } = await client.query<{ number: number }>(
      'select number from schema_migrations order by number',
    );
    const newest = rows.at(-1)?.number ?? 0;
    const known = migrations.at(-1)?.number ?? 0;
    if (newest > known) {
      throw new Error(
        `The database is at migration ${newest}; this version of Taskyard knows ${known} at most.`,
      );
    }
    const applied = new Set(rows.map((row) => row.number));
    for (const migration of migrations) {
      if (!applied.has(migration.number)) await apply(client, migration);
    }
  } finally {
    await client.end();
  }
};

/** The newest migration that a database has had. */
export const newestMigration = async (url: string): Promise<number> => {
  const client = new pg.Client({ connectionString: url, application_name: 'taskyard-migrate' });
  await client.connect();
  try {
    const { rows } = await client.query<{ number: number }>(
      'select coalesce(max(number), 0) as number from schema_migrations',
    );
    return rows[0]?.number ?? 0;
  } finally {
    await client.end();
  }
};

const apply = async (client: pg.Client, { number, name, sql }: Migration): Promise<void> => {
  try {
    await client.query('begin');
    await client.query(sql);
    await client.query('insert into schema_migrations (number, name) values ($1, $2)', [number, name]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`Migration ${number} (${name}) failed: ${(error as Error).message}`, { cause: error });
  }
};
