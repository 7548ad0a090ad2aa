import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { localSignal, type ManualClock, manualClock, minutes, seconds, silentLog } from '../base/index.ts';
import { heldTransaction, type TestDatabase, testDatabase } from '../testing/index.ts';
import {
  createFollower,
  type FollowedMessage,
  type Follower,
  type Position,
  positionIn,
  positionText,
} from './follow.ts';
import { createEvents } from './index.ts';
import { append } from './outbox.ts';

let test: TestDatabase;
let clock: ManualClock;
let follower: Follower;
const changed = localSignal();
before(async () => {
  test = await testDatabase();
  clock = manualClock();
  follower = createFollower({ db: test.db, clock, changed });
  await test.db`create table counters (name text primary key, value int not null)`;
});
after(() => test.drop());

let stop = new AbortController();
afterEach(() => {
  stop.abort();
  changed.wake();
  stop = new AbortController();
});

const message = (routingKey: string) => ({ exchange: 'exchange/test', routingKey, routes: [], body: {} });
type Tx = Parameters<typeof append>[0];
const write = (tx: Tx, keys: readonly string[]) => append(tx, keys.map(message), clock.now());

/** Commits messages and wakes followers. */
const publish = async (...keys: string[]): Promise<void> => {
  await test.db.transaction((tx) => write(tx, keys));
  changed.wake();
};

/** The given number of messages after a place. */
const take = async (from: Position, count: number): Promise<FollowedMessage[]> => {
  const taken: FollowedMessage[] = [];
  for await (const page of await follower.follow(from, stop.signal)) {
    taken.push(...page);
    if (taken.length >= count) break;
  }
  return taken;
};
const keysOf = (messages: readonly FollowedMessage[]): string[] =>
  messages.map(({ routingKey }) => routingKey);
/** The place after a message, as a client sends it back. */
const placeAfter = (one: FollowedMessage | undefined): Position =>
  positionIn(positionText((one as FollowedMessage).position));

describe('a follower', () => {
  it('gets messages that are committed after its place, and none from before', async () => {
    await publish('before');
    const from = await follower.now();
    const reading = take(from, 3);
    await publish('a', 'b');
    await publish('c');
    assert.deepEqual(keysOf(await reading), ['a', 'b', 'c']);
    assert.deepEqual(keysOf(await take(from, 3)), ['a', 'b', 'c']);
  });

  it('gets a transaction that commits late, although others with higher ids were committed before', async () => {
    const from = await follower.now();
    const held = await heldTransaction(test.db, (tx) => write(tx, ['late']));
    await publish('early');
    const [early] = await take(from, 1);
    assert.equal(early?.routingKey, 'early');
    await publish('middle');
    const two = await take(placeAfter(early), 1);
    assert.deepEqual(keysOf(two), ['middle']);
    await held.end();
    changed.wake();
    assert.deepEqual(keysOf(await take(placeAfter(two[0]), 1)), ['late']);
    // A follower that resumes from before all of it gets each message once.
    assert.deepEqual(keysOf(await take(placeAfter(early), 2)).sort(), ['late', 'middle']);
    assert.deepEqual(keysOf(await take(from, 3)).sort(), ['early', 'late', 'middle']);
  });

  it('gets a late transaction while it is following', async () => {
    const held = await heldTransaction(test.db, (tx) => write(tx, ['late']));
    const messages = await follower.follow(await follower.now(), stop.signal);
    const first = messages.next();
    await publish('early');
    assert.deepEqual(keysOf((await first).value ?? []), ['early']);
    const second = messages.next();
    await held.end();
    changed.wake();
    assert.deepEqual(keysOf((await second).value ?? []), ['late']);
  });

  it('never gets what was rolled back', async () => {
    const from = await follower.now();
    await assert.rejects(
      test.db.transaction(async (tx) => {
        await write(tx, ['never']);
        throw new Error('changed my mind');
      }),
    );
    await publish('kept');
    assert.deepEqual(keysOf(await take(from, 1)), ['kept']);
  });

  it('finds messages within two seconds without a wake-up', async () => {
    const messages = await follower.follow(await follower.now(), stop.signal);
    let isRead = false;
    const reading = messages.next().then((page) => {
      isRead = true;
      return page;
    });
    await test.db.transaction((tx) => write(tx, ['silent']));
    await eventually('the message to be read', async () => {
      clock.advance(seconds(2));
      await test.db`select 1`;
      return isRead;
    });
    assert.deepEqual(keysOf((await reading).value ?? []), ['silent']);
  });

  it('ends when its signal aborts', async () => {
    const messages = await follower.follow(await follower.now(), stop.signal);
    const reading = messages.next();
    stop.abort();
    assert.equal((await reading).done, true);
  });
});

