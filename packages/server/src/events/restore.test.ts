import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { localSignal, manualClock, seconds, silentLog } from '../base/index.ts';
import { type TestDatabase, testDatabase } from '../testing/index.ts';
import { createFollower, type FollowedMessage } from './follow.ts';
import { createEvents } from './index.ts';
import { append } from './outbox.ts';
import { hasUnpublished } from './relay/store.ts';
import { deleteMessages } from './store.ts';

let test: TestDatabase;
before(async () => {
  test = await testDatabase();
});
after(() => test.drop());

const anEvents = () =>
  createEvents({
    db: test.db,
    clock: manualClock(),
    log: silentLog,
    changed: localSignal(),
    retentionSeconds: 60,
  });

const aFollower = () => createFollower({ db: test.db, clock: manualClock(), changed: localSignal() });

const write = (key: string) =>
  test.db.transaction((tx) =>
    append(tx, [{ exchange: 'exchange/test', routingKey: key, routes: [], body: {} }], new Date()),
  );

/** Leaves the database as a dump would bring it here from a server that has seen many more transactions. */
const pretendToBeRestored = async (): Promise<void> => {
  await write('old');
  await test.db`update outbox set xid = '4000000000'`;
  await test.db`update relay set since = '4000000001:4000000001:', until = '4000000001:4000000001:'`;
  await test.db`update outbox_trim set trimmed_xid = '3999999999'`;
};

it('an outbox from another server is read and published from its beginning', async () => {
  await pretendToBeRestored();
  const events = anEvents();
  await events.start();

  assert.equal(await hasUnpublished(test.db), true);
  const follower = aFollower();
  const from = await follower.now();
  await write('new');
  const pages = await follower.follow(from, new AbortController().signal);
  const { value } = await pages.next();
  const keys = (value ?? []).map((message: FollowedMessage) => message.routingKey);
  assert.deepEqual(keys, ['new']);
  await pages.return(undefined);

  const before = await test.db<{
    id: number;
  }>`select id from relay, outbox where since::text = '1:1:' order by id`;
  await events.start();
  assert.deepEqual(
    await test.db<{ id: number }>`select id from relay, outbox where since::text = '1:1:' order by id`,
    before,
  );
});

it('a place in the stream of another server is refused', async () => {
  const place = { since: '4000000001:4000000001:', until: '4000000001:4000000001:', afterId: 0 };
  const pages = aFollower().follow(place, new AbortController().signal);
  await assert.rejects(pages, { code: 'ResourceExpired' });
});

it('old messages are deleted, but never before they are published', async () => {
  const before = new Date(Date.now() + seconds(60));
  const forget = (publishedOnly: boolean) =>
    deleteMessages(test.db, { before, unreadBefore: before, publishedOnly, limit: 100 });
  await test.db`update relay set since = pg_current_snapshot(), until = pg_current_snapshot(), after_id = 0`;
  await write('unpublished');
  assert.equal(await forget(true), 2);
  assert.equal(await forget(true), 0);
  assert.equal(await forget(false), 1);
});
