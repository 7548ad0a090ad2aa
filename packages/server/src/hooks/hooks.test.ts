import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { minutes, seconds, slugid } from '../base/index.ts';
import { outbox } from '../events/index.ts';
import type { CreateHookRequest } from './schema.ts';
import type { HookRef } from './store.ts';
import { aHook, aTemplate, type TestHooks, testHooks } from './testing.ts';

let t: TestHooks;
before(async () => {
  t = await testHooks();
  await t.start();
});
after(() => t.close());

/** Creates a hook whose role may create its tasks, unless other scopes are given. */
const create = async (
  fields: Partial<CreateHookRequest> = {},
  scopes: readonly string[] = ['queue:*'],
): Promise<HookRef> => {
  const ref = { hookGroupId: 'group', hookId: slugid() };
  t.roles.set(`assume:hook-id:${ref.hookGroupId}/${ref.hookId}`, scopes);
  await t.hooks.createHook({ ...ref, definition: aHook(fields), clientId: 'creator' });
  return ref;
};

const firesOf = async (ref: HookRef) =>
  (
    await t.hooks.listLastFires(ref).catch((error: { code?: string }) => {
      assert.equal(error.code, 'ResourceNotFound');
      return { lastFires: [] };
    })
  ).lastFires;

const taskOf = async (taskId: string) =>
  JSON.parse(await t.queue.readDefinitions.one(taskId)) as {
    readonly created: string;
    readonly payload: Readonly<Record<string, unknown>>;
    readonly [field: string]: unknown;
  };

const trigger = (ref: HookRef, payload: object = {}) =>
  t.hooks.trigger({ ...ref, payload, by: { clientId: 'somebody' } });

