import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import {
  connect,
  type Database,
  days,
  hours,
  type Loop,
  localSignal,
  type ManualClock,
  manualClock,
  minutes,
  runLoops,
  seconds,
  silentLog,
  systemClock,
} from '../../base/index.ts';
import { heldTransaction, type TestDatabase, testDatabase } from '../../testing/index.ts';
import { createEvents, type Events, type Message, outbox, type Subscription } from '../index.ts';

let test: TestDatabase;
let clock: ManualClock;
let events: Events;
const changed = localSignal();
before(async () => {
  test = await testDatabase();
  await test.db`create table handled (place int generated always as identity, who text, key text)`;
});
after(() => test.drop());

const eventsOn = (db: Database, time: ManualClock | typeof systemClock = clock): Events =>
  createEvents({
    db,
    clock: time,
    log: silentLog,
    changed,
    retentionSeconds: 3600,
  });

beforeEach(() => {
  clock = manualClock();
  events = eventsOn(test.db);
});
afterEach(async () => {
  await events.close();
  await test.db`delete from subscriptions`;
  await test.db`delete from handled`;
  await test.db`delete from outbox`;
});

const aMessage = (routingKey: string, rest: Partial<Message> = {}): Message => ({
  exchange: 'exchange/a',
  routingKey,
  routes: [],
  body: { key: routingKey },
  ...rest,
});

const publish = (...messages: (string | Message)[]): Promise<void> =>
  test.db.transaction((tx) =>
    outbox.append(
      tx,
      messages.map((message) => (typeof message === 'string' ? aMessage(message) : message)),
      clock.now(),
    ),
  );

/** A subscription that records what it handles. */
const writer = (rest: Partial<Subscription> = {}): Subscription => ({
  name: 'writer',
  bindings: () => everythingOfA,
  handle: (tx, messages) => write(tx, messages, rest.name),
  ...rest,
});
const everythingOfA = [{ exchange: 'exchange/a', routingKeyPattern: '#' }];

const write = async (
  tx: Parameters<Subscription['handle']>[0],
  messages: readonly Message[],
  who = 'writer',
): Promise<void> => {
  for (const { routingKey } of messages) {
    await tx`insert into handled (who, key) values (${who}, ${routingKey})`;
  }
};

const handled = async (who = 'writer'): Promise<string[]> => {
  const rows = await test.db<{ key: string }>`select key from handled where who = ${who} order by place`;
  return rows.map(({ key }) => key);
};

/** Registers a subscription and gives it its place. */
const subscribed = async (subscription: Subscription = writer(), on = events): Promise<Loop> => {
  const loop = on.subscribe(subscription);
  await on.start();
  return loop;
};

/** Steps of a loop until there is nothing left to do at once. */
const drain = async ({ step, limit: limitOfLoop }: Loop, limit = limitOfLoop): Promise<number> => {
  let steps = 1;
  while ((await step(limit)) >= limit) steps++;
  return steps;
};

const stateOf = async (name = 'writer') => {
  const state = (await events.verbs.readSubscriptions()).find((one) => one.name === name);
  assert.ok(state);
  return state;
};

