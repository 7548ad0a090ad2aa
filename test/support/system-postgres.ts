import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { databasesFolder, eventually, leftOutFor, within } from '@taskyard/patience';
import pg from 'pg';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';

const run = promisify(execFile);
const programsOf = (version: number): string => `/usr/lib/postgresql/${version}/bin`;

/** Why tests with a PostgreSQL of Debian's are left out; `false` where they can run. */
export const noPostgresOf = (version: number) =>
  leftOutFor(!existsSync(join(programsOf(version), 'postgres')) && `PostgreSQL ${version} is not installed`);

const nobody = 65_534;

const answers = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
};

/** A PostgreSQL of Debian's. */
export interface SystemPostgres {
  readonly url: string;
  /** The folder of its programs, such as `pg_dump`. */
  readonly programs: string;
}

/** Starts one with an empty database. When the test ends, so does it. */
export const aSystemPostgres = async (test: Ending, version: number): Promise<SystemPostgres> => {
  const programs = programsOf(version);
  const folder = await mkdtemp(join(databasesFolder(), 'taskyard-system-postgres-'));
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chown(folder, nobody, nobody);
  // It refuses to run as root.
  const as = isRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : ['env'];
  const [program = '', ...words] = as;
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  await writeFile(password, 'secret', { mode: 0o644 });
  const auth = ['--username=taskyard', `--pwfile=${password}`, '--auth=scram-sha-256'];
  const locale = ['--encoding=UTF8', '--locale=C', '--no-sync'];
  await run(program, [...words, join(programs, 'initdb'), `--pgdata=${data}`, ...auth, ...locale]);
  const port = await freePort();
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`];
  const server = spawn(
    program,
    [...words, join(programs, 'postgres'), '-D', data, ...settings.flatMap((each) => ['-c', each])],
    { stdio: 'ignore' },
  );
  const ended = once(server, 'exit');
  test.after(async () => {
    server.kill('SIGQUIT');
    await within('PostgreSQL to end', ended);
    await rm(folder, { recursive: true, force: true });
  });
  const url = `postgres://taskyard:secret@127.0.0.1:${port}/postgres`;
  await eventually('PostgreSQL to answer', () => answers(url));
  return { url, programs };
};
