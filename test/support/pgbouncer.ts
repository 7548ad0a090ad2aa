import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, leftOutFor, within } from '@taskyard/patience';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';

const program = '/usr/sbin/pgbouncer';

/** Why tests with a pooler are left out; `false` where they can run. */
export const noPgBouncer = leftOutFor(!existsSync(program) && 'PgBouncer is not installed');

/** Sessions with the database that all clients of the pooler share. */
export const pooledSessions = 4;

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

/** Starts a PgBouncer that pools transactions before a database, with its standard settings; returns its URL. */
export const aPgBouncer = async (test: Ending, databaseUrl: string): Promise<string> => {
  const url = new URL(databaseUrl);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-pgbouncer-'));
  // It gives up root for this user.
  await chmod(folder, 0o755);
  const users = join(folder, 'users');
  await writeFile(users, `"${url.username}" "${decodeURIComponent(url.password)}"\n`, { mode: 0o644 });
  const settings = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=${url.hostname} port=${url.port}`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = scram-sha-256',
    `auth_file = ${users}`,
    'pool_mode = transaction',
    `default_pool_size = ${pooledSessions}`,
  ];
  await writeFile(settings, `${lines.join('\n')}\n`, { mode: 0o644 });
  const words = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const child = spawn(program, ['-q', ...words, settings], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exit = once(child, 'exit');
  test.after(async () => {
    child.kill('SIGKILL');
    await within('PgBouncer to end', exit);
    await rm(folder, { recursive: true, force: true });
  });
  await eventually('PgBouncer to listen', () => answers(port));
  url.port = String(port);
  return url.href;
};