describe('a subscription', () => {
  it('begins at its registration, and gets later messages in order', async () => {
    await publish('before');
    const loop = await subscribed();
    await publish('1', '2');
    await publish('3');
    await drain(loop);
    assert.deepEqual(await handled(), ['1', '2', '3']);
  });

  it('that rests after a failure goes on although the clock was set back', async () => {
    let isBroken = true;
    const handle: Subscription['handle'] = (tx, messages) =>
      isBroken ? Promise.reject(new Error('broken')) : write(tx, messages);
    const loop = await subscribed(writer({ handle }));
    await publish('1');
    await drain(loop);
    isBroken = false;
    await drain(loop);
    assert.deepEqual(await handled(), []);
    clock.advance(-days(1));
    await drain(loop);
    assert.deepEqual(await handled(), ['1']);
  });

  it('continues where it was, in any process', async () => {
    const loop = await subscribed();
    await publish('1');
    await drain(loop);
    await publish('2');
    const later = await subscribed(writer(), eventsOn(test.db));
    await drain(later);
    await drain(loop);
    assert.deepEqual(await handled(), ['1', '2']);
  });

  it('gets what matches its bindings, with the body as an object', async () => {
    const received: Message[] = [];
    const loop = await subscribed(
      writer({
        bindings: () => [
          { exchange: 'exchange/a', routingKeyPattern: 'route.index.#' },
          { exchange: 'exchange/b', routingKeyPattern: 'primary.*' },
        ],
        handle: async (_tx, messages) => void received.push(...messages),
      }),
    );
    const routed = aMessage('primary.1', { routes: ['index.a', 'other'] });
    const keyed = aMessage('primary.2', { exchange: 'exchange/b', body: '{"text":"is parsed"}' });
    await publish(routed, 'primary.no', aMessage('primary.a.b', { exchange: 'exchange/b' }), keyed);
    await publish(aMessage('primary.no', { exchange: 'exchange/c' }));
    await drain(loop);
    assert.deepEqual(received, [routed, { ...keyed, body: { text: 'is parsed' } }]);
  });

  it('reads page by page', async () => {
    const loop = await subscribed();
    await publish('1', '2', '3', '4', '5');
    assert.equal(await drain(loop, 2), 3);
    assert.deepEqual(await handled(), ['1', '2', '3', '4', '5']);
  });

  it('passes unwanted messages once', async () => {
    let transactions = 0;
    let told = 0;
    const db = connect({ url: test.url, onNews: () => told++ });
    const { transaction } = db;
    db.transaction = (run) => {
      transactions++;
      return transaction(run);
    };
    const loop = await subscribed(writer(), eventsOn(db));
    await publish(...Array.from({ length: 20 }, (_, i) => aMessage(`x${i}`, { exchange: 'exchange/x' })));
    assert.notEqual((await stateOf()).oldestAt, null);
    await drain(loop);
    assert.equal((await stateOf()).oldestAt, null);
    assert.equal(transactions, 1);
    // The next step has nothing to do.
    await drain(loop);
    assert.equal(transactions, 1);
    assert.equal(told, 0, 'it wakes nobody');
    await db.close();
  });

  it('misses nothing of a transaction that commits late', async () => {
    const loop = await subscribed();
    const late = await heldTransaction(test.db, (tx) => outbox.append(tx, [aMessage('late')], clock.now()));
    await publish('early');
    await drain(loop);
    await late.end();
    await drain(loop);
    assert.deepEqual(await handled(), ['early', 'late']);
  });

  it('follows bindings that change', async () => {
    let bindings = everythingOfA;
    const loop = await subscribed(writer({ bindings: () => bindings }));
    await publish('1');
    await drain(loop);
    bindings = [];
    await publish('2');
    await drain(loop);
    assert.deepEqual(await handled(), ['1']);
  });
});

describe('handling', () => {
  it('leaves nothing behind when it fails, and gets the same messages again', async () => {
    let failures = 1;
    const loop = await subscribed(
      writer({
        handle: async (tx, messages) => {
          await write(tx, messages);
          if (failures-- > 0) throw new Error('not now');
        },
      }),
    );
    await publish('1', '2');
    await drain(loop);
    assert.deepEqual(await handled(), []);
    // Not before its delay is over.
    await drain(loop);
    assert.deepEqual(await handled(), []);
    clock.advance(seconds(1));
    await drain(loop);
    assert.deepEqual(await handled(), ['1', '2']);
  });

  it('skips a message that fails every time, and no other', async () => {
    const loop = await subscribed(
      writer({
        handle: async (tx, messages) => {
          await write(tx, messages);
          if (messages.some(({ routingKey }) => routingKey === 'bad')) throw new Error('bad');
        },
      }),
    );
    await publish('1', 'bad', '2');
    await publish('3');
    for (let i = 0; i < 10; i++) {
      await drain(loop);
      clock.advance(seconds(30));
    }
    assert.deepEqual(await handled(), ['1', '2', '3']);
    assert.equal((await stateOf()).skipped, 1);
    await publish('4', '5');
    await drain(loop);
    assert.deepEqual(await handled(), ['1', '2', '3', '4', '5']);
  });

  it('skips messages of one bad page only', async () => {
    let pages = 0;
    const loop = await subscribed(
      writer({
        handle: async (tx, messages) => {
          pages++;
          if (messages.every(({ routingKey }) => routingKey === 'bad')) throw new Error('bad');
          await write(tx, messages);
        },
      }),
    );
    await publish('bad', 'bad');
    for (let i = 0; i < 20; i++) {
      await drain(loop);
      clock.advance(seconds(30));
    }
    assert.equal((await stateOf()).skipped, 2);
    // Three times together, five times each.
    assert.equal(pages, 13);
  });

  it('does not count failures of a database that is out of space', async () => {
    let failures = 20;
    const loop = await subscribed(
      writer({
        handle: async (tx, messages) => {
          if (failures-- > 0) throw Object.assign(new Error('disk full'), { code: '53100' });
          await write(tx, messages);
        },
      }),
    );
    await publish('1');
    for (let i = 0; i < 20; i++) await assert.rejects(loop.step(10), /disk full/);
    await drain(loop);
    assert.deepEqual(await handled(), ['1']);
    assert.equal((await stateOf()).skipped, 0);
  });

  it('happens once for each message, in order, with any number of processes', async () => {
    const pools = Array.from({ length: 3 }, () => connect({ url: test.url, onNews: () => changed.wake() }));
    const processes = pools.map((db) => eventsOn(db, systemClock));
    const loops = await Promise.all(processes.map((on) => subscribed(writer(), on)));
    const running = processes.map((on, i) =>
      runLoops([...on.loops.filter(({ name }) => name === 'watch-messages'), loops[i] as Loop], {
        clock: systemClock,
        log: silentLog,
      }),
    );
    const rounds = 40;
    const tasks = ['a', 'b', 'c', 'd'];
    await test.db`create table task_versions (task text primary key, version int not null)`;
    await Promise.all(
      tasks.map(async (task) => {
        for (let i = 1; i <= rounds; i++) {
          await test.db.transaction(async (tx) => {
            await tx`insert into task_versions values (${task}, ${i})
                     on conflict (task) do update set version = excluded.version`;
            await outbox.append(tx, [aMessage(`${task}.${i}`)], systemClock.now());
          });
          changed.wake();
        }
      }),
    );
    await eventually('all messages to be handled', handled, ({ length }) => length >= rounds * tasks.length);
    await Promise.all(running.map((loopsOf) => loopsOf.stop()));
    const keys = await handled();
    for (const task of tasks) {
      assert.deepEqual(
        keys.filter((key) => key.startsWith(`${task}.`)),
        Array.from({ length: rounds }, (_, i) => `${task}.${i + 1}`),
      );
    }
    await Promise.all([...processes.map((on) => on.close()), ...pools.map((pool) => pool.close())]);
  });
});

