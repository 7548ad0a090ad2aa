import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ManualClock, manualClock, seconds, silentLog } from '../../base/index.ts';
import type { StoredMessage } from '../store.ts';
import type { Delivery, Session } from './broker.ts';
import { exchangeUnder, Sender } from './sending.ts';

const message = (id: number, routingKey = 'key'): StoredMessage => ({
  id,
  exchange: 'exchange/taskcluster-queue/v1/task-defined',
  routingKey,
  routes: [],
  payload: '{}',
});

/** A broker with the outcome that the test returns for each message; `undefined` for no reply. */
const aSession = (answer: (id: number) => Delivery | undefined) => {
  const sent: string[] = [];
  const abandoned: string[] = [];
  const session: Session & { isFault: boolean; isFull: boolean } = {
    isFault: false,
    isFull: false,
    send: ({ messageId, exchange }) => {
      sent.push(`${messageId} ${exchange}`);
      const delivery = answer(Number(messageId));
      return delivery ? Promise.resolve(delivery) : new Promise(() => {});
    },
    isBlocked: () => session.isFull,
    isFaultOfMessage: () => session.isFault,
    abandon: (reason) => void abandoned.push(reason),
  };
  return { session, sent, abandoned };
};

const aSender = (clock: ManualClock = manualClock(), closing = new AbortController().signal) =>
  new Sender({ clock, log: silentLog, exchangePrefix: 'exchange/mine-', closing });

describe('a page of messages', () => {
  it('is sent in order, with the configured prefix, and finished when all messages are confirmed', async () => {
    const { session, sent } = aSession(() => 'confirmed');
    assert.deepEqual(await aSender().sendPage(session, [message(1), message(2)]), { done: 2, skipped: 0 });
    assert.deepEqual(sent, [
      '1 exchange/mine-queue/v1/task-defined',
      '2 exchange/mine-queue/v1/task-defined',
    ]);
  });

  it('is finished up to the first message that was lost with the connection', async () => {
    const { session, abandoned } = aSession((id) => (id === 2 ? 'lost' : 'confirmed'));
    const sender = aSender();
    const page = [1, 2, 3].map((id) => message(id));
    assert.deepEqual(await sender.sendPage(session, page), { done: 1, skipped: 0 });
    assert.equal(sender.pausedUntil(), undefined);
    assert.deepEqual(abandoned, []);
  });

  it('skips a message that AMQP cannot encode', async () => {
    const { session, sent } = aSession(() => 'confirmed');
    const page = [message(1), message(2, 'é'.repeat(128)), message(3)];
    assert.deepEqual(await aSender().sendPage(session, page), { done: 3, skipped: 1 });
    assert.equal(sent.length, 2);
  });
});

describe('a message that is refused', () => {
  it('is tried again with growing delays, and finally skipped', async () => {
    const clock = manualClock();
    const sender = aSender(clock);
    const { session } = aSession((id) => (id === 2 ? 'refused' : 'confirmed'));
    const page = [1, 2, 3].map((id) => message(id));
    const pauses: number[] = [];
    for (let rest = page; ; ) {
      const { done, skipped } = await sender.sendPage(session, rest);
      if (skipped > 0) {
        assert.deepEqual({ done, skipped }, { done: 2, skipped: 1 });
        break;
      }
      rest = rest.slice(done);
      pauses.push((sender.pausedUntil()?.getTime() ?? 0) - clock.now().getTime());
    }
    assert.deepEqual(pauses, [500, 1000, 2000, 4000]);
    assert.equal(sender.pausedUntil(), undefined);
  });

  it('is found by sending one at a time when the broker closes the connection because of it', async () => {
    const sender = aSender();
    const page = [1, 2, 3].map((id) => message(id));
    const all = aSession(() => 'lost');
    all.session.isFault = true;
    assert.deepEqual(await sender.sendPage(all.session, page), { done: 0, skipped: 0 });
    assert.equal(sender.pageSize(500), 1);
    const good = aSession(() => 'confirmed');
    await sender.sendPage(good.session, [message(1)]);
    assert.equal(sender.pageSize(500), 1);
    const bad = aSession(() => 'lost');
    bad.session.isFault = true;
    const tries = [];
    for (let i = 0; i < 5; i++) tries.push(await sender.sendPage(bad.session, [message(2)]));
    assert.deepEqual(
      tries.map(({ skipped }) => skipped),
      [0, 0, 0, 0, 1],
    );
    await sender.sendPage(good.session, [message(3)]);
    assert.equal(sender.pageSize(500), 500);
  });
});

describe('a broker that confirms nothing', () => {
  const begun = async (clock: ManualClock, isFull: boolean, closing?: AbortSignal) => {
    const { session, abandoned } = aSession((id) => (id === 1 ? 'confirmed' : undefined));
    session.isFull = isFull;
    const sent = aSender(clock, closing).sendPage(session, [message(1), message(2)]);
    return { sent, abandoned };
  };

  it('is given up after twenty seconds', async () => {
    const clock = manualClock();
    const { sent, abandoned } = await begun(clock, false);
    clock.advance(seconds(20));
    assert.deepEqual(await sent, { done: 1, skipped: 0 });
    assert.equal(abandoned.length, 1);
  });

  it('is kept when it is only short of memory: it delivers later what it has received', async () => {
    const clock = manualClock();
    const { sent, abandoned } = await begun(clock, true);
    clock.advance(seconds(20));
    assert.deepEqual(await sent, { done: 1, skipped: 0 });
    assert.deepEqual(abandoned, []);
  });

  it('does not prevent a process from ending', async () => {
    const clock = manualClock();
    const closing = new AbortController();
    const { sent } = await begun(clock, false, closing.signal);
    closing.abort();
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(seconds(5));
    assert.deepEqual(await sent, { done: 1, skipped: 0 });
  });
});

it('only canonical names of exchanges get another prefix', () => {
  assert.equal(exchangeUnder('exchange/a-', 'exchange/taskcluster-auth/v1/x'), 'exchange/a-auth/v1/x');
  assert.equal(exchangeUnder('exchange/a-', 'exchange/other'), 'exchange/other');
});
