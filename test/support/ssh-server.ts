import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { eventually, leftOutFor } from '@taskyard/patience';
import { runProgram } from './command.ts';
import { freePort } from './free-port.ts';
import type { Ending } from './platform.ts';

const sshd = '/usr/sbin/sshd';

/** Why tests that need a server of SSH are left out. */
export const noSshd = leftOutFor(existsSync(sshd) ? false : 'there is no sshd on this machine');

interface SshServer {
  /** `ssh://me@127.0.0.1:2222`; a path follows. */
  readonly url: string;
  /** A private key that the server accepts. */
  readonly key: string;
  /** One that it does not accept. */
  readonly otherKey: string;
  /** What the server proves itself by, as ssh notes it. */
  readonly knownHosts: string;
}

const makeKey = async (path: string): Promise<{ secret: string; open: string }> => {
  const { code, err } = await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path]);
  assert.equal(code, 0, err);
  return { secret: await readFile(path, 'utf8'), open: (await readFile(`${path}.pub`, 'utf8')).trim() };
};

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false)).once('close', () => resolve(false));
  });

/** OpenSSH's server on this machine, for who runs the tests; it ends with the test. */
export const startSshServer = async (test: Ending): Promise<SshServer> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-sshd-'));
  test.after(() => rm(folder, { recursive: true, force: true }));
  const [host, user, other] = await Promise.all(
    ['host', 'user', 'other'].map((name) => makeKey(join(folder, name))),
  );
  assert.ok(host && user && other);
  await copyFile(join(folder, 'user.pub'), join(folder, 'authorized'));
  const port = await freePort();
  const settings = [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PasswordAuthentication no',
    'PermitRootLogin prohibit-password',
  ];
  await writeFile(join(folder, 'sshd_config'), `${settings.join('\n')}\n`);
  // As root it keeps what it does not trust in there; the system makes the folder only for its own service.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn(sshd, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  test.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  await eventually('sshd to answer', () => answers(port));
  return {
    url: `ssh://${userInfo().username}@127.0.0.1:${port}`,
    key: user.secret,
    otherKey: other.secret,
    knownHosts: `[127.0.0.1]:${port} ${host.open}`,
  };
};
