import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '@taskyard/client';
import fc from 'fast-check';
import { aFullWorld } from './mutations.ts';
import { type Asked, aSite, type Site } from './site.ts';
import { aTask, bodyFor, type Method, methods, pathOf, valuesFor, type World } from './world.ts';

// Requests of one example go out together.
const together = 100;
const numRuns = 200;
const polls = 4;

const oddTexts = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a\0b',
  '\ud800',
  '\ufeff',
  '../..',
  '%',
  'a\nb',
  '*',
  '-1',
  '1.5',
  '1e999',
  '2147483648',
  '99999999999999999999',
  'é💩',
  'x'.repeat(3000),
];
const oddDates = [
  '0000-01-01T00:00:00Z',
  '0000-12-31T23:59:59.999Z',
  '0001-01-01T00:00:00+14:00',
  '-000001-01-01T00:00:00Z',
  '2016-12-31T23:59:60Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-14:00',
  '+010000-01-01T00:00:00Z',
  '275760-09-13T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T24:00:00Z',
  'infinity',
  '1e30',
];
const oddNumbers = [-1, 1.5, 2 ** 31, 2 ** 53, -(2 ** 63), 1e30];

const nested = (depth: number, list: boolean): string =>
  list ? '['.repeat(depth) + ']'.repeat(depth) : `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

const oddText = fc.oneof(
  fc.constantFrom(...oddTexts, ...oddDates),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

/** JSON text of a value that no field expects. */
const oddJson: fc.Arbitrary<string> = fc.oneof(
  oddText.map((text) => JSON.stringify(text)),
  fc.constantFrom(...oddNumbers).map(String),
  fc.constantFrom(
    'null',
    'true',
    '{}',
    '[]',
    '[[]]',
    '{"__proto__":{"a":1}}',
    '"\\u0000"',
    '"\\udc00"',
    '1e999',
  ),
  fc.tuple(fc.constantFrom(10, 499, 501, 7000), fc.boolean()).map(([depth, list]) => nested(depth, list)),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);

const mark = '"a value of another kind"';

/** A body in which one place, chosen by a number, holds something else. */
const spoilt = (body: unknown, at: number, other: string): string => {
  const places: (() => string)[] = [];
  const visit = (value: unknown, put: (part: unknown) => unknown): void => {
    places.push(() => JSON.stringify(put(JSON.parse(mark))).replace(mark, () => other));
    if (typeof value !== 'object' || value === null) return;
    for (const name of Object.keys(value)) {
      const part = (value as Record<string, unknown>)[name];
      visit(part, (next) =>
        put(
          Array.isArray(value)
            ? value.map((old, i) => (String(i) === name ? next : old))
            : { ...value, [name]: next },
        ),
      );
    }
  };
  visit(body, (part) => part);
  return places[at % places.length]?.() ?? other;
};

const bodyOf = (method: Method, world: World): fc.Arbitrary<string | Buffer | undefined> => {
  const [short, full] = [false, true].map((isFull) => bodyFor(method, isFull, world) ?? {}) as [
    unknown,
    unknown,
  ];
  return fc.oneof(
    {
      weight: 12,
      arbitrary: fc
        .tuple(fc.constantFrom(short, full), fc.nat(), oddJson)
        .map(([body, at, other]) => spoilt(body, at, other)),
    },
    { weight: 3, arbitrary: oddJson },
    { weight: 2, arbitrary: fc.constantFrom(short, full).map((body) => `\ufeff${JSON.stringify(body)}`) },
    { weight: 2, arbitrary: fc.constantFrom(undefined, '', '{', '"', '\ufeff', Buffer.from([0xff, 0xfe])) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(20, 20_000, 200_000).map((size) => `{"a":[${'1,'.repeat(size / 2)}1]}`),
    },
  );
};

const tokens = fc.oneof(
  fc
    .array(
      fc.oneof(oddText, fc.constantFrom(...oddNumbers), fc.constantFrom('queue.tasks', 'auth.listClients')),
      {
        maxLength: 4,
      },
    )
    .map((key) => Buffer.from(JSON.stringify(key)).toString('base64url')),
  oddText,
);

const queryOf = ({ contract }: Method): fc.Arbitrary<string> => {
  const known = Object.keys(contract.query ?? {});
  const name = fc.constantFrom(
    ...known,
    'continuationToken',
    'limit',
    '__proto__',
    'constructor',
    'toString',
    'bewit',
  );
  const pair = name.chain((named) =>
    (named === 'continuationToken' ? tokens : oddText).map((value) => `${named}=${encoded(value)}`),
  );
  return fc.array(pair, { maxLength: 3 }).map((pairs) => (pairs.length > 0 ? `?${pairs.join('&')}` : ''));
};

/** Percent-encoded; what cannot be is sent as broken bytes. */
const encoded = (text: string): string => {
  try {
    return encodeURIComponent(text);
  } catch {
    return '%ed%a0%80';
  }
};

const headers = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.constant({ 'accept-encoding': 'gzip, br;q=0' }) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('text/plain', 'application/json;charset=latin1', '', ';;;/', 'application/jsonp')
      .map((type) => ({ 'content-type': type })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(1000, 15_000, 200_000).map((size) => ({ 'x-long': 'x'.repeat(size) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('Hawk', 'Hawk id="a"', 'Bearer x', `Hawk ext="${'A'.repeat(100_000)}"`)
      .map((authorization) => ({ authorization })),
  },
);

// What waits with sound credentials waits for long: the open polls of this test do that.
const isQuick = ({ contract }: Method): boolean => !contract.waits;

describe('20,000 requests that no client should send', () => {
  let site: Site;
  let world: World;
  const endings: (() => Promise<void>)[] = [];

  before(async () => {
    site = await aSite({ after: (end) => endings.push(end) });
    world = await aFullWorld(site);
  });
  after(async () => {
    for (const end of endings) await end();
  });

  const oddValues = (method: Method): fc.Arbitrary<Record<string, string>> => {
    const sound = valuesFor(method, world);
    const names = Object.keys(sound);
    if (names.length === 0) return fc.constant(sound);
    return fc.oneof(
      { weight: 2, arbitrary: fc.constant(sound) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.constantFrom(...names), oddText)
          .map(([name, text]) => ({ ...sound, [name]: encoded(text) })),
      },
    );
  };

  const request = fc.constantFrom(...methods).chain((method) =>
    fc
      .tuple(
        oddValues(method),
        queryOf(method),
        bodyOf(method, world),
        headers,
        fc.constantFrom(true, true, false),
      )
      .map(([values, query, body, more, signs]): Asked => {
        const { method: verb } = method.contract;
        return {
          method: verb,
          path: pathOf(method, values) + query,
          headers: more,
          ...(signs && isQuick(method) ? { as: site.root } : {}),
          ...(verb === 'GET' ? {} : { body }),
        };
      }),
  );

  /** A connection that is cut counts as the worst answer. */
  const askOrTell = (request: Asked) =>
    site.ask(request).catch((error: Error) => ({ status: Number.POSITIVE_INFINITY, text: String(error) }));

  /** Asks for work until there is some. */
  const poll = async (taskQueueId: string): Promise<unknown> => {
    const path = `/api/queue/v1/claim-work/${encodeURIComponent(taskQueueId)}`;
    const worker = { workerGroup: 'fuzz', workerId: 'one', tasks: 1 };
    for (;;) {
      const { body, status, text } = await site.ask({ method: 'POST', path, as: site.root, body: worker });
      assert.equal(status, 200, text);
      const [claim] = body.tasks as unknown[];
      if (claim) return claim;
    }
  };

  it('none is a fault of the server, and its batches and open polls outlive them', async () => {
    const queues = Array.from({ length: polls }, (_, i) => `fuzz/poll-${i}`);
    const polling = queues.map(poll);
    const stuck = Promise.all(polling);
    stuck.catch(() => {});
    let asked = 0;
    const sets = fc.array(request, { minLength: together, maxLength: together });
    await fc.assert(
      fc.asyncProperty(sets, async (requests) => {
        const answers = await Promise.all(requests.map(askOrTell));
        asked += answers.length;
        for (const [i, { status, text }] of answers.entries()) {
          const what = JSON.stringify(requests[i]).slice(0, 2000);
          assert.ok(status < 500, `${status} to ${what}: ${text.slice(0, 500)}`);
        }
      }),
      { numRuns, endOnFailure: true, reporter: inShort },
    );
    assert.equal(asked, together * numRuns);
    for (const taskQueueId of queues)
      await site.prepare('PUT', `/api/queue/v1/task/${slugid()}`, aTask({ taskQueueId }));
    assert.equal((await stuck).length, polls);
    assert.doesNotMatch(site.log(), /fault of the server/);
    assert.equal((await site.ask({ path: '/api/auth/v1/scopes/current', as: site.root })).status, 200);
  });
});

/** Requests may be very long: the seed makes them again. */
const inShort = ({
  failed,
  seed,
  errorInstance,
}: {
  failed: boolean;
  seed: number;
  errorInstance?: unknown;
}): void => {
  if (failed) throw new Error(`seed ${seed}: ${String(errorInstance).slice(0, 3000)}`);
};
