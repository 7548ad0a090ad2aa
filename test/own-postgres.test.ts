import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Queue, slugid } from '@taskyard/client';
import pg from 'pg';
import { assertInvariants } from './support/invariants.ts';
import { aTask } from './support/line.ts';
import { startLoad } from './support/load.ts';
import { aPgBouncer, noPgBouncer, pooledSessions } from './support/pgbouncer.ts';
import { aHome, plainEnvironment, root, taskyard } from './support/platform.ts';
import { aPostgres, type Postgres } from './support/postgres.ts';
import { aSystemPostgres, noPostgresOf } from './support/system-postgres.ts';

const runFile = promisify(execFile);
let postgres: Postgres;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  postgres = await aPostgres({ after: (cleanUp) => void endings.push(cleanUp) });
});
after(async () => {
  for (const end of endings) await end();
});

const ask = async <Row extends pg.QueryResultRow>(text: string): Promise<Row[]> => {
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
};

/** What a command says that ends on its own. */
const run = (words: readonly string[], env: Readonly<Record<string, string>>) =>
  spawnSync(process.execPath, [taskyard, ...words], {
    env: { ...plainEnvironment(), ...env },
    encoding: 'utf8',
  });

describe('a PgBouncer that pools transactions', { skip: noPgBouncer }, () => {
  it('serves a platform that has another URL for sessions', async (t) => {
    const home = await aHome(t);
    const pooled = await aPgBouncer(t, postgres.url);
    const env = { DATABASE_URL: pooled, DATABASE_SESSION_URL: postgres.url, PROCESSES: '2', WORKER: 'false' };
    const platform = await home.start(env);
    const load = startLoad(() => platform, { rounds: 20 });
    await load.done;
    const rows = await ask<{ name: string; count: number }>(`
      select application_name as name, count(*)::int as count from pg_stat_activity
       where datname = current_database() and application_name like 'taskyard%' group by 1`);
    const counts = Object.fromEntries(rows.map(({ name, count }) => [name, count]));
    // The main process and two others listen, each in a session of its own.
    assert.equal(counts['taskyard-listen'], 3);
    assert.ok(counts.taskyard !== undefined && counts.taskyard <= pooledSessions, JSON.stringify(counts));
    assert.equal(await platform.stop(), 0);
    assert.equal(load.failures.server, 0);
    await assertInvariants(postgres.url, { acknowledged: load.acknowledged });
  });

  it('is refused without that URL, with what to set', async (t) => {
    const home = await aHome(t);
    const DATABASE_URL = await aPgBouncer(t, postgres.url);
    const { status, stderr } = run(['serve', '--port', '0', '--data', home.path], { DATABASE_URL });
    assert.equal(status, 1, stderr);
    assert.match(stderr, /leads to a pooler.*DATABASE_SESSION_URL/);
  });
});

describe('the oldest PostgreSQL that is supported', { skip: noPostgresOf(15) }, () => {
  let url: string;
  let programs: string;
  before(async () => {
    ({ url, programs } = await aSystemPostgres({ after: (cleanUp) => void endings.push(cleanUp) }, 15));
  });

  it('plans statements as others do', () => {
    const env = { ...plainEnvironment(), TASKYARD_TEST_DATABASE_URL: url };
    const plans = join(root, 'packages/server/dist/plans.test.js');
    const { status, stdout } = spawnSync(process.execPath, [plans], { env, encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });

  it('serves a platform under load, and another from a dump of it', async (t) => {
    const home = await aHome(t);
    const env = { PROCESSES: '2', WORKER: 'false' };
    const platform = await home.start({ ...env, DATABASE_URL: url });
    const load = startLoad(() => platform, { rounds: 10 });
    await load.more(20);
    // A dump that reads all tables holds nobody up.
    const dump = join(home.path, 'taskyard.dump');
    const writeDump = () => runFile(join(programs, 'pg_dump'), ['--format=custom', `--file=${dump}`, url]);
    await writeDump();
    await load.done;
    assert.equal(load.failures.server, 0);
    await assertInvariants(url, { acknowledged: load.acknowledged });
    await writeDump();
    assert.equal(await platform.stop(), 0);

    const restored = new URL(url);
    restored.pathname = '/restored';
    await runFile(join(programs, 'createdb'), [`--maintenance-db=${url}`, 'restored']);
    await runFile(join(programs, 'pg_restore'), [
      '--no-owner',
      '--exit-on-error',
      `--dbname=${restored.href}`,
      dump,
    ]);
    const again = await home.start({ ...env, DATABASE_URL: restored.href });
    const more = startLoad(() => again, { rounds: 5 });
    await more.done;
    assert.equal(await again.stop(), 0);
    await assertInvariants(restored.href, { acknowledged: [...load.acknowledged, ...more.acknowledged] });
  });
});

it('a server that may lose commits is refused unless DATABASE_MAY_LOSE is set', async (t) => {
  const home = await aHome(t);
  // Its folder lacks the keys of what the test before has left.
  const env = { DATABASE_URL: postgres.url, WORKER: 'false', LOG_LEVEL: 'error' };
  await ask('alter role taskyard set synchronous_commit = off');
  const { status, stderr } = run(['serve', '--port', '0', '--data', home.path], env);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /has (fsync, full_page_writes, )?synchronous_commit off: .*DATABASE_MAY_LOSE/);
  const platform = await home.start({ ...env, DATABASE_MAY_LOSE: 'true' });
  assert.equal(await platform.stop(), 0);
  await ask('alter role taskyard reset synchronous_commit');
});

it('a role that may change no table serves what another has migrated', async (t) => {
  const home = await aHome(t);
  const url = new URL(postgres.url);
  url.pathname = '/separate';
  for (const role of ['owner', 'app']) await ask(`create role ${role} login password 'secret'`);
  await ask('create database separate owner owner');
  const urlOf = (role: string): string => {
    const own = new URL(url);
    [own.username, own.password] = [role, 'secret'];
    return own.href;
  };
  const env = { DATABASE_URL: urlOf('app'), DATABASE_MAY_LOSE: 'true', WORKER: 'false' };
  const early = run(['serve', '--port', '0', '--data', home.path], env);
  assert.equal(early.status, 1);
  assert.match(early.stderr, /needs migrations, and the role of this URL may not apply them.*tyard migrate/);
  const words = ['migrate', '--grant-to', 'app', '--json'];
  const migrated = run(words, { DATABASE_URL: urlOf('owner') });
  assert.equal(migrated.status, 0, migrated.stderr);
  const { applied, grantedTo } = JSON.parse(migrated.stdout);
  assert.deepEqual([applied[0], grantedTo], [1, 'app']);
  const again = run(words, { DATABASE_URL: urlOf('owner') });
  assert.deepEqual(JSON.parse(again.stdout).applied, []);
  const platform = await home.start(env);
  const taskId = slugid();
  const queue = new Queue({ ...platform, retries: 0 });
  await queue.createTask(taskId, aTask('example/roles') as Parameters<Queue['createTask']>[1]);
  assert.equal((await queue.status(taskId)).status.state, 'pending');
  assert.equal(await platform.stop(), 0);
  const client = new pg.Client({ connectionString: urlOf('app') });
  await client.connect();
  await assert.rejects(client.query('drop table tasks'), /must be owner/);
  await assert.rejects(client.query('create table more ()'), /permission denied/);
  await client.end();
});
