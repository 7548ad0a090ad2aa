import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ManualClock, manualClock, minutes, seconds, silentLog } from '../../base/index.ts';
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
    assert.equal(sender.pauseMs(), 0);
    assert.deepEqual(abandoned, []);
  });

  it('skips a message that AMQP cannot encode', async () => {
    const { session, sent } = aSession(() => 'confirmed');
    const page = [message(1), message(2, 'é'.repeat(128)), message(3)];
    assert.deepEqual(await aSender().sendPage(session, page), { done: 3, skipped: 1 });
    assert.equal(sent.length, 2);
  });
});

/** Sends messages as the relay does, in pages of at most ten; returns the pauses until all are done, and what was skipped. */
const sendAll = async (sender: Sender, session: Session, messages: readonly StoredMessage[]) => {
  const pauses: number[] = [];
  const skippedIds: number[] = [];
  for (let rest = messages; rest.length > 0; ) {
    const { done, skipped } = await sender.sendPage(session, rest.slice(0, sender.pageSize(10)));
    // Each of these tests has at most one message in a page that can be skipped, and it is the last that is done.
    if (skipped > 0) skippedIds.push(rest[done - 1]?.id ?? 0);
    rest = rest.slice(done);
    if (sender.pauseMs() > 0) pauses.push(sender.pauseMs());
  }
  return { pauses, skippedIds };
};

const shortPauses = [500, 1000, 2000, 4000];
const longPauses = [...shortPauses, ...Array.from({ length: 10 }, () => 5000)];

describe('a message that a queue does not take', () => {
  it('is tried again for a minute, alone, while those behind it wait', async () => {
    let refusals = 14;
    const { session, sent } = aSession((id) => (id === 2 && refusals-- > 0 ? 'refused' : 'confirmed'));
    const { pauses, skippedIds } = await sendAll(
      aSender(),
      session,
      [1, 2, 3].map((id) => message(id)),
    );
    assert.deepEqual({ pauses, skippedIds }, { pauses: longPauses, skippedIds: [] });
    const counts = [1, 2, 3].map((id) => sent.filter((each) => each.startsWith(`${id} `)).length);
    assert.deepEqual(counts, [1, 15, 2]);
  });

  it('is given up after that, and the next ones sooner, until the queue takes one again or ten minutes later', async () => {
    const clock = manualClock();
    const sender = aSender(clock);
    let acceptsAfter = Number.POSITIVE_INFINITY;
    const { session } = aSession((id) => (id % 2 === 0 && acceptsAfter-- > 0 ? 'refused' : 'confirmed'));
    const send = (...ids: number[]) =>
      sendAll(
        sender,
        session,
        ids.map((id) => message(id)),
      );
    assert.deepEqual(await send(2), { pauses: longPauses, skippedIds: [2] });
    // What other queues take in between says nothing of this one.
    assert.deepEqual(await send(3, 4), { pauses: shortPauses, skippedIds: [4] });
    clock.advance(minutes(10));
    assert.deepEqual(await send(6), { pauses: longPauses, skippedIds: [6] });
    acceptsAfter = 1;
    assert.deepEqual(await send(8), { pauses: [500], skippedIds: [] });
    acceptsAfter = Number.POSITIVE_INFINITY;
    assert.deepEqual(await send(10), { pauses: longPauses, skippedIds: [10] });
  });
});

describe('a message that is at fault', () => {
  it('is given up soon when the library cannot write it', async () => {
    const { session } = aSession((id) => (id === 1 ? 'unsendable' : 'confirmed'));
    const sending = sendAll(aSender(), session, [message(1), message(2)]);
    assert.deepEqual(await sending, { pauses: shortPauses, skippedIds: [1] });
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