describe('resuming', () => {
  it('in the middle of a step leaves no gap and repeats nothing', async () => {
    const from = await follower.now();
    const keys = Array.from({ length: 1200 }, (_, i) => `m${i}`);
    await publish(...keys);
    await publish('after');
    const all = await take(from, 1201);
    assert.deepEqual(keysOf(all), [...keys, 'after']);
    for (const cut of [0, 1, 498, 499, 500, 501, 998, 999, 1000, 1198, 1199]) {
      const rest = await take(placeAfter(all[cut]), 1200 - cut);
      assert.deepEqual(keysOf(rest), [...keys.slice(cut + 1), 'after'], `after ${cut}`);
    }
  });

  it('from any message gives the same rest, whatever was committed meanwhile', async () => {
    const from = await follower.now();
    const held = await heldTransaction(test.db, (tx) => write(tx, ['h1', 'h2']));
    const first = take(from, 2);
    await publish('a1', 'a2');
    await first;
    await held.end();
    await publish('b1');
    const all = await take(from, 5);
    for (const [i, one] of all.entries()) {
      if (i === all.length - 1) continue;
      const rest = await take(placeAfter(one), all.length - 1 - i);
      assert.deepEqual(keysOf(rest), keysOf(all.slice(i + 1)));
    }
  });

  it('from a text that is not a place is refused', () => {
    const texts = ['', 'x', '1~2~3', '1:1:~1:1:', '1:1:~1:1:~x', '1:1:~1:1:~1;drop', '1:1:2,~1:1:~1'];
    for (const text of texts) assert.throws(() => positionIn(text), { code: 'InputError' }, text);
    const position = { since: '10:20:12,15', until: '11:21:', afterId: 7 };
    assert.deepEqual(positionIn(positionText(position)), position);
  });
});

describe('order', () => {
  it('of the messages of a task is that of its changes, with many writers and a reader that reconnects', async () => {
    const tasks = ['t1', 't2', 't3'];
    const changes = 40;
    const from = await follower.now();
    await test.db`insert into counters (name, value) select unnest(${tasks}::text[]), 0`;
    // A change of a task locks and reads its row, as in the queue.
    const change = (task: string) =>
      test.db.transaction(async (tx) => {
        const [row] = await tx<{ value: number }>`
          update counters set value = value + 1 where name = ${task} returning value`;
        await write(tx, [`${task}.${row?.value}`]);
      });
    const writers = tasks.flatMap((task) =>
      Array.from({ length: 4 }, async () => {
        for (let i = 0; i < changes / 4; i++) {
          await change(task);
          changed.wake();
        }
      }),
    );
    const read: string[] = [];
    let place = from;
    while (read.length < tasks.length * changes) {
      const page = await take(place, 1);
      read.push(...keysOf(page));
      place = placeAfter(page.at(-1));
    }
    await Promise.all(writers);
    for (const task of tasks) {
      const expected = Array.from({ length: changes }, (_, i) => `${task}.${i + 1}`);
      assert.deepEqual(
        read.filter((key) => key.startsWith(`${task}.`)),
        expected,
      );
    }
  });
});

describe('many followers', () => {
  it('each get all messages', async () => {
    const from = await follower.now();
    const readers = Array.from({ length: 60 }, () => take(from, 50));
    for (let i = 0; i < 10; i++) await publish(...Array.from({ length: 5 }, (_, k) => `n${i * 5 + k}`));
    const expected = Array.from({ length: 50 }, (_, i) => `n${i}`);
    for (const messages of await Promise.all(readers)) assert.deepEqual(keysOf(messages), expected);
  });
});

/** The step of the loop that forgets what is older than ten minutes. */
const forgetting = (): ((limit: number) => Promise<number>) => {
  const room = { db: test.db, clock, log: silentLog };
  const { loops } = createEvents({ ...room, changed, retentionSeconds: 600 });
  const loop = loops.find(({ name }) => name === 'forget-messages');
  if (!loop) throw new Error('There is no loop that forgets messages.');
  return loop.step;
};

describe('deleted messages', () => {
  /** A place after all messages, once no earlier transaction is in progress, also in other databases. */
  const placeBehindAll = (): Promise<Position> =>
    eventually('earlier transactions to end', async () => {
      const place = await follower.now();
      const [row] = await test.db<{ isBehind: boolean }>`
        select coalesce(max(xid) < pg_snapshot_xmin(${place.since}::pg_snapshot), true) as is_behind from outbox`;
      return row?.isBehind ? place : undefined;
    });

  it('make only places from before them unusable', async () => {
    const forget = forgetting();
    const before = await follower.now();
    await publish('old');
    await take(before, 1);
    const after = await placeBehindAll();
    clock.advance(minutes(11));
    await publish('new');
    assert.ok((await forget(2000)) > 0);
    await assert.rejects(take(before, 1), { code: 'ResourceExpired' });
    assert.deepEqual(keysOf(await take(after, 1)), ['new']);
    assert.equal(await forget(2000), 0);
  });

  it('are the oldest, at most as many as the limit of the step', async () => {
    const forget = forgetting();
    clock.advance(minutes(11));
    while ((await forget(2000)) > 0);
    await publish('1', '2', '3');
    clock.advance(minutes(11));
    await publish('4');
    assert.deepEqual([await forget(2), await forget(2), await forget(2)], [2, 1, 0]);
    const left = await test.db<{ routingKey: string }>`select routing_key from outbox`;
    assert.deepEqual(left, [{ routingKey: '4' }]);
  });
});
