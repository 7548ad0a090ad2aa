import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encryption, slugid } from '../base/index.ts';
import type { HookRef } from './store.ts';
import { aHook, type Platform, type TestHooks, testHooks } from './testing.ts';

let t: TestHooks;
before(async () => {
  t = await testHooks();
});
after(() => t.close());

// The key `test` is the one that the hooks begin with.
const key = (letter: number) => Buffer.alloc(32, letter).toString('base64');
const during = encryption({ keys: { test: key(7), new: key(8) }, current: 'new' });
const afterwards = encryption({ keys: { new: key(8) }, current: 'new' });

const create = async (): Promise<HookRef> => {
  const ref = { hookGroupId: 'keys', hookId: slugid() };
  await t.hooks.createHook({ ...ref, definition: aHook(), clientId: 'creator' });
  return ref;
};
const rowsByKey = async () =>
  Object.fromEntries(
    (
      await t.db<{ key: string; count: number }>`
        select split_part(trigger_token, '.', 1) as key, count(*)::int as count from hooks group by key`
    ).map(({ key, count }) => [key, count]),
  );
const renew = (platform: Platform) => platform.step('renew-encryption-of-hooks');

describe('after a change of keys', () => {
  it('tokens stay the same, and the old key can be retired', async () => {
    const hooks: HookRef[] = [];
    while (hooks.length < 120) hooks.push(await create());
    const tokens = await Promise.all(hooks.map(t.hooks.readToken));
    assert.equal(await renew(t), 0);
    const processes = [t.another(during), t.another(during)];
    const renewed = await Promise.all(processes.map(renew));
    for (const platform of processes) {
      for (let count = 1; count > 0; renewed.push(count)) count = await renew(platform);
    }
    assert.equal(
      renewed.reduce((sum, count) => sum + count),
      120,
    );
    assert.deepEqual(await rowsByKey(), { new: 120 });
    const last = t.another(afterwards);
    assert.deepEqual(await Promise.all(hooks.map(last.hooks.readToken)), tokens);
    const [{ token } = { token: '' }] = tokens;
    const by = { token };
    await last.hooks.trigger({ ...(hooks[0] as HookRef), payload: {}, by }).catch(({ code }) => {
      assert.notEqual(code, 'AuthenticationFailed');
    });
  });

  it('a token that was reset meanwhile is the new one', async () => {
    const ref = await create();
    const platform = t.another(during);
    const [{ token }] = await Promise.all([platform.hooks.resetToken(ref), renew(platform)]);
    await renew(platform);
    assert.deepEqual(await platform.hooks.readToken(ref), { token });
  });

  it('one token that cannot be read does not hold up the others', async () => {
    const [spoilt, fine] = [await create(), await create()];
    await t.db`update hooks set trigger_token = 'test.AAAA' where hook_id = ${spoilt.hookId}`;
    const { token } = await t.hooks.readToken(fine);
    const platform = t.another(during);
    assert.equal(await renew(platform), 1);
    assert.equal(await renew(platform), 0);
    assert.deepEqual(await platform.hooks.readToken(fine), { token });
    assert.equal((await rowsByKey()).test, 1);
    await platform.hooks.resetToken(spoilt);
    assert.equal((await rowsByKey()).test, undefined);
  });
});
