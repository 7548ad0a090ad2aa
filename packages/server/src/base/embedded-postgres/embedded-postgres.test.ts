import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { databasesFolder, eventually, within } from '@taskyard/patience';
import pg from 'pg';
import { silentLog } from '../log.ts';
import { findBinaries } from './binaries.ts';
import { clusterPaths, makeCluster, makeFolder, readPassword } from './cluster.ts';
import { startEmbeddedPostgres } from './index.ts';
import { chooseLaunch } from './launch.ts';
import { runProgram } from './programs.ts';

const folders: string[] = [];
const aFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(databasesFolder(), 'taskyard-postgres-'));
  folders.push(folder);
  return folder;
};
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log: silentLog });

/** A data folder whose server has been started and stopped before. */
const makeOne = async (): Promise<string> => {
  const dataDir = await aFolder();
  await (await start(dataDir)).stop();
  // Each copy chooses a port of its own.
  await rm(clusterPaths(dataDir).port);
  return dataDir;
};
let made: Promise<string> | undefined;

/** The same for tests that are about what comes after: data are made once, which takes seconds, and copied. */
const aMadeFolder = async (below = ''): Promise<string> => {
  made ??= makeOne();
  const dataDir = join(await aFolder(), below);
  await mkdir(dataDir, { recursive: true });
  // Whoever starts PostgreSQL looks at owners and modes.
  const { code, output } = await runProgram(['/bin/cp', '-a', clusterPaths(await made).folder, dataDir]);
  assert.equal(code, 0, output);
  return dataDir;
};

const ask = async (url: string, text: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
};

/** A process that has ended may stay in the list for a while, in state Z, until its new parent notices. */
const isRunning = async (pid: number): Promise<boolean> => {
  const { output } = await runProgram(['/bin/ps', '-p', String(pid), '-o', 'stat=']);
  return output !== '' && !output.startsWith('Z');
};

/** Another Node process that starts the server on this folder and stays. */
const startElsewhere = async (
  dataDir: string,
): Promise<{ child: ChildProcess; url: string; pid: number }> => {
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(new URL('./index.js', import.meta.url).href)});
    const { silentLog } = await import(${JSON.stringify(new URL('../log.js', import.meta.url).href)});
    const { url, pid } = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log: silentLog });
    process.stdout.write(JSON.stringify({ url, pid }));
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [text] = (await within('the other process to start', once(child.stdout, 'data'))) as [Buffer];
  return { child, ...(JSON.parse(text.toString()) as { url: string; pid: number }) };
};

