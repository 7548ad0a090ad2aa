import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Keys } from './hawk.ts';
import { aFullWorld, type Mutation, mutationsIn, openMutations } from './mutations.ts';
import { type Answer, aSite, type Site } from './site.ts';
import { aClientOf, allBut, type Method, methods, pathOf, type World } from './world.ts';

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

const mutations = methods.filter(({ contract }) => contract.method !== 'GET');
const scoped = mutations.filter(({ contract }) => contract.scopes !== undefined);

const aClient = (scopes: readonly string[]): Promise<Keys> => aClientOf(site, scopes);

const call = (method: Method, { values = {}, body }: Mutation, as?: Keys): Promise<Answer> => {
  const encoded = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, encodeURIComponent(value)]),
  );
  const path = pathOf(method, encoded);
  return site.ask({ method: method.contract.method, path, body, ...(as ? { as } : {}) });
};

const listOf = (need: string | readonly string[]): readonly string[] =>
  typeof need === 'string' ? [need] : need;

/** Does a refusal name this scope? Where no body would help, with parameters for what only a body tells. */
const isNamed = (scope: string, text: string): boolean =>
  [...text.matchAll(/ {2}\* (.*?)\\n/g)].some(([, named = '']) => {
    const parts = named.split(/<\w+>/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`).test(scope);
  });

describe('each method that changes something', () => {
  it('has a case here', () => {
    const known = Object.keys(mutationsIn(world));
    assert.deepEqual(
      scoped.map(({ title }) => title).filter((title) => !known.includes(title)),
      [],
    );
    const open = mutations.filter(({ contract }) => contract.scopes === undefined);
    assert.deepEqual(open.map(({ title }) => title).sort(), Object.keys(openMutations).sort());
  });

  it('is refused to a caller who lacks one of its scopes, with the name of that scope, and changes nothing', async () => {
    const cases = mutationsIn(world);
    const lacking = scoped.flatMap((method) => {
      const mutation = cases[method.title] as Mutation;
      return mutation.needs.map((need) => ({ method, mutation, missing: listOf(need) }));
    });
    const callers: Keys[] = [];
    for (const { mutation, missing } of lacking) {
      const others = mutation.needs.map(listOf).filter((need) => need.join() !== missing.join());
      callers.push(await aClient([...allBut(missing), ...others.flat()]));
    }
    const earlier = await site.state();
    const wrong: string[] = [];
    for (const [i, { method, mutation, missing }] of lacking.entries()) {
      const { status, text } = await call(method, mutation, callers[i]);
      if (status !== 403 || !missing.every((scope) => isNamed(scope, text)))
        wrong.push(`${method.title} without ${missing.join(', ')}: ${status} ${text.slice(0, 500)}`);
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await site.state(), earlier);
    assert.ok(lacking.length > scoped.length, `${lacking.length} cases`);
  });

  it('is refused to anonymous callers and to a narrowed root, and changes nothing', async () => {
    const cases = mutationsIn(world);
    const earlier = await site.state();
    const wrong: string[] = [];
    const narrowed = { ...site.root, authorizedScopes: ['held:*'] };
    for (const method of scoped) {
      for (const as of [undefined, narrowed]) {
        const { status, text } = await call(method, cases[method.title] as Mutation, as);
        if (status !== 403) wrong.push(`${method.title} by ${as?.clientId}: ${status} ${text.slice(0, 300)}`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await site.state(), earlier);
  });

  it('and needs no scope, has another proof, or changes nothing', async () => {
    const earlier = await site.state();
    const guess = site.ask({
      method: 'POST',
      path: `/api/hooks/v1/hooks/secure/hook/trigger/${'A'.repeat(22)}`,
      body: {},
    });
    assert.equal((await guess).status, 401);
    const worker = { workerPoolId: 'secure/pool', workerGroup: 'secure', workerId: 'there' };
    for (const workerIdentityProof of [{ staticSecret: 'x'.repeat(44) }, {}, { token: 'a' }]) {
      const register = { ...worker, providerId: 'static', workerIdentityProof };
      const path = '/api/worker-manager/v1/worker/register';
      assert.equal((await site.ask({ method: 'POST', path, body: register })).status, 400);
    }
    const tested = { clientScopes: [], requiredScopes: ['a'] };
    const path = '/api/auth/v1/test-authenticate';
    assert.ok((await site.ask({ method: 'POST', path, body: tested })).status >= 400);
    assert.deepEqual(await site.state(), earlier);
  });

  // Last, since it makes the changes that the other tests were refused: their calls are valid except for scopes.
  it('is allowed to a caller with exactly those scopes', async () => {
    const cases = mutationsIn(world);
    const titles = Object.keys(cases);
    const inOrder = [...scoped].sort((a, b) => titles.indexOf(a.title) - titles.indexOf(b.title));
    const wrong: string[] = [];
    for (const method of inOrder) {
      const mutation = cases[method.title] as Mutation;
      const as = await aClient(mutation.needs.map((need) => listOf(need)[0] as string));
      const { status, text } = await call(method, mutation, as);
      // Features that are not configured are 404 for callers with the scopes.
      if (status === 404 && /its operator (has to set|sets) /.test(text)) continue;
      if (status === 401 || status === 403 || status === 404 || status >= 500)
        wrong.push(`${method.title}: ${status} ${text.slice(0, 500)}`);
    }
    assert.deepEqual(wrong, []);
  });
});
