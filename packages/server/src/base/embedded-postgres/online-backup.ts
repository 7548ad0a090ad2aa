import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';

/** Where the files of a backup go, in the order in which they are added. Names have slashes and are relative. */
export interface Archive {
  folder(name: string): Promise<void>;
  /** Adds a file as it is at this moment; one that has gone in the meantime is left out. */
  file(name: string, path: string): Promise<void>;
  text(name: string, text: string): Promise<void>;
}

/** The folder of PostgreSQL's files below the data folder. */
export const postgresFolder = 'postgres';

// Files of the running server, and files that each start creates again.
const emptyFolders = new Set([
  'pg_dynshmem',
  'pg_notify',
  'pg_replslot',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
  'pg_wal',
]);
const leftOut = /(^|\/)(postmaster\.(pid|opts)|pgsql_tmp[^/]*|pg_internal\.init[^/]*|backup_label(\.old)?)$/;

const addTree = async (
  archive: Archive,
  name: string,
  { from, to }: { from: string; to: string },
): Promise<void> => {
  await archive.folder(`${to}/${name}`);
  if (emptyFolders.has(name)) return;
  for (const entry of await readdir(join(from, name), { withFileTypes: true })) {
    const inner = name === '' ? entry.name : `${name}/${entry.name}`;
    if (leftOut.test(inner)) continue;
    if (entry.isDirectory()) await addTree(archive, inner, { from, to });
    else if (entry.isFile()) await archive.file(`${to}/${inner}`, join(from, inner));
  }
};

/** The files of the journal that a server needs to make the copied files consistent. */
const addJournal = async (
  archive: Archive,
  { first, last }: { first: string; last: string },
  { from, to }: { from: string; to: string },
): Promise<void> => {
  const names = (await readdir(join(from, 'pg_wal'))).filter((name) => /^[0-9A-F]{24}$/.test(name));
  const needed = names.filter((name) => name >= first && name <= last).sort();
  if (needed[0] !== first || needed.at(-1) !== last) {
    throw new Error(
      `The journal of PostgreSQL from ${first} to ${last} is not there any more. Back up again.`,
    );
  }
  for (const name of needed) await archive.file(`${to}/pg_wal/${name}`, join(from, 'pg_wal', name));
};

export interface Cluster {
  /** The platform's data folder. */
  readonly dataDir: string;
  /** Where its server can be reached, as the superuser. */
  readonly url: string;
}

/**
 * Copies the files of a running server, as they are at the end of the copy. What is written meanwhile is in its journal,
 * which is part of the copy: a server that starts on the copy replays it up to that moment.
 */
export const backUpCluster = async ({ dataDir, url }: Cluster, archive: Archive): Promise<void> => {
  const from = join(dataDir, postgresFolder, 'data');
  const to = `${postgresFolder}/data`;
  const client = new pg.Client({ connectionString: url, application_name: 'taskyard-backup' });
  await client.connect();
  try {
    // Keeps the journal of the copy from being recycled; it goes with this connection.
    const slot = `taskyard_backup_${process.pid}`;
    await client.query('select pg_create_physical_replication_slot($1, true, true)', [slot]);
    await client.query("select pg_backup_start('taskyard', true)");
    await addTree(archive, '', { from, to });
    const { rows } = await client.query<{ label: string; last: string }>(
      'select labelfile as label, pg_walfile_name(lsn) as last from pg_backup_stop(false)',
    );
    const { label = '', last = '' } = rows[0] ?? {};
    const [, first = ''] = label.match(/^START WAL LOCATION: \S+ \(file ([0-9A-F]{24})\)/) ?? [];
    await addJournal(archive, { first, last }, { from, to });
    await archive.text(`${to}/backup_label`, label);
  } finally {
    await client.end();
  }
};
