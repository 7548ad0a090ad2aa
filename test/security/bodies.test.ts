import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { aFullWorld, mutationsIn } from './mutations.ts';
import { type Asked, aSite, type Site } from './site.ts';
import { type Method, methods, pathOf, type World } from './world.ts';

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

const withBody = methods.filter(({ contract }) => contract.input !== undefined);

const askedOf = (method: Method, more: Partial<Asked>): Asked => {
  const { values = {} } = mutationsIn(world)[method.title] ?? {};
  const own = { hookGroupId: 'secure', hookId: 'hook', token: 'A'.repeat(22), ...values };
  const encoded = Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name, encodeURIComponent(value)]),
  );
  return { method: method.contract.method, path: pathOf(method, encoded), as: site.root, ...more };
};

const large = `{"a":"${'x'.repeat(11 * 2 ** 20)}"}`;
const refusals: readonly (readonly [string, Partial<Asked>, RegExp])[] = [
  [
    'is nested 100,000 deep',
    { body: '['.repeat(100_000) + ']'.repeat(100_000) },
    /deep|at most 20000 values|larger than 16 KiB/,
  ],
  [
    'opens a million objects',
    { body: '{"a":'.repeat(1_000_000) },
    /deep|at most 20000 values|larger than (320 KiB|16 KiB)/,
  ],
  ['is no JSON', { body: '{"a":' }, /parse JSON/],
  ['is no UTF-8', { body: Buffer.from('{"a":"\xff\xfe"}', 'latin1') }, /UTF-8/],
  ['is a number', { body: '1' }, /object or array/],
  ['is XML', { body: '<a/>', headers: { 'content-type': 'application/xml' } }, /application\/json/],
  [
    'is a form',
    { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    /application\/json/,
  ],
];

/** Callers of a method that needs no scope are not known: their bound is lower, and one method has a bound of its own. */
const boundOf = ({ title, contract }: Method): string => {
  if (contract.scopes) return '10 MiB';
  return title === 'auth.testAuthenticate' ? '16 KiB' : '320 KiB';
};

describe('every method that takes a body', () => {
  for (const [name, more, reason] of refusals) {
    it(`refuses one that ${name}, and says why`, async () => {
      const earlier = await site.state();
      const wrong: string[] = [];
      for (const method of withBody) {
        const { status, text } = await site.ask(askedOf(method, more));
        if (status < 400 || status >= 500 || !reason.test(text))
          wrong.push(`${method.title}: ${status} ${text.slice(0, 300)}`);
      }
      assert.deepEqual(wrong, []);
      assert.deepEqual(await site.state(), earlier);
    });
  }

  it('refuses one of 11 MB, unless it is made for graphs, and keeps little of it in memory', async () => {
    const earlier = await site.state();
    const before = site.memoryMiB();
    const wrong: string[] = [];
    for (const method of withBody) {
      const { status, text } = await site.ask(askedOf(method, { body: large }));
      const isSaid = text.includes(`larger than ${boundOf(method)}.`);
      const takesGraphs = /TaskGraph$|TaskGroupTasks$/.test(method.title);
      if (takesGraphs ? status !== 400 : status !== 413 || !isSaid)
        wrong.push(`${method.title}: ${status} ${text.slice(0, 300)}`);
    }
    assert.deepEqual(wrong, []);
    assert.ok(site.memoryMiB() - before < 400, `${before} MiB grew to ${site.memoryMiB()} MiB`);
    assert.deepEqual(await site.state(), earlier);
  });

  it('takes names of prototypes for names', async () => {
    const body = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}';
    for (const method of withBody) {
      const { status, text } = await site.ask(askedOf(method, { body }));
      assert.ok(status < 500, `${method.title}: ${status} ${text.slice(0, 300)}`);
    }
    const { text } = await site.ask({ path: '/api/auth/v1/scopes/current', as: site.root });
    assert.deepEqual(JSON.parse(text), { scopes: ['*'] });
    assert.doesNotMatch((await site.ask({ path: '/api/queue/v1/ping' })).text, /polluted/);
  });

  it('does not matter at a path that is not there', async () => {
    for (const body of [Buffer.from([255, 254]), '{', 'x'.repeat(200 * 1024)]) {
      const method = 'POST';
      const { status, body: reply } = await site.ask({ method, path: '/api/queue/v1/nothing', body });
      assert.deepEqual([status, reply.code], [404, 'ResourceNotFound']);
    }
  });
});
