import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { days, hours, minutes, seconds } from '../base/index.ts';
import type { CreateHookRequest } from './schema.ts';
import type { HookRef } from './store.ts';
import { aHook, type TestHooks, testHooks } from './testing.ts';

// Faults that users of other schedulers met, each with the smallest trigger.

let t: TestHooks;
beforeEach(async () => {
  t = await testHooks(new Date('2026-03-02T08:00:00Z'));
  await t.start();
});
afterEach(() => t.close());

const clientId = 'somebody';
const metadata = { name: 'A hook', description: '', owner: 'owner@example.com' };

const create = async (hookId: string, fields: Partial<CreateHookRequest>): Promise<HookRef> => {
  const ref = { hookGroupId: 'faults', hookId };
  t.roles.set(`assume:hook-id:faults/${hookId}`, ['queue:*']);
  await t.hooks.createHook({ ...ref, definition: aHook(fields), clientId });
  return ref;
};
const edit = (ref: HookRef, fields: Partial<CreateHookRequest>) =>
  t.hooks.updateHook({ ...ref, definition: aHook(fields), clientId });

/** When hooks fired, in order. */
const fired = async (ref: HookRef): Promise<string[]> => {
  const rows = await t.db<{ firedAt: Date }>`
    select fired_at from hook_fires where hook_group_id = ${ref.hookGroupId} and hook_id = ${ref.hookId}
     order by fired_at`;
  return rows.map(({ firedAt }) => firedAt.toJSON());
};
const nextOf = async (ref: HookRef) => (await t.hooks.readHookStatus(ref)).nextScheduledDate;
const step = () => t.step('fire-due-hooks');

const advanceTo = (time: string) => t.clock.advance(new Date(time).getTime() - t.clock.now().getTime());
const nine = '2026-03-02T09:00:00.000Z';
const daily = (hour: number) => ({ schedule: [`0 0 ${hour} * * *`] });

describe('edit-and-slot: a schedule', () => {
  it('keeps its next date when something else is edited, before it and when it has come', async () => {
    const ref = await create('described', daily(9));
    advanceTo('2026-03-02T08:59:59Z');
    await edit(ref, { ...daily(9), metadata: { ...metadata, description: 'before' } });
    assert.equal(await nextOf(ref), nine);
    advanceTo('2026-03-02T09:00:01Z');
    await edit(ref, { ...daily(9), metadata: { ...metadata, description: 'after' } });
    await step();
    await step();
    assert.deepEqual(await fired(ref), ['2026-03-02T09:00:01.000Z']);
    assert.equal(await nextOf(ref), '2026-03-03T09:00:00.000Z');
  });

  it('that is written otherwise, or names more, keeps what has come', async () => {
    const ref = await create('rewritten', daily(9));
    advanceTo('2026-03-02T09:00:01Z');
    await edit(ref, { schedule: ['0 30 9 * * *', '0 0 */3 * * *'] });
    assert.equal(await nextOf(ref), nine);
    await step();
    assert.equal((await fired(ref)).length, 1);
    assert.equal(await nextOf(ref), '2026-03-02T09:30:00.000Z');
  });

  it('that is moved to an earlier hour fires tomorrow, and not at once', async () => {
    const ref = await create('moved', daily(18));
    advanceTo('2026-03-02T12:00:00Z');
    await edit(ref, daily(11));
    assert.equal(await nextOf(ref), '2026-03-03T11:00:00.000Z');
    await step();
    assert.deepEqual(await fired(ref), []);
  });

  it('that is taken away when it has come, and moved, fires no more', async () => {
    const ref = await create('moved-late', daily(9));
    advanceTo('2026-03-02T09:00:01Z');
    await edit(ref, daily(10));
    await step();
    assert.deepEqual(await fired(ref), []);
    assert.equal(await nextOf(ref), '2026-03-02T10:00:00.000Z');
  });

  it('that is emptied and put back misses none of what follows, and doubles none', async () => {
    const ref = await create('emptied', daily(9));
    await edit(ref, {});
    assert.equal(await nextOf(ref), undefined);
    await edit(ref, daily(9));
    for (let hour = 0; hour < 48; hour++) {
      t.clock.advance(hours(1));
      await step();
    }
    assert.deepEqual(await fired(ref), [nine, '2026-03-03T09:00:00.000Z']);
  });

  it('that is edited while it fires fires once, in whatever order they come', async () => {
    const others = [t, t.another(), t.another()];
    for (let slot = 0; slot < 10; slot++) {
      const ref = await create(`raced-${slot}`, { schedule: ['0 0 * * * *'] });
      t.clock.advance(hours(1));
      await Promise.all([
        ...others.map((one) => one.step('fire-due-hooks')),
        ...[1, 2].map((n) => edit(ref, { schedule: ['0 0 * * * *', `0 ${slot + n} * * * *`] })),
      ]);
      await step();
      assert.equal((await fired(ref)).length, 1);
      const { schedule } = await t.hooks.readHook(ref);
      const minute = Number(schedule[1]?.split(' ')[1]);
      const then = new Date(t.clock.now().getTime() + minutes(minute)).toJSON();
      assert.equal(await nextOf(ref), then);
      await t.hooks.removeHook({ ...ref, clientId });
    }
  });
});

