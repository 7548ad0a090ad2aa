import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, beforeEach, describe, it } from 'node:test';
import { within } from '@taskyard/patience';
import { type FastifyInstance, fastify } from 'fastify';
import { localSignal, manualClock, RequestError, seconds, silentLog, systemClock } from '../base/index.ts';
import { type Caller, type Reply, serve } from '../http/index.ts';
import { type TestDatabase, testDatabase } from '../testing/index.ts';
import type { FollowedMessage, Follower } from './follow.ts';
import { createEvents, type Events, eventsDeclaration, outbox } from './index.ts';
import type { Message } from './message.ts';
import { openStream, parseBindings } from './stream.ts';

let test: TestDatabase;
let server: FastifyInstance;
let url: string;
const changed = localSignal();
let events: Events;

// Scopes are tested on a higher floor. Here a header says whether the caller is allowed.
const callerOf = (header: unknown): Caller => ({
  clientId: 'tester',
  isAnonymous: false,
  scopes: [],
  expires: systemClock.now(),
  satisfies: () => header !== 'nothing',
});

before(async () => {
  test = await testDatabase();
  const room = { db: test.db, clock: systemClock, log: silentLog };
  events = createEvents({ ...room, changed, retentionSeconds: 3600 });
  server = fastify({ forceCloseConnections: true });
  const deps = {
    ...room,
    process: {
      uptimeSeconds: () => 1,
      version: 'test',
      reachDatabase: async () => {},
      isLeaving: () => false,
    },
    authenticate: async ({ headers }: { headers: Record<string, unknown> }) => callerOf(headers.may),
    fillScopes: (template: unknown) => String(template),
  };
  serve(server, deps, { declarations: [eventsDeclaration], services: { events: events.verbs } });
  await server.listen({ port: 0, host: '127.0.0.1' });
  url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/api/events/v1/stream`;
});
after(async () => {
  await events.drain();
  changed.wake();
  await server.close();
  await test.drop();
});

const publish = async (...messages: Partial<Message>[]): Promise<void> => {
  const whole = messages.map((message) => ({
    exchange: 'exchange/a',
    routingKey: 'primary.x',
    routes: [],
    body: {},
    ...message,
  }));
  await test.db.transaction((tx) => outbox.append(tx, whole, systemClock.now()));
  changed.wake();
};

interface Event {
  readonly id: string;
  readonly event: string | undefined;
  readonly data: Record<string, unknown>;
}

const parse = (block: string): Event => {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return { id: fields.id ?? '', event: fields.event, data: JSON.parse(fields.data ?? '{}') };
};

/** A reader of the stream: returns the events one by one as they arrive. */
const open = async (query = '', headers: Record<string, string> = {}) => {
  const leave = new AbortController();
  const reply = await fetch(url + query, { headers, signal: leave.signal });
  const body = (reply.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream());
  const reader = body.getReader();
  let text = '';
  const next = async (): Promise<Event> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end >= 0) {
        const block = text.slice(0, end);
        text = text.slice(end + 2);
        if (block.startsWith(':')) continue;
        return parse(block);
      }
      const { done, value } = await within('the next event', reader.read());
      if (done) throw new Error('The stream has ended.');
      text += value;
    }
  };
  return {
    reply,
    next,
    take: async (count: number): Promise<Event[]> => {
      const events: Event[] = [];
      while (events.length < count) events.push(await next());
      return events;
    },
    leave: async () => {
      await reader.cancel().catch(() => {});
      leave.abort();
    },
  };
};

const bindings = (...given: { exchange: string; routingKeyPattern: string }[]): string =>
  `?bindings=${encodeURIComponent(JSON.stringify(given))}`;
const keysOf = (events: readonly Event[]): unknown[] => events.map(({ data }) => data.routingKey);

describe('the stream of events', () => {
  it('begins with its place and continues with what is committed', async () => {
    const stream = await open();
    assert.equal(stream.reply.status, 200);
    assert.match(stream.reply.headers.get('content-type') ?? '', /^text\/event-stream/);
    const position = await stream.next();
    assert.equal(position.event, 'position');
    await publish({ routingKey: 'primary.one', routes: ['a.b'], body: { quoted: 'a "b"\n' } });
    const { data, event } = await stream.next();
    assert.equal(event, undefined);
    assert.deepEqual(data, {
      exchange: 'exchange/a',
      routingKey: 'primary.one',
      routes: ['a.b'],
      payload: { quoted: 'a "b"\n' },
    });
    await stream.leave();
    // Resuming from the first place works as from an event: no later message is missing.
    const again = await open('', { 'last-event-id': position.id });
    const events = await again.take(2);
    assert.deepEqual(keysOf(events), [undefined, 'primary.one']);
    await again.leave();
  });

  it('sends the exchanges, keys and routes that the bindings ask for', async () => {
    const stream = await open(
      bindings(
        { exchange: 'exchange/a', routingKeyPattern: 'primary.*.wanted' },
        { exchange: 'exchange/b', routingKeyPattern: 'route.index.#' },
        { exchange: '#', routingKeyPattern: 'primary.everywhere' },
      ),
    );
    await stream.next();
    await publish(
      { routingKey: 'primary.1.wanted' },
      { routingKey: 'primary.1.2.wanted' },
      { routingKey: 'primary.2.wanted', exchange: 'exchange/b' },
      { routingKey: 'primary.3', exchange: 'exchange/b', routes: ['other', 'index.a.b'] },
      { routingKey: 'primary.4', exchange: 'exchange/a', routes: ['index.a.b'] },
      { routingKey: 'primary.everywhere', exchange: 'exchange/c' },
      { routingKey: 'primary.last.wanted' },
    );
    const expected = ['primary.1.wanted', 'primary.3', 'primary.everywhere', 'primary.last.wanted'];
    assert.deepEqual(keysOf(await stream.take(4)), expected);
    await stream.leave();
  });

  it('continues after the last event that was read, in the middle of a step and of a page', async () => {
    const first = await open();
    await first.next();
    const keys = Array.from({ length: 700 }, (_, i) => `primary.${i}`);
    await publish(...keys.map((routingKey) => ({ routingKey })));
    const events = await first.take(700);
    await first.leave();
    for (const cut of [0, 350, 499, 500, 698]) {
      const resumed = await open('', { 'last-event-id': events[cut]?.id ?? '' });
      const rest = await resumed.take(700 - cut);
      assert.deepEqual(keysOf(rest.slice(1)), keys.slice(cut + 1));
      await resumed.leave();
    }
  });

  it('sends the same to many readers', async () => {
    const streams = await Promise.all(Array.from({ length: 30 }, () => open()));
    await Promise.all(streams.map((stream) => stream.next()));
    const keys = Array.from({ length: 20 }, (_, i) => `primary.many.${i}`);
    for (const routingKey of keys) await publish({ routingKey });
    for (const stream of streams) {
      assert.deepEqual(keysOf(await stream.take(20)), keys);
      await stream.leave();
    }
  });

  it('refuses bad requests before it begins', async () => {
    const cases: [string, Record<string, string>, number, string][] = [
      ['', { 'last-event-id': 'yesterday' }, 400, 'InputError'],
      ['?bindings=x', {}, 400, 'InvalidRequestArguments'],
      ['?bindings=[1', {}, 400, 'InputError'],
      ['?bindings=[]', {}, 400, 'InputError'],
      [`?bindings=${encodeURIComponent('[{"exchange":"a"}]')}`, {}, 400, 'InputError'],
      ['', { may: 'nothing' }, 403, 'InsufficientScopes'],
    ];
    for (const [query, headers, status, code] of cases) {
      const reply = await fetch(url + query, { headers });
      const body = (await reply.json()) as { code: string };
      assert.deepEqual([reply.status, body.code], [status, code], query);
    }
  });

  it('replies 410 to a reader whose missed messages have been deleted', async () => {
    const stream = await open();
    const { id } = await stream.next();
    await publish({ routingKey: 'primary.forgotten' });
    const { id: last } = (await stream.take(1))[0] as Event;
    await stream.leave();
    await test.db`update outbox_trim set trimmed_xid = (select max(xid) from outbox)`;
    const reply = await fetch(url, { headers: { 'last-event-id': id } });
    assert.deepEqual(
      [reply.status, ((await reply.json()) as { code: string }).code],
      [410, 'ResourceExpired'],
    );
    // A transaction in progress in another test makes a fresh place look older than the deleted messages.
    await test.db`update outbox_trim set trimmed_xid = '0'`;
    await publish({ routingKey: 'primary.kept' });
    const fresh = await open();
    assert.equal((await fresh.next()).event, 'position');
    await fresh.leave();
    assert.ok(last);
  });
});

// --- the stream alone, with a follower of the test ---

const position = { since: '1:1:', until: '1:1:', afterId: 0 };
const aMessage = (id: number, text: string): FollowedMessage => ({
  id,
  exchange: 'exchange/a',
  routingKey: 'primary.x',
  routes: [],
  payload: JSON.stringify({ text }),
  position: { ...position, afterId: id },
});

/** A follower that refuses no place, with these pages. */
const followerOf = (pages: (stop: AbortSignal) => AsyncGenerator<FollowedMessage[]>): Follower => ({
  now: async () => position,
  follow: async (_, stop) => pages(stop),
});

/** A follower with endless pages, which counts how many were fetched. */
const endless = (bytes: number, stopsBySignal = true) => {
  const state = { pages: 0 };
  const follower = followerOf(async function* (stop) {
    while (!(stopsBySignal && stop.aborted)) {
      state.pages++;
      yield [aMessage(state.pages, 'x'.repeat(bytes))];
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  return { follower, state };
};

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a stream', () => {
  let end: AbortController;
  let gone: AbortController;
  beforeEach(() => {
    end = new AbortController();
    gone = new AbortController();
  });
  const openWith = async (follower: Follower, clock = manualClock()): Promise<Readable> => {
    const reply = await openStream(
      { follower, clock, closing: end.signal },
      { clientId: 'tester', bindings: parseBindings(undefined), lastEventId: undefined, gone: gone.signal },
    );
    assert.ok((reply as Reply).body instanceof Readable);
    return reply.body as Readable;
  };

  it('fetches nothing while its reader is slow, and continues when it reads', async () => {
    const { follower, state } = endless(10_000);
    const body = await openWith(follower);
    await turns(200);
    const held = state.pages;
    assert.ok(held < 20, `${held} pages are held for a reader that reads nothing`);
    await turns(200);
    assert.equal(state.pages, held);
    let read = 0;
    for await (const chunk of body) {
      read += (chunk as Buffer).length;
      if (read > 1_000_000) break;
    }
    assert.ok(state.pages > held + 50);
    end.abort();
  });

  it('ends with the process although messages keep coming', async () => {
    const { follower } = endless(100, false);
    const body = await openWith(follower);
    const failures: unknown[] = [];
    body.on('error', (error) => failures.push(error));
    let chunks = 0;
    body.on('data', () => {
      if (++chunks === 10) end.abort();
    });
    await new Promise((resolve) => body.once('close', resolve));
    await turns(50);
    assert.deepEqual(failures, []);
  });

  it('ends without an error when the process ends while the reader is slow', async () => {
    const { follower } = endless(100_000, false);
    const body = await openWith(follower);
    await turns(20);
    end.abort();
    await turns(20);
    let read = 0;
    for await (const chunk of body) read += (chunk as Buffer).length;
    assert.ok(read > 100_000);
  });

  it('ends when its reader disconnects, also while it is slow', async () => {
    const { follower, state } = endless(100_000);
    const body = await openWith(follower);
    await turns(20);
    body.destroy();
    gone.abort();
    await turns(20);
    const { pages } = state;
    await turns(50);
    assert.equal(state.pages, pages);
  });

  it('is refused as a whole when its place is, however long the answer takes', async () => {
    const clock = manualClock();
    const refusal = new RequestError('ResourceExpired', 'deleted');
    const follower: Follower = {
      now: async () => position,
      follow: async () => {
        clock.advance(seconds(60));
        await turns(20);
        throw refusal;
      },
    };
    await assert.rejects(openWith(follower, clock), refusal);
  });

  it('breaks off when messages can no longer be read', async () => {
    const follower = followerOf(async function* () {
      yield [aMessage(1, 'a')];
      throw new Error('The database has gone.');
    });
    const body = await openWith(follower);
    await assert.rejects(async () => {
      for await (const _ of body);
    }, /database has gone/);
  });

  it('sends its place from time to time when there are no messages', async () => {
    const clock = manualClock();
    const follower = followerOf(async function* (stop) {
      yield [aMessage(1, 'a')];
      await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
    });
    const body = await openWith(follower, clock);
    const chunks: string[] = [];
    body.on('data', (chunk) => chunks.push(String(chunk)));
    await turns(5);
    clock.advance(seconds(25));
    await turns(5);
    const places = chunks.join('').match(/^id: .*$/gm);
    assert.deepEqual(places, ['id: 1:1:~1:1:~0', 'id: 1:1:~1:1:~1', 'id: 1:1:~1:1:~1']);
    end.abort();
    await new Promise((resolve) => body.once('close', resolve));
  });
});
