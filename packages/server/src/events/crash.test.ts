import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, afterEach, before, it } from 'node:test';
import { databasesFolder, eventually, within } from '@taskyard/patience';
import pg from 'pg';
import {
  connect,
  type Database,
  type EmbeddedPostgres,
  localSignal,
  migrate,
  readMigrations,
  silentLog,
  startEmbeddedPostgres,
  systemClock,
} from '../base/index.ts';
import { createFollower, type FollowedMessage, type Position, positionIn, positionText } from './follow.ts';
import { createEvents, type Events, outbox } from './index.ts';

// Uncommitted data stays in memory until some commit, so the crash certainly loses it.
const settings = { wal_writer_delay: '10s' };
const start = () => startEmbeddedPostgres({ dataDir, log: silentLog, settings });
let dataDir: string;
let postgres: EmbeddedPostgres;
let db: Database;
before(async () => {
  dataDir = await mkdtemp(join(databasesFolder(), 'taskyard-test-'));
  postgres = await start();
  await migrate(postgres.url);
  db = connect({ url: postgres.url });
});
after(async () => {
  await db.close();
  await postgres.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  stop = new AbortController();
});

/** Uses up ids of transactions that write nothing: after a crash PostgreSQL knows nothing of them. */
const wasteIds = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) {
    const changedMind = db.transaction(async (tx) => {
      await tx`select pg_current_xact_id()::text`;
      throw new Error('changed my mind');
    });
    await assert.rejects(changedMind, /changed my mind/);
  }
};

const killAndRestart = async (): Promise<void> => {
  process.kill(postgres.pid, 'SIGKILL');
  postgres = await start();
  await eventually('connections to the new server', () =>
    db`select 1`.then(
      () => true,
      () => false,
    ),
  );
};

const write = (routingKey: string) =>
  db.transaction((tx) =>
    outbox.append(tx, [{ exchange: 'exchange/test', routingKey, routes: [], body: {} }], new Date()),
  );

const anEvents = (): Events =>
  createEvents({
    db,
    clock: systemClock,
    log: silentLog,
    changed: localSignal(),
    retentionSeconds: 3600,
  });

const aFollower = () => createFollower({ db, clock: systemClock, changed: localSignal() });

/** The first message after a place. */
const firstAfter = async (from: Position): Promise<string | undefined> => {
  const pages = await aFollower().follow(from, stop.signal);
  const page = await within('a message after that place', pages.next());
  await pages.return(undefined);
  return (page.value as FollowedMessage[] | undefined)?.[0]?.routingKey;
};

/** Runs it again, as at the start of the first version that contained it. */
const runMigration = async (name: string): Promise<void> => {
  const migration = (await readMigrations()).find((one) => one.name === name);
  const client = new pg.Client({ connectionString: postgres.url });
  await client.connect();
  try {
    await client.query(migration?.sql ?? 'no such migration');
  } finally {
    await client.end();
  }
};

it('a reader misses no message when PostgreSQL is killed and reuses transaction ids', async () => {
  const events = anEvents();
  const bindings = [{ exchange: 'exchange/test', routingKeyPattern: '#' }];
  const { wakeBy } = events.subscribe({ name: 'test', bindings: () => bindings, handle: async () => {} });
  let wakeUps = 0;
  wakeBy?.each(() => wakeUps++);
  await events.start();
  const look = () => events.loops.find(({ name }) => name === 'watch-messages')?.step(1);
  for (const round of ['1', '2', '3', '4', '5']) {
    await write(`before ${round}`);
    await wasteIds();
    const place = positionIn(positionText(await aFollower().now()));
    await look();
    await killAndRestart();

    wakeUps = 0;
    await write(`after ${round}`);
    await look();
    assert.equal(wakeUps, 1, `a subscription is woken after crash ${round}`);
    assert.equal(await firstAfter(place), `after ${round}`);
  }
});

it('places of an earlier version are corrected by the migration, and those of clients when they are used', async () => {
  const events = anEvents();
  events.subscribe({ name: 'test', bindings: () => [], handle: async () => {} });
  await events.start();
  await write('seen');
  await wasteIds();
  const [now] = await db<{ snapshot: string }>`select pg_current_snapshot()::text as snapshot`;
  const snapshot = now?.snapshot as string;
  await db`update subscriptions set since = ${snapshot}::pg_snapshot, until = ${snapshot}::pg_snapshot`;
  await db`update relay set since = ${snapshot}::pg_snapshot, until = ${snapshot}::pg_snapshot`;
  await runMigration('places_end_at_messages');
  const safe = (await aFollower().now()).since;
  assert.notEqual(safe, snapshot);
  assert.deepEqual(
    await db`select since::text, until::text from relay union all select since::text, until::text from subscriptions`,
    [
      { since: safe, until: safe },
      { since: safe, until: safe },
    ],
  );

  await write('next');
  const place = positionIn(`${snapshot}~${snapshot}~0`);
  assert.equal(await firstAfter(place), 'next');
});
