import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type DatabaseFacts, migrate } from '../../base/index.ts';
import { readConfig } from '../../config/index.ts';
import { type TestDatabase, testDatabase } from '../../testing/index.ts';
import { databaseFindings, serverFindings } from './database.ts';
import { type Diagnosis, examine } from './index.ts';
import { nodeFinding, openFilesFinding } from './machine.ts';

let folder: string;
let database: TestDatabase;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-doctor-'));
  database = await testDatabase();
});
after(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

type Overrides = NonNullable<NonNullable<Parameters<typeof readConfig>[0]>['overrides']>;

/** What is found, as `level check: message`; without what is right. */
const complaints = async (overrides: Overrides): Promise<string[]> => {
  const found = await examine(readConfig({ env: {}, overrides: { data: folder, port: 0, ...overrides } }));
  for (const { level, todo } of found) assert.equal(todo === undefined, level === 'ok');
  return found.filter(({ level }) => level !== 'ok').map(asText);
};
const asText = ({ level, check, message }: Diagnosis): string => `${level} ${check}: ${message}`;

/** Runs a statement whose names are not values. */
const administer = (text: string) => database.db(Object.freeze([text]) as unknown as TemplateStringsArray);

/** A port on which something listens that is neither of our parties. */
const aStranger = async (t: TestContext): Promise<number> => {
  const server = createServer((socket) => socket.on('error', () => {}).end('220 mail.example.com\r\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return (server.address() as AddressInfo).port;
};

/** Has exactly one complaint, which matches. */
const assertOne = (found: readonly string[], pattern: RegExp): void => {
  assert.equal(found.length, 1, found.join('\n'));
  assert.match(found[0] ?? '', pattern);
};

describe('the doctor', () => {
  it('finds nothing wrong with a folder of our own', async () => {
    assert.deepEqual(await complaints({}), []);
  });

  it('names a data folder that is none, and a store whose folder is none', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const found = await complaints({ data: join(file, 'below') });
    assert.match(found.join('\n'), /error data folder: the data folder .* cannot be written to/);
    const backends = { more: { type: 'disk', folder: join(file, 'below') } } as const;
    assertOne(await complaints({ objects: { backends } }), /error store: more: /);
  });

  it('names a port that another program has', async (t) => {
    assertOne(await complaints({ port: await aStranger(t) }), /error ports: Another program listens on/);
  });

  it('names a broker that is not there, and one that is something else', async (t) => {
    assertOne(
      await complaints({ amqpUrl: 'amqp://127.0.0.1:1' }),
      /error broker: The broker cannot be reached: .*ECONNREFUSED/,
    );
    const amqpUrl = `amqp://127.0.0.1:${await aStranger(t)}`;
    assertOne(await complaints({ amqpUrl }), /error broker: The broker cannot be reached/);
  });

  it('names a bucket that cannot be reached', async () => {
    const keys = { accessKeyId: 'key', secretAccessKey: 'secret' };
    const s3 = { bucket: 'bucket', endpoint: 'http://127.0.0.1:1', ...keys };
    assertOne(await complaints({ s3 }), /error store: s3: .*ECONNREFUSED/);
  });

  it('names a database that is away, refuses the password or is something else', async (t) => {
    const away = 'postgres://u@127.0.0.1:1,127.0.0.1:2/x';
    assert.equal((await complaints({ databaseUrl: away })).length, 2);
    const wrong = new URL(database.url);
    wrong.password = 'guessed';
    assertOne(
      await complaints({ databaseUrl: wrong.href }),
      /error database: .*password authentication failed/,
    );
    const databaseUrl = `postgres://u@127.0.0.1:${await aStranger(t)}/x`;
    assertOne(await complaints({ databaseUrl }), /error database: .*cannot be reached/);
  });

  it('names a database that may lose commits, has too few connections or is newer than this version', async () => {
    const { db, url } = database;
    await administer(`alter database ${new URL(url).pathname.slice(1)} set synchronous_commit = off`);
    const small = { databaseUrl: url, databasePoolSizeMax: 1000, processes: 10 };
    const found = (await complaints(small)).join('\n');
    assert.match(found, /error database: .*synchronous_commit off/);
    assert.match(found, /warning database: It allows \d+ connections, and this configuration may open 10018/);
    await db`insert into schema_migrations (number, name) values (9999, 'later')`;
    const newer = (await complaints({ databaseUrl: url, databaseMayLose: true })).join('\n');
    await db`delete from schema_migrations where number = 9999`;
    assert.match(newer, /error database: The database is at migration 9999/);
  });

  it('names the tables that a role may not use', async () => {
    const role = `taskyard_doctor_${process.pid}`;
    const url = new URL(database.url);
    [url.username, url.password] = [role, 'secret'];
    const { db } = database;
    await db(
      Object.freeze([`create role ${role} login password 'secret'`]) as unknown as TemplateStringsArray,
    );
    await migrate(database.url, { grantTo: role });
    const config = { databaseUrl: url.href, databaseMayLose: true };
    const rights = async () => (await complaints(config)).filter((each) => each.includes('may not'));
    assert.deepEqual(await rights(), []);
    await administer(`revoke delete on tasks from ${role}`);
    assertOne(await rights(), /error database: .* may not read and write tasks\./);
    await administer(`drop owned by ${role}`);
    await administer(`drop role ${role}`);
  });
});

const soundFacts: DatabaseFacts = {
  versionNumber: 150_018,
  version: '15.18',
  role: 'taskyard',
  encoding: 'UTF8',
  unsafeSettings: [],
  connectionsMax: 100,
  connectionsUsed: 3,
  bytes: 1,
  clockAheadMs: 20,
  migrations: [1, 2],
  closedTables: [],
  mayCreateTables: true,
  standbys: 0,
  waitsForStandby: false,
};
const expected = { migrations: [1, 2], connections: 19, hasStandbys: false, mayLose: false };

describe('facts of a database', () => {
  const levels = (facts: Partial<DatabaseFacts>, more: Partial<typeof expected> = {}): string[] =>
    databaseFindings({ ...soundFacts, ...facts }, { ...expected, ...more })
      .filter(({ level }) => level !== 'ok')
      .map(({ level, message }) => `${level}: ${message}`);

  it('are sound, or say what is wrong', () => {
    assert.deepEqual(levels({}), []);
    assertOne(levels({ versionNumber: 140_000, version: '14.9' }), /error: PostgreSQL is 14\.9/);
    assertOne(levels({ encoding: 'SQL_ASCII' }), /error: Its encoding is SQL_ASCII/);
    assertOne(levels({ unsafeSettings: ['fsync'] }), /error: fsync off/);
    assertOne(levels({ unsafeSettings: ['fsync'] }, { mayLose: true }), /warning: fsync off/);
    assertOne(levels({ migrations: [1], mayCreateTables: false }), /error: Migrations are missing/);
    assert.deepEqual(levels({ migrations: [1] }), []);
    assertOne(levels({ clockAheadMs: -700 }), /warning: The clock of the database is 0\.7 s behind ours/);
    assertOne(levels({ clockAheadMs: 60_000 }), /error: The clock of the database is 60\.0 s ahead of ours/);
    assertOne(levels({}, { hasStandbys: true }), /warning: No synchronous standby/);
    assertOne(levels({ standbys: 1 }, { hasStandbys: true }), /warning: No synchronous standby/);
    assertOne(levels({ waitsForStandby: true }, { hasStandbys: true }), /warning: No synchronous standby/);
    assert.deepEqual(levels({ standbys: 1, waitsForStandby: true }, { hasStandbys: true }), []);
  });

  it('say which of several servers are wrong', () => {
    const [one, two, away] = [
      { name: 'one:5432', state: 'accepts writes' },
      { name: 'two:5432', state: 'accepts writes' },
      { name: 'three:5432', state: 'unreachable', reason: 'timeout expired' },
    ] as const;
    const standby = { name: 'four:5432', state: 'standby, or read-only' } as const;
    const levelsOf = (...states: Parameters<typeof serverFindings>[0]) =>
      serverFindings(states).map(({ level, message }) => `${level}: ${message}`);
    assert.deepEqual(levelsOf(one, standby), []);
    assertOne(levelsOf(one, two), /error: one:5432 and two:5432 both accept writes/);
    assertOne(levelsOf(one, away), /warning: three:5432 cannot be reached: timeout expired/);
    assertOne(levelsOf(standby), /error: None of the servers accepts writes/);
  });
});

describe('facts of a machine', () => {
  it('are sound, or say what is wrong', () => {
    assert.equal(nodeFinding('v20.19.0').level, 'ok');
    assert.equal(nodeFinding('v24.0.0').level, 'ok');
    assert.equal(nodeFinding('v20.18.3').level, 'error');
    assert.equal(openFilesFinding(undefined).level, 'ok');
    assert.equal(openFilesFinding(1024).level, 'warning');
  });
});