describe('embedded PostgreSQL', () => {
  it('keeps its data, its password and its port from one start to the next', async () => {
    const dataDir = await aFolder();
    const first = await start(dataDir);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    await first.stop();
    assert.equal(await isRunning(first.pid), false);

    const second = await start(dataDir);
    assert.equal(second.url, first.url);
    assert.deepEqual(await ask(second.url, 'select answer from kept'), [{ answer: 42 }]);
    await second.stop();
  });

  it('listens on a socket of its own and on the loopback device only, wants its password, and writes durably', async () => {
    const dataDir = await aFolder();
    const server = await start(dataDir);
    const { folder, password } = clusterPaths(dataDir);
    assert.equal((await stat(password)).mode & 0o777, 0o600);
    const [settings] = await ask(
      server.url,
      `select current_setting('listen_addresses') as listen_addresses, current_setting('fsync') as fsync,
              current_setting('unix_socket_directories') as sockets, current_setting('synchronous_commit') as commit`,
    );
    const { sockets, ...others } = settings as { sockets: string };
    assert.deepEqual(others, { listen_addresses: '127.0.0.1', fsync: 'on', commit: 'on' });
    assert.equal(sockets, folder);
    for (const url of [server.url, server.tcpUrl]) {
      const ways = await ask(url, 'select inet_server_addr() is null as by_socket');
      assert.deepEqual(ways, [{ by_socket: url === server.url }]);
      const wrong = new URL(url);
      wrong.password = 'guessed';
      await assert.rejects(ask(wrong.href, 'select 1'), /password authentication failed/);
    }
    await server.stop();
  });

  it('is reached by the loopback device where the path of its socket would be too long', async () => {
    const server = await start(await aMadeFolder('x'.repeat(90)));
    assert.equal(server.url, server.tcpUrl);
    assert.deepEqual(await ask(server.url, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
  });

  it('has a process group of its own, so that Ctrl-C does not stop it before the platform has drained', async () => {
    const server = await start(await aMadeFolder());
    const { output } = await runProgram(['/bin/ps', '-p', String(server.pid), '-o', 'pgid=']);
    assert.equal(Number(output), server.pid);
    await server.stop();
  });

  it('ends when its parent is killed, and starts again with every committed row', async () => {
    const dataDir = await aMadeFolder();
    const { child, url, pid } = await startElsewhere(dataDir);
    await ask(url, 'create table kept as select 42 as answer');
    child.kill('SIGKILL');
    await within('the parent to end', once(child, 'exit'));

    // At once, while the old server may still be shutting down.
    const next = await start(dataDir);
    assert.equal(await isRunning(pid), false);
    assert.deepEqual(await ask(next.url, 'select answer from kept'), [{ answer: 42 }]);
    await next.stop();
  });

  it('starts again after the server itself was killed, and replays what was committed', async () => {
    const dataDir = await aMadeFolder();
    const server = await start(dataDir);
    await ask(server.url, 'create table kept as select 42 as answer');
    process.kill(server.pid, 'SIGKILL');

    const next = await start(dataDir);
    assert.deepEqual(await ask(next.url, 'select answer from kept'), [{ answer: 42 }]);
    await next.stop();
  });

  it('refuses data that another process uses', async () => {
    const dataDir = await aMadeFolder();
    const { child, url, pid } = await startElsewhere(dataDir);
    await assert.rejects(start(dataDir), new RegExp(`Another process uses .*process id ${pid}`));
    assert.deepEqual(await ask(url, 'select 1 as still_there'), [{ still_there: 1 }]);
    child.kill('SIGKILL');
    await eventually('the server to go with its parent', async () => !(await isRunning(pid)));
  });

  it('takes another port when another program uses its own', async () => {
    const dataDir = await aMadeFolder();
    const first = await start(dataDir);
    await first.stop();
    const { port } = new URL(first.url);
    const squatter = createServer().listen(Number(port), '127.0.0.1');
    await once(squatter, 'listening');

    const second = await start(dataDir);
    assert.notEqual(new URL(second.url).port, port);
    await second.stop();
    squatter.close();
  });

  it('discards a first start that was interrupted', async () => {
    const dataDir = await aFolder();
    const unfinished = `${clusterPaths(dataDir).data}.new`;
    await mkdir(unfinished, { recursive: true });
    await writeFile(join(unfinished, 'PG_VERSION'), '18');
    const server = await start(dataDir);
    assert.deepEqual(await ask(server.url, 'select 1 as one'), [{ one: 1 }]);
    await server.stop();
  });

  it('reports the message of PostgreSQL when it does not start', async () => {
    await assert.rejects(
      startEmbeddedPostgres({
        dataDir: await aFolder(),
        log: silentLog,
        settings: { max_connections: 'many' },
      }),
      /did not start.*max_connections/s,
    );
  });

  it('runs from a checkout that only its owner may enter', async () => {
    const home = await aFolder();
    assert.equal((await stat(home)).mode & 0o777, 0o700);
    const installed = await findBinaries();
    const native = join(home, 'native');
    await cp(dirname(dirname(installed.postgres)), native, { recursive: true, verbatimSymlinks: true });
    const binaries = { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') };
    const paths = clusterPaths(home);
    await makeFolder(paths);
    await readPassword(paths);
    const launch = await chooseLaunch(binaries, paths.folder);
    await makeCluster(paths, { binaries, launch, durable: false });
    assert.equal((await readFile(join(paths.data, 'PG_VERSION'), 'utf8')).trim(), '18');
  });
});
