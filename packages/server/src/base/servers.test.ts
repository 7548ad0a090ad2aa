import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as toServer } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it, type TestContext } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { type Replicas, startReplicas } from '../testing/index.ts';
import { connect, type Database } from './database.ts';
import { BrokenTransaction, isUnavailable } from './database-errors.ts';
import { migrate } from './migrations.ts';

let replicas: Replicas;
const opened: Database[] = [];

/** A pool of our own, closed after the test. */
const open = (
  url: string,
  more: { silenceMaxMs?: number; onError?: (error: Error) => void } = {},
): Database => {
  const db = connect({ url, ...more });
  opened.push(db);
  return db;
};

const closeAll = async (): Promise<void> => {
  await Promise.all(opened.splice(0).map((db) => db.close()));
};
const start = async (): Promise<void> => {
  replicas = await startReplicas();
};
const stop = async (): Promise<void> => {
  await closeAll();
  await replicas.close();
};

/** Makes the standby the primary. */
const promote = async (): Promise<void> => {
  const db = open(replicas.standby.url);
  await db`select pg_promote(true, 60)`;
};

const add = (db: Database, id: number): Promise<number> =>
  db.transaction(async (tx) => {
    await tx`insert into things (id) values (${id})`;
    return id;
  });

/** Repeats an addition until it is acknowledged, as a caller does. */
const insist = (db: Database, id: number): Promise<unknown> =>
  eventually(`thing ${id} to be added`, () =>
    db
      .transaction((tx) => tx`insert into things (id) values (${id}) on conflict do nothing returning id`)
      .then(
        () => true,
        (error) => {
          if (!isUnavailable(error)) throw error;
          return undefined;
        },
      ),
  );

const idsIn = async (db: Database): Promise<number[]> =>
  (await db<{ id: number }>`select id from things order by id`).map(({ id }) => id);

describe('several servers', () => {
  beforeEach(start);
  afterEach(stop);

  it('are searched for the one that accepts writes, and again when it is killed', async () => {
    await migrate(replicas.url);
    const troubles: string[] = [];
    const db = open(replicas.url, { onError: (error) => void troubles.push(error.message) });
    await db`create table things (id int primary key)`;
    let hear = (_: string): void => {};
    await db.listen('news', (payload) => hear(payload));
    const heard = (wanted: string) =>
      within(
        `the notification "${wanted}"`,
        new Promise<void>((resolve) => {
          hear = (payload) => void (payload === wanted && resolve());
        }),
      );
    await add(db, 1);
    replicas.primary.kill();
    // Until another one is promoted there is none.
    const { error } = await eventually('a failure', () =>
      add(db, 2).then(
        () => undefined,
        (error) => ({ error }),
      ),
    );
    assert.ok(isUnavailable(error), String(error));
    const told = heard('');
    await promote();
    await insist(db, 2);
    await told;
    const news = heard('two');
    await db`select pg_notify('news', 'two')`;
    await news;
    assert.deepEqual(await idsIn(db), [1, 2]);
    const { host } = new URL(replicas.standby.url);
    assert.ok(
      troubles.some((trouble) => trouble.includes(`${host} has taken over`)),
      troubles.join('\n'),
    );
  });

  it('leave a primary that is silent when another has taken over, and do not return to it', async () => {
    const db = open(replicas.url);
    await db`create table things (id int primary key)`;
    await add(db, 1);
    await replicas.primary.pause();
    const waiting = assert.rejects(add(db, 2), BrokenTransaction);
    await promote();
    await within('the silent server to be left', waiting);
    await insist(db, 2);
    await replicas.primary.resume();
    // It still takes itself for the primary, but what it has is out of date.
    const former = open(replicas.primary.url);
    assert.deepEqual(await former`select pg_is_in_recovery() as standby`, [{ standby: false }]);
    assert.deepEqual(await idsIn(open(replicas.primaryFirstUrl)), [1, 2]);
    assert.deepEqual(await idsIn(db), [1, 2]);
  });
});

/** Passes connections to one server, and later ones to another, as an address does that moves with the primary. */
const anAddress = async (t: TestContext, target: string) => {
  const sockets: Socket[] = [];
  const address = { target };
  const server = createServer((client) => {
    const { port, hostname } = new URL(address.target);
    const upstream = toServer(Number(port), hostname);
    sockets.push(client, upstream);
    client
      .on('error', () => {})
      .pipe(upstream.on('error', () => {}))
      .pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return Object.assign(address, { url: url.href });
};

describe('one server', () => {
  before(async () => {
    await start();
    await open(replicas.primary.url)`create table things (id int primary key)`;
  });
  afterEach(closeAll);
  after(stop);

  it('whose address led to a standby is asked again, and reaches the primary', async (t) => {
    const address = await anAddress(t, replicas.standby.url);
    const db = open(address.url);
    await eventually('the standby to have the table', () =>
      db`select to_regclass('things') as name`.then(([row]) => (row as { name: unknown }).name),
    );
    await assert.rejects(add(db, 1), (error) => {
      assert.ok(isUnavailable(error), String(error));
      return error instanceof BrokenTransaction && error.effect === 'none';
    });
    await assert.rejects(
      open(`${address.url}?target_session_attrs=primary`)`select 1`,
      /is a standby, or read-only/,
    );
    address.target = replicas.primary.url;
    // No connection is left that leads to the standby.
    assert.equal(await add(db, 1), 1);
  });

  const commits: Readonly<Record<string, (db: Database) => Promise<unknown>>> = {
    'a transaction': (db) => add(db, 2),
    // It commits without being told to.
    'a lone statement': (db) => db`insert into things (id) values (3)`,
  };
  for (const [what, commit] of Object.entries(commits)) {
    it(`does not report ${what} as a success whose wait for the synchronous standby was canceled`, async () => {
      const db = open(replicas.primary.url);
      await replicas.standby.pause();
      // Before the cancel, after which it may come at once.
      const refused = assert.rejects(commit(db), (error) => {
        assert.match(String((error as Error).cause ?? error), /synchronous standby/);
        return isUnavailable(error) && (!(error instanceof BrokenTransaction) || error.effect === 'unknown');
      });
      const observer = open(replicas.primary.url);
      await eventually('the commit to wait', () =>
        observer`
          select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' and application_name = 'taskyard'`.then(
          (rows) => rows.length > 0,
        ),
      );
      await refused;
      await replicas.standby.resume();
    });
  }

  it('that does not answer is noticed by a connection that listens', async () => {
    const lost: string[] = [];
    const db = open(replicas.primary.url, {
      silenceMaxMs: 1000,
      onError: ({ message }) => void lost.push(message),
    });
    await db.listen('news', () => {});
    await replicas.primary.pause();
    await eventually('the loss to be noticed', () => lost.some((each) => /does not answer/.test(each)));
    await replicas.primary.resume();
  });
});