describe('never-comes: a schedule whose day never exists', () => {
  it('is a 400 when a hook is created or changed with it, while 29 February and other hooks fire', async () => {
    const leap = await create('leap', { schedule: ['0 0 0 29 2 *'] });
    const due = await create('due', daily(9));
    for (const pattern of ['0 0 0 30 2 *', '0 0 0 31 4,6,9,11 *']) {
      const refused = { code: 'InputError', message: /^schedule\[1\] '/ };
      const schedule = ['0 0 0 * * *', pattern];
      await assert.rejects(create('never', { schedule }), refused);
      await assert.rejects(edit(due, { schedule }), refused);
    }
    assert.equal(await nextOf(leap), '2028-02-29T00:00:00.000Z');
    advanceTo(nine);
    await step();
    assert.deepEqual(await fired(due), [nine]);
  });

  it('and is stored already, or cannot be read at all, is an error of that hook alone', async () => {
    const stored = ['["0 0 0 30 2 *"]', '["H H * * *"]'];
    const refs: HookRef[] = [];
    for (const [i, schedule] of stored.entries()) {
      const ref = await create(`stored-${i}`, { ...daily(9), metadata });
      await t.db`update hooks set schedule = ${schedule} where hook_id = ${ref.hookId}`;
      refs.push(ref);
    }
    const due = await create('beside', daily(9));
    advanceTo(nine);
    await step();
    assert.deepEqual(await fired(due), [nine]);
    assert.equal(await nextOf(due), '2026-03-03T09:00:00.000Z');
    for (const ref of refs) assert.equal(await nextOf(ref), undefined);
    assert.deepEqual(
      t.mails.map(({ subject }) => subject).sort(),
      refs.map(({ hookId }) => `The hook faults/${hookId} does not fire on schedule any more`),
    );
    await edit(refs[1] as HookRef, daily(9));
    assert.equal(await nextOf(refs[1] as HookRef), '2026-03-03T09:00:00.000Z');
  });
});

describe('a clock that was set back by days', () => {
  it('keeps no hook from firing until it has caught up, whichever process looks', async () => {
    const ref = await create('set-back', daily(9));
    advanceTo('2026-03-04T12:00:00Z');
    await step();
    assert.equal(await nextOf(ref), '2026-03-05T09:00:00.000Z');
    t.clock.advance(-days(2));
    // So was that of the database, which a test cannot set.
    await t.db`update hook_slots set set_at = set_at + interval '2 days'`;
    await t.another().step('fire-due-hooks');
    assert.equal(await nextOf(ref), '2026-03-03T09:00:00.000Z');
    assert.equal((await fired(ref)).length, 1);
    advanceTo('2026-03-03T09:00:00Z');
    for (const one of [t, t.another()]) await one.step('fire-due-hooks');
    assert.equal((await fired(ref)).length, 2);
    assert.equal(await nextOf(ref), '2026-03-04T09:00:00.000Z');
  });

  it('is not that of a process which is behind: a hook fires once', async () => {
    const ref = await create('behind', daily(9));
    advanceTo(nine);
    await step();
    t.clock.advance(-minutes(10));
    await t.another().step('fire-due-hooks');
    assert.equal(await nextOf(ref), '2026-03-03T09:00:00.000Z');
  });
});

describe('after-a-long-stop', () => {
  it('a thousand hooks fire once for all that was missed, and then each minute', async () => {
    const count = 1000;
    await create('minutely', { schedule: ['0 * * * * *'] });
    await t.db`
      insert into hooks
      select (jsonb_populate_record(h, jsonb_build_object('hook_id', 'minutely-' || n))).*
        from hooks h, generate_series(2, ${count}::int) n`;
    await t.db`
      insert into hook_slots
      select (jsonb_populate_record(s, jsonb_build_object('hook_id', 'minutely-' || n))).*
        from hook_slots s, generate_series(2, ${count}::int) n`;
    for (let n = 2; n <= count; n++) t.roles.set(`assume:hook-id:faults/minutely-${n}`, ['queue:*']);
    t.clock.advance(hours(3));
    for (let round = 1; round <= 2; round++) {
      for (let steps = 0; (await step()) > 0; steps++) assert.ok(steps <= count / 100);
      const rows = await t.db<{ fires: number; hooks: number; error: string | null }>`
        select fires::int, count(*)::int as hooks, min(error) as error
          from (select hook_id, count(*) as fires, min(error) as error from hook_fires group by hook_id) f
         group by fires`;
      assert.deepEqual(rows, [{ fires: round, hooks: count, error: null }]);
      const [slots] = await t.db<{ ahead: number }>`
        select count(*)::int as ahead from hook_slots where fires_at > ${t.clock.now()}`;
      assert.deepEqual(slots, { ahead: count });
      t.clock.advance(minutes(1) + seconds(1));
    }
  });
});