describe('a hook that is triggered', () => {
  it('creates the task that its template asks for', async () => {
    const ref = await create({
      task: aTemplate({
        payload: {
          n: { $eval: 'payload.n' },
          firedBy: `\${firedBy}`,
          by: `\${clientId}`,
          id: `\${taskId}`,
          now: `\${now}`,
        },
      }),
    });
    const { taskId = '' } = await trigger(ref, { n: 42 });
    const task = await taskOf(taskId);
    const now = t.clock.now().toJSON();
    assert.deepEqual(task.payload, { n: 42, firedBy: 'triggerHook', by: 'somebody', id: taskId, now });
    assert.equal(task.created, now);
    assert.equal(task.taskGroupId, taskId);
    const [fire] = await firesOf(ref);
    assert.deepEqual(fire, {
      ...ref,
      firedBy: 'triggerHook',
      taskId,
      taskCreateTime: now,
      result: 'success',
      error: '',
      taskState: 'pending',
    });
  });

  it('creates one task for a call that is repeated, and none for another one with its taskId', async () => {
    const ref = await create();
    const taskId = slugid();
    assert.deepEqual(await trigger(ref, { taskId, n: 1 }), { taskId });
    t.clock.advance(seconds(5));
    assert.deepEqual(await trigger(ref, { taskId, n: 1 }), { taskId });
    await assert.rejects(trigger(ref, { taskId, n: 2 }), { code: 'InputError', message: /RequestConflict/ });
    const fires = await firesOf(ref);
    assert.deepEqual(
      fires.map((fire) => [fire.taskId, fire.result]),
      [[taskId, 'success']],
    );
  });

  it('creates one task for calls with one taskId at once, in several processes', async () => {
    const ref = await create();
    const other = t.another();
    for (let round = 0; round < 10; round++) {
      const call = { ...ref, payload: { taskId: slugid() }, by: { clientId: 'somebody' } };
      const answers = await Promise.all([t.hooks, other.hooks, t.hooks].map((hooks) => hooks.trigger(call)));
      assert.deepEqual(
        answers.map(({ taskId }) => taskId),
        [call.payload.taskId, call.payload.taskId, call.payload.taskId],
      );
      const fires = (await firesOf(ref)).filter(({ taskId }) => taskId === call.payload.taskId);
      assert.deepEqual(
        fires.map(({ result }) => result),
        ['success'],
      );
    }
  });

  it('creates no task when the template renders to nothing, and notes no fire', async () => {
    const ref = await create({ task: JSON.parse('{"$if": "payload.go", "then": {}}') });
    assert.deepEqual(await trigger(ref, { go: false }), {});
    assert.deepEqual(await firesOf(ref), []);
    const evaluated = await create({ task: { $eval: 'payload.go' } });
    for (const go of [null, false, 0, '']) assert.deepEqual(await trigger(evaluated, { go }), {});
    assert.deepEqual(await firesOf(evaluated), []);
    for (const go of [true, 1, 'a task', []])
      await assert.rejects(trigger(evaluated, { go }), { code: 'InputError', message: /to an object/ });
  });

  it('says why there is no task, to the caller and in its fires', async () => {
    const lacking = await create({}, ['queue:create-task:highest:prov/type']);
    await assert.rejects(trigger(lacking), {
      code: 'InsufficientScopes',
      message: /^The role `hook-id:group\/.*does not have sufficient scopes[\s\S]*queue:scheduler-id:-/,
    });
    const broken = await create({ task: { $eval: 'nobody' } });
    await assert.rejects(trigger(broken), { code: 'InputError', message: /nobody/ });
    const incomplete = await create({ task: { payload: {} } });
    await assert.rejects(trigger(incomplete), { code: 'InputError', message: /task\.? .*metadata/ });
    const refused = await create({ task: aTemplate({ deadline: '2020-01-01T00:00:00Z' }) });
    await assert.rejects(trigger(refused), {
      code: 'InputError',
      message: /^While calling createTask: InputError/,
    });
    for (const ref of [lacking, broken, incomplete, refused]) {
      const [fire] = await firesOf(ref);
      assert.equal(fire?.result, 'error');
      assert.equal(fire?.taskState, 'unknown');
      assert.notEqual(fire?.error, '');
    }
    assert.deepEqual(t.mails, []);
  });

  it('and fails may be triggered again with the same taskId', async () => {
    const ref = await create({}, []);
    const taskId = slugid();
    await assert.rejects(trigger(ref, { taskId }), { code: 'InsufficientScopes' });
    t.roles.set(`assume:hook-id:group/${ref.hookId}`, ['queue:*']);
    assert.deepEqual(await trigger(ref, { taskId }), { taskId });
    assert.deepEqual(
      (await firesOf(ref)).map(({ result }) => result),
      ['success'],
    );
  });

  it('and is deleted while its task is rendered is not there any more', async () => {
    const ref = await create();
    const [fired] = await Promise.allSettled([trigger(ref), t.hooks.removeHook({ ...ref, clientId: 'x' })]);
    if (fired.status === 'rejected') assert.equal(fired.reason.code, 'ResourceNotFound');
    await assert.rejects(trigger(ref), { code: 'ResourceNotFound' });
  });
});

describe('a hook with a schedule', () => {
  const step = (from: { step(name: string): Promise<number> } = t) => from.step('fire-due-hooks');
  const everyHour = { schedule: ['0 0 * * * *'] };
  const statusOf = (ref: HookRef) => t.hooks.readHookStatus(ref);
  const toNextHour = () => t.clock.advance(minutes(60) - (t.clock.now().getTime() % minutes(60)));

  it('fires when its time has come, and not before', async () => {
    const ref = await create({
      ...everyHour,
      task: aTemplate({ payload: { firedBy: `\${firedBy}`, has: { $eval: "defined('payload')" } } }),
    });
    await step();
    assert.deepEqual(await firesOf(ref), []);
    const { nextScheduledDate } = await statusOf(ref);
    toNextHour();
    t.clock.advance(seconds(2));
    await step();
    const [fire, ...others] = await firesOf(ref);
    assert.deepEqual(others, []);
    assert.equal(fire?.firedBy, 'schedule');
    const task = await taskOf(fire?.taskId ?? '');
    assert.equal(task.created, nextScheduledDate);
    assert.deepEqual(task.payload, { firedBy: 'schedule', has: false });
    const status = await statusOf(ref);
    assert.ok(String(status.nextScheduledDate) > t.clock.now().toJSON());
    await step();
    assert.equal((await firesOf(ref)).length, 1);
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });

  it('fires once, late, after a time without a server, and then on schedule', async () => {
    const ref = await create(everyHour);
    t.clock.advance(minutes(60 * 7));
    await step();
    const [fire, ...others] = await firesOf(ref);
    assert.deepEqual(others, []);
    assert.equal(fire?.result, 'success');
    assert.equal((await taskOf(fire?.taskId ?? '')).created, t.clock.now().toJSON());
    assert.ok(String((await statusOf(ref)).nextScheduledDate) > t.clock.now().toJSON());
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });

  it('fires once for each slot, however many processes try', async () => {
    const refs = await Promise.all(Array.from({ length: 10 }, () => create(everyHour)));
    const processes = [t, t.another(), t.another()];
    for (let slot = 1; slot <= 5; slot++) {
      toNextHour();
      // A process leaves slots that another one has taken; the last process takes the rest.
      await Promise.all(processes.map(step));
      await step();
      for (const ref of refs) assert.equal((await firesOf(ref)).length, slot);
    }
    await Promise.all(refs.map((ref) => t.hooks.removeHook({ ...ref, clientId: 'x' })));
  });

  it('mails its owner when there is no task, unless that is not wanted, and fires again', async () => {
    const metadata = { name: 'A hook', description: '', owner: 'owner@example.com' };
    const loud = await create({ ...everyHour, metadata }, []);
    const quiet = await create({ ...everyHour, metadata: { ...metadata, emailOnError: false } }, []);
    toNextHour();
    await step();
    assert.deepEqual(
      t.mails.map(({ address, subject }) => [address, subject]),
      [['owner@example.com', `The hook group/${loud.hookId} could not create its task`]],
    );
    assert.match(String(t.mails[0]?.content), /does not have sufficient scopes/);
    for (const ref of [loud, quiet]) {
      assert.equal((await firesOf(ref))[0]?.result, 'error');
      assert.ok(String((await statusOf(ref)).nextScheduledDate) > t.clock.now().toJSON());
      await t.hooks.removeHook({ ...ref, clientId: 'x' });
    }
    t.mails.length = 0;
  });

  it('keeps a time that has come when something else is changed, and no other when the schedule is', async () => {
    const ref = await create(everyHour);
    toNextHour();
    const change = (fields: Partial<CreateHookRequest>) =>
      t.hooks.updateHook({ ...ref, definition: aHook(fields), clientId: 'x' });
    await change({ ...everyHour, task: aTemplate({ tags: { changed: 'yes' } }) });
    assert.equal((await statusOf(ref)).nextScheduledDate, t.clock.now().toJSON());
    await change({ schedule: ['0 30 * * * *'] });
    assert.ok(String((await statusOf(ref)).nextScheduledDate) > t.clock.now().toJSON());
    await change({});
    assert.equal((await statusOf(ref)).nextScheduledDate, undefined);
    t.clock.advance(minutes(120));
    await step();
    assert.deepEqual(await firesOf(ref), []);
  });

  it('is woken for at its time, and when a schedule is changed', async () => {
    const loop = t.hooks.loops.find(({ name }) => name === 'fire-due-hooks');
    let woken = false;
    loop?.wakeBy?.each(() => {
      woken = true;
    });
    const ref = await create({ schedule: ['*/20 * * * * *'] });
    assert.equal(woken, true);
    await step();
    woken = false;
    const ms = 20_000 - (t.clock.now().getTime() % 20_000);
    t.clock.advance(ms - 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(woken, false);
    t.clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(woken, true);
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });
});

describe('a hook with bindings', () => {
  const exchange = 'exchange/taskcluster-queue/v1/task-completed';
  const publish = (
    messages: readonly { exchange?: string; routingKey?: string; routes?: string[]; body?: object }[],
  ) =>
    t.db.transaction((tx) =>
      outbox.append(
        tx,
        messages.map((message) => ({ exchange, routingKey: 'primary.a', routes: [], body: {}, ...message })),
        t.clock.now(),
      ),
    );
  const deliver = async (from: { step(name: string): Promise<number> } = t) => {
    await from.step('learn-bindings-of-hooks');
    await from.step('deliver-to-hooks');
  };
  const bindings = (routingKeyPattern: string, at = exchange) => [{ exchange: at, routingKeyPattern }];
  const payload = { n: { $eval: 'payload.n' }, firedBy: `\${firedBy}` };

  it('fires for each message that fits, by routing key or route, with its body', async () => {
    const ref = await create({ bindings: bindings('route.go.*'), task: aTemplate({ payload }) });
    await t.step('learn-bindings-of-hooks');
    await publish([
      { routes: ['go.on'], body: { n: 1 } },
      { routes: ['stay'], body: { n: 2 } },
      { routes: ['go.on'], body: { n: 3 }, exchange: `${exchange}-not` },
      { routes: ['go.away', 'x'], body: { n: 4 } },
    ]);
    await deliver();
    assert.equal(await t.step('fire-hooks-by-messages'), 2);
    const tasks = await Promise.all((await firesOf(ref)).map(({ taskId }) => taskOf(taskId)));
    assert.deepEqual(
      tasks.map((task) => task.payload).sort((a, b) => Number(a.n) - Number(b.n)),
      [
        { n: 1, firedBy: 'pulseMessage' },
        { n: 4, firedBy: 'pulseMessage' },
      ],
    );
    assert.equal(await t.step('fire-hooks-by-messages'), 0);
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });

  it('drops a message that does not fit its trigger schema', async () => {
    const ref = await create({
      bindings: bindings('primary.#'),
      triggerSchema: { type: 'object', required: ['n'] },
    });
    await t.step('learn-bindings-of-hooks');
    await publish([{ body: { m: 1 } }]);
    await deliver();
    assert.equal(await t.step('fire-hooks-by-messages'), 1);
    assert.deepEqual(await firesOf(ref), []);
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });

  it('fires once for each message, however many processes take part', async () => {
    const ref = await create({ bindings: bindings('primary.race') });
    const processes = [t, t.another(), t.another()];
    await Promise.all(processes.map((process) => process.step('learn-bindings-of-hooks')));
    await publish(Array.from({ length: 30 }, (_, n) => ({ routingKey: 'primary.race', body: { n } })));
    await Promise.all(processes.map(deliver));
    await Promise.all(processes.map((process) => process.step('fire-hooks-by-messages')));
    await t.step('fire-hooks-by-messages');
    assert.equal((await firesOf(ref)).length, 30);
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });

  it('keeps 1000 messages at most, and they go with the hook', async () => {
    const ref = await create({ bindings: bindings('primary.many') });
    await t.step('learn-bindings-of-hooks');
    const waiting = async () =>
      (await t.db<{ count: number }>`select count(*)::int as count from hook_messages`)[0]?.count;
    for (const expected of [300, 600, 900, 1000, 1000]) {
      await publish(Array.from({ length: 300 }, (_, n) => ({ routingKey: 'primary.many', body: { n } })));
      for (let page = 0; page < 4; page++) await deliver();
      assert.equal(await waiting(), expected);
    }
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
    assert.equal(await waiting(), 0);
  });

  it('to an exchange of another program says what is wrong, whichever process has written it', async () => {
    const elsewhere = bindings('#', 'exchange/another/v1/news');
    const [writer, forgetter] = [t.another(), t.another()];
    const learn = ({ step }: { step(name: string): Promise<number> }) => step('learn-bindings-of-hooks');
    const errorsOf = async (ref: HookRef) =>
      (await t.hooks.readHookBindings(ref)).bindings.flatMap(({ error }) => error ?? []);
    for (const round of [1, 2]) {
      const ref = await create({ bindings: elsewhere });
      await learn(writer);
      assert.match((await errorsOf(ref)).join(), /AMQP_URL/, `round ${round}`);
      // What was bound to it goes, which the first of them does not hear of.
      await t.hooks.removeHook({ ...ref, clientId: 'x' });
      await learn(forgetter);
      const again = await create({ bindings: elsewhere });
      assert.deepEqual(await errorsOf(again), []);
      await t.hooks.removeHook({ ...again, clientId: 'x' });
    }
  });

  it('mails its owner of an error', async () => {
    const ref = await create({ bindings: bindings('primary.bad') }, []);
    await t.step('learn-bindings-of-hooks');
    await publish([{ routingKey: 'primary.bad' }]);
    await deliver();
    await t.step('fire-hooks-by-messages');
    assert.equal((await firesOf(ref))[0]?.result, 'error');
    assert.equal(t.mails.length, 1);
    t.mails.length = 0;
    await t.hooks.removeHook({ ...ref, clientId: 'x' });
  });
});

describe('the record of fires', () => {
  it('is listed page by page, the latest first, and forgotten after a year', async () => {
    const ref = await create();
    const fired: string[] = [];
    for (let i = 0; i < 5; i++) {
      fired.unshift((await trigger(ref)).taskId ?? '');
      t.clock.advance(seconds(1));
    }
    const listed: string[] = [];
    let token: string | undefined;
    do {
      const page: Awaited<ReturnType<typeof t.hooks.listLastFires>> = await t.hooks.listLastFires({
        ...ref,
        limit: 2,
        ...(token ? { continuationToken: token } : {}),
      });
      listed.push(...page.lastFires.map(({ taskId }) => taskId));
      token = page.continuationToken;
    } while (token);
    assert.deepEqual(listed, fired);
    await assert.rejects(t.hooks.listLastFires({ ...ref, continuationToken: 'garbled' }), {
      code: 'InputError',
      message: /^Invalid continuation token/,
    });
    t.clock.advance(minutes(60 * 24 * 366));
    assert.ok((await t.step('forget-old-hook-fires')) >= 5);
    assert.deepEqual(await firesOf(ref), []);
  });
});