describe('the watch', () => {
  const watchLoop = (): Loop => {
    const loop = events.loops.find(({ name }) => name === 'watch-messages');
    assert.ok(loop);
    return loop;
  };

  /** Whether each of these loops is woken by one read of new messages. */
  const wokenBy = async (loops: readonly Loop[]): Promise<boolean[]> => {
    const woken = loops.map(() => false);
    const ends = loops.map((loop, i) =>
      loop.wakeBy?.each(() => {
        woken[i] = true;
      }),
    );
    await watchLoop().step(1);
    for (const end of ends) end?.();
    return woken;
  };

  it('wakes the subscriptions that want something new', async () => {
    const bindings = [{ exchange: 'exchange/b', routingKeyPattern: 'primary.#' }];
    const loops = [
      events.subscribe(writer()),
      events.subscribe(writer({ name: 'other', bindings: () => bindings })),
    ];
    await events.start();
    assert.deepEqual(await wokenBy(loops), [true, true], 'the first look knows nothing of what was before');
    assert.deepEqual(await wokenBy(loops), [false, false]);
    await publish('1');
    assert.deepEqual(await wokenBy(loops), [true, false]);
    await publish(aMessage('secondary.1', { exchange: 'exchange/b' }));
    assert.deepEqual(await wokenBy(loops), [false, false]);
    await publish(aMessage('primary.1', { exchange: 'exchange/b' }));
    assert.deepEqual(await wokenBy(loops), [false, true]);
  });

  it('is woken by commits, many at once', async () => {
    let wakes = 0;
    watchLoop().wakeBy?.each(() => wakes++);
    for (let i = 0; i < 10; i++) changed.wake();
    clock.advance(5);
    assert.equal(wakes, 1);
  });

  it('wakes all when there is more than it reads', async () => {
    const loops = [
      events.subscribe(writer()),
      events.subscribe(writer({ name: 'other', bindings: () => [] })),
    ];
    await events.start();
    await wokenBy(loops);
    await publish(...Array.from({ length: 600 }, (_, i) => `${i}`));
    assert.deepEqual(await wokenBy(loops), [true, true]);
  });
});

describe('messages that were not handled', () => {
  const forget = async (): Promise<number> => {
    const loop = events.loops.find(({ name }) => name === 'forget-messages');
    assert.ok(loop);
    return loop.step(100);
  };

  it('are kept past the retention, but no longer than a day', async () => {
    const loop = await subscribed();
    await publish('1');
    clock.advance(hours(2));
    assert.equal(await forget(), 0);
    await drain(loop);
    assert.equal(await forget(), 1);
    await publish('2');
    clock.advance(days(1) + hours(1) + minutes(1));
    assert.equal(await forget(), 1);
    await drain(loop);
    await publish('3');
    await drain(loop);
    assert.deepEqual(await handled(), ['1', '3']);
  });

  it('are handled after the database was restored from a dump, and no others', async () => {
    const loop = await subscribed();
    const other = await subscribed(writer({ name: 'other' }));
    await publish('1');
    await drain(loop);
    await drain(other);
    await publish('2');
    await drain(other);
    // Their ids are from a server with many more transactions.
    await test.db`update outbox set xid = '4000000000' where routing_key = '1'`;
    await test.db`update outbox set xid = '4000000002' where routing_key = '2'`;
    const moveTo = (name: string, place: string) => test.db`
      update subscriptions set since = ${place}::pg_snapshot, until = ${place}::pg_snapshot where name = ${name}`;
    await moveTo('writer', '4000000001:4000000001:');
    await moveTo('other', '4000000003:4000000003:');
    await events.start();
    await publish('3');
    for (let i = 0; i < 2; i++) {
      await drain(loop);
      await drain(other);
    }
    assert.deepEqual(await handled(), ['1', '2', '3']);
    assert.deepEqual(await handled('other'), ['1', '2', '3']);
  });
});
