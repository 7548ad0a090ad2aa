import { systemClock } from './clock.ts';
import { connectionLoss } from './database-errors.ts';
import { readDatabaseUrl } from './database-url.ts';
import { openSession, probe } from './servers.ts';

/** What a database says of itself, to the role of a URL. */
export interface DatabaseFacts {
  /** As in 180004 for 18.4. */
  readonly versionNumber: number;
  readonly version: string;
  readonly role: string;
  readonly encoding: string;
  /** The settings that are off by which it may lose what it has committed. */
  readonly unsafeSettings: readonly string[];
  readonly connectionsMax: number;
  readonly connectionsUsed: number;
  readonly bytes: number;
  /** How far its clock is ahead of ours, in milliseconds. Half of the time that the question took may be wrong. */
  readonly clockAheadMs: number;
  /** The numbers of the migrations that it has had. */
  readonly migrations: readonly number[];
  /** Tables that the role may not read and write. */
  readonly closedTables: readonly string[];
  readonly mayCreateTables: boolean;
  /** Standbys that follow it. Which of them are synchronous is not told to a role without special rights. */
  readonly standbys: number;
  /** Whether a commit waits for one of them. */
  readonly waitsForStandby: boolean;
}

/** The oldest major version of PostgreSQL that is supported. */
export const oldestPostgres = 15;

const question = `
  select current_setting('server_version_num')::int as "versionNumber", current_setting('server_version') as version,
         current_user::text as role, pg_encoding_to_char(encoding) as encoding,
         array(select name from pg_settings where setting = 'off'
                  and name in ('fsync', 'full_page_writes', 'synchronous_commit') order by name) as "unsafeSettings",
         current_setting('max_connections')::int as "connectionsMax",
         -- A role without special rights is not told the type of others' connections. The server's own have no user.
         (select count(*)::int from pg_stat_activity
           where coalesce(backend_type, 'client backend') = 'client backend' and usesysid is not null) as "connectionsUsed",
         pg_database_size(oid)::float8 as bytes, extract(epoch from clock_timestamp())::float8 * 1000 as time,
         to_regclass('schema_migrations') is not null as "hasMigrations",
         array(select c.oid::regclass::text from pg_class c
                where c.relkind in ('r', 'p') and c.relnamespace = current_schema()::regnamespace
                  and c.relname <> 'schema_migrations'
                  and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
                           and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
                order by 1) as "closedTables",
         has_schema_privilege(current_schema(), 'create') as "mayCreateTables",
         (select count(*)::int from pg_stat_replication) as standbys,
         current_setting('synchronous_standby_names') <> ''
         and current_setting('synchronous_commit') not in ('off', 'local') as "waitsForStandby"
    from pg_database where datname = current_database()`;

/** Asks the server of a URL that accepts writes about itself. Rejects when it cannot be asked. */
export const readDatabaseFacts = async (url: string): Promise<DatabaseFacts> => {
  const client = await openSession(url, 'taskyard-doctor');
  try {
    const began = systemClock.now().getTime();
    const { rows } = await client.query<DatabaseFacts & { time: number; hasMigrations: boolean }>(question);
    const [row] = rows;
    if (!row) throw connectionLoss('The database did not answer.');
    const { time, hasMigrations, ...facts } = row;
    const clockAheadMs = Math.round(time - (began + systemClock.now().getTime()) / 2);
    const applied = hasMigrations
      ? await client.query<{ number: number }>('select number from schema_migrations order by number')
      : { rows: [] };
    return { ...facts, clockAheadMs, migrations: applied.rows.map(({ number }) => number) };
  } finally {
    await client.end();
  }
};

/** One of the servers that a URL names. */
export interface ServerState {
  readonly name: string;
  readonly state: 'accepts writes' | 'standby, or read-only' | 'unreachable';
  /** Why it is unreachable. */
  readonly reason?: string;
}

/** Asks each server that a URL names whether it accepts writes. */
export const readServerStates = (url: string): Promise<ServerState[]> =>
  Promise.all(
    readDatabaseUrl(url).servers.map(async (server): Promise<ServerState> => {
      const { name } = server;
      try {
        return { name, state: (await probe(server)) ? 'accepts writes' : 'standby, or read-only' };
      } catch (error) {
        return { name, state: 'unreachable', reason: (error as Error).message };
      }
    }),
  );
