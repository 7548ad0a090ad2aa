import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { slugid } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { hookChangedMessage } from './schema.ts';
import { aTemplate, type TestHooks, testHooks } from './testing.ts';

let t: TestHooks;
let app: FastifyInstance;
before(async () => {
  t = await testHooks();
  app = t.serve();
});
after(async () => {
  await app.close();
  await t.close();
});

interface Answered {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}
const ask = async (
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  { scopes = '*', body }: { scopes?: string; body?: object } = {},
): Promise<Answered> => {
  const url = `/api/hooks/v1/hooks${path}`;
  const reply = await app.inject({ method, url, headers: { scopes }, ...(body ? { payload: body } : {}) });
  return { status: reply.statusCode, body: reply.json() as Answered['body'] };
};

const refused = async (
  asked: Promise<Answered>,
  status: number,
  code: string,
  message = /./,
): Promise<void> => {
  const { status: given, body } = await asked;
  assert.deepEqual([given, body.code], [status, code], String(body.message));
  assert.match(String(body.message), message);
};

const metadata = { name: 'A hook', description: 'Made by a test.', owner: 'owner@example.com' };
const definition = (more: object = {}) => ({ metadata, task: aTemplate(), ...more });
const complete = (hookGroupId: string, hookId: string, more: object = {}) => ({
  hookGroupId,
  hookId,
  metadata: { ...metadata, emailOnError: true },
  task: aTemplate(),
  bindings: [],
  schedule: [],
  triggerSchema: { type: 'object', additionalProperties: false },
  ...more,
});

const aHook = async (more: object = {}): Promise<{ path: string; hookGroupId: string; hookId: string }> => {
  const [hookGroupId, hookId] = ['routes', slugid()];
  t.roles.set(`assume:hook-id:${hookGroupId}/${hookId}`, ['queue:*']);
  const path = `/${hookGroupId}/${hookId}`;
  assert.equal((await ask('PUT', path, { body: definition(more) })).status, 200);
  return { path, hookGroupId, hookId };
};

describe('the definition of a hook', () => {
  it('is created with defaults, shown, changed and deleted', async () => {
    const [group, id] = [slugid(), 'with/slash'];
    const path = `/${group}/with%2Fslash`;
    const created = await ask('PUT', path, { body: definition() });
    assert.deepEqual(created, { status: 200, body: complete(group, id) });
    assert.deepEqual(await ask('GET', path), created);
    assert.deepEqual((await ask('GET', `/${group}`)).body, { hooks: [complete(group, id)] });
    assert.ok(((await ask('GET', '')).body.groups as string[]).includes(group));
    const changes = { schedule: ['0 0 1 * * *'], bindings: [{ exchange: 'e', routingKeyPattern: '#' }] };
    const changed = await ask('POST', path, { body: definition(changes) });
    assert.deepEqual(changed.body, complete(group, id, changes));
    // Bindings that are left out stay.
    const kept = await ask('POST', path, { body: definition() });
    assert.deepEqual(kept.body, complete(group, id, { bindings: changes.bindings }));
    for (let i = 0; i < 2; i++) assert.deepEqual(await ask('DELETE', path), { status: 200, body: {} });
    await refused(ask('GET', path), 404, 'ResourceNotFound');
    await refused(ask('GET', `/${group}`), 404, 'ResourceNotFound');
    await refused(ask('POST', path, { body: definition() }), 404, 'ResourceNotFound');
  });

  it('is created once: the same again is there, another one is a conflict', async () => {
    const { path } = await aHook();
    assert.equal((await ask('PUT', path, { body: definition() })).status, 200);
    await refused(ask('PUT', path, { body: definition({ schedule: ['@daily'] }) }), 409, 'RequestConflict');
  });

  it('is refused by the name of what is wrong', async () => {
    const path = `/routes/${slugid()}`;
    const wrong = (body: object, code: string, message: RegExp) =>
      refused(ask('PUT', path, { body }), 400, code, message);
    await wrong(definition({ schedule: ['not cron'] }), 'InputError', /schedule\[0\]/);
    await wrong(definition({ triggerSchema: { type: 'nope' } }), 'InputError', /triggerSchema\/type/);
    await wrong(definition({ hookId: 'other' }), 'InputError', /hookId/);
    await wrong(definition({ hookGroupId: 'other' }), 'InputError', /hookGroupId/);
    await wrong({ metadata }, 'InputValidationError', /task/);
    await wrong(definition({ more: 1 }), 'InputValidationError', /more/);
    const bindings = [{ exchange: 'exchange/taskcluster-hooks/v1/hook-created', routingKeyPattern: '#' }];
    await wrong(definition({ bindings }), 'InputError', /bindings\[0\]\.exchange/);
    const [fine, long] = [{ exchange: 'e', routingKeyPattern: '#' }, 'ü'.repeat(128)];
    await wrong(
      definition({ bindings: [fine, { ...fine, exchange: long }] }),
      'InputError',
      /bindings\[1\]\.exchange/,
    );
    await wrong(
      definition({ bindings: [fine, { ...fine, routingKeyPattern: long }] }),
      'InputError',
      /bindings\[1\]\.routingKeyPattern/,
    );
    await refused(ask('GET', path), 404, 'ResourceNotFound');
  });

  it('who-gets-the-mail: names one address as its owner', async () => {
    const path = `/routes/${slugid()}`;
    for (const owner of [
      'a@example.com, victim@example.com',
      'a@example.com;victim@example.com',
      '"Doe, Jane" <a@example.com>',
      'a@example.com\r\nBcc: victim@example.com',
      'a@example.com ',
      'nobody',
      '',
    ]) {
      const body = definition({ metadata: { ...metadata, owner } });
      await refused(ask('PUT', path, { body }), 400, 'InputValidationError', /metadata\.owner/);
    }
  });

  it('is told of by a message for each change, an update to the same too', async () => {
    const before = (await t.messages()).length;
    const { path, hookGroupId, hookId } = await aHook();
    await ask('PUT', path, { body: definition() });
    await ask('POST', path, { body: definition() });
    await ask('POST', path, { body: definition({ schedule: ['@daily'] }) });
    await ask('DELETE', path);
    await ask('DELETE', path);
    const messages = (await t.messages()).slice(before);
    assert.deepEqual(
      messages.map(({ exchange, routingKey, body }) => [exchange, routingKey, body]),
      ['created', 'updated', 'updated', 'deleted'].map((change) => [
        `exchange/taskcluster-hooks/v1/hook-${change}`,
        '_',
        { hookGroupId, hookId },
      ]),
    );
    for (const { body } of messages) assert.deepEqual(mistakesIn(hookChangedMessage, body), []);
  });
});

describe('a hook over HTTP', () => {
  it('shows its state', async () => {
    const { path } = await aHook({ schedule: ['0 0 3 1 1 *'] });
    const nextScheduledDate = '2027-01-01T03:00:00.000Z';
    assert.deepEqual((await ask('GET', `${path}/status`)).body, {
      lastFire: { result: 'no-fire' },
      nextScheduledDate,
    });
    await refused(ask('GET', `${path}/last-fires`), 404, 'ResourceNotFound');
    const { body } = await ask('POST', `${path}/trigger`, { body: {} });
    assert.deepEqual(body, { taskId: body.taskId, status: { taskId: body.taskId } });
    assert.deepEqual((await ask('GET', `${path}/status`)).body, {
      lastFire: { result: 'success', taskId: body.taskId, time: t.clock.now().toJSON() },
      nextScheduledDate,
    });
    const { lastFires } = (await ask('GET', `${path}/last-fires`)).body as { lastFires: object[] };
    assert.equal(lastFires.length, 1);
  });

  it('takes the payload that its schema wants, and no other', async () => {
    const { path } = await aHook({
      triggerSchema: { type: 'object', properties: { n: { type: 'number' } } },
    });
    assert.equal((await ask('POST', `${path}/trigger`, { body: { n: 1 } })).status, 200);
    await refused(ask('POST', `${path}/trigger`, { body: { n: 'x' } }), 400, 'InputError', /payload\.n/);
    for (const taskId of ['nope', `${slugid()}x`, 5, true, [slugid()], { id: slugid() }])
      await refused(ask('POST', `${path}/trigger`, { body: { taskId } }), 400, 'InputError', /taskId/);
    for (const taskId of ['', null, 0, false]) {
      const { status, body } = await ask('POST', `${path}/trigger`, { body: { taskId } });
      assert.equal(status, 200, JSON.stringify(taskId));
      assert.match(String(body.taskId), /^[\w-]{22}$/);
    }
  });

  it('is triggered by its token, which can be replaced', async () => {
    const { path } = await aHook();
    const { token } = (await ask('GET', `${path}/token`)).body;
    assert.deepEqual((await ask('GET', `${path}/token`)).body, { token });
    const by = (given: unknown) => ask('POST', `${path}/trigger/${given}`, { scopes: '', body: {} });
    assert.equal((await by(token)).status, 200);
    await refused(by(slugid()), 401, 'AuthenticationFailed');
    const other = (await ask('POST', `${path}/token`)).body.token;
    assert.notEqual(other, token);
    await refused(by(token), 401, 'AuthenticationFailed');
    assert.equal((await by(other)).status, 200);
    const [stored] = await t.db<{ triggerToken: string }>`
      select trigger_token from hooks where hook_id = ${path.split('/').at(-1)}`;
    assert.ok(stored && !stored.triggerToken.includes(String(other)));
  });

  it('that is not there is 404 for all methods', async () => {
    const path = `/routes/${slugid()}`;
    for (const part of ['', '/status', '/token', '/last-fires'])
      await refused(ask('GET', path + part), 404, 'ResourceNotFound');
    for (const part of ['/trigger', '/trigger/token', '/token'])
      await refused(ask('POST', path + part, { body: {} }), 404, 'ResourceNotFound');
  });

  it('wants the scopes of each method', async () => {
    const { path, hookGroupId, hookId } = await aHook();
    const name = `${hookGroupId}/${hookId}`;
    const wanted = [
      ['GET', '', 'hooks:list-hooks:'],
      ['GET', `/${hookGroupId}`, `hooks:list-hooks:${hookGroupId}`],
      ['GET', path, `hooks:get:${hookGroupId}:${hookId}`],
      ['GET', `${path}/status`, `hooks:status:${name}`],
      ['GET', `${path}/token`, `hooks:get-trigger-token:${name}`],
      ['POST', `${path}/token`, `hooks:reset-trigger-token:${name}`],
      ['POST', `${path}/trigger`, `hooks:trigger-hook:${name}`],
      ['GET', `${path}/last-fires`, `hooks:list-last-fires:${name}`],
      ['PUT', path, `hooks:modify-hook:${name} assume:hook-id:${name}`],
      ['POST', path, `hooks:modify-hook:${name} assume:hook-id:${name}`],
      ['DELETE', path, `hooks:modify-hook:${name}`],
    ] as const;
    for (const [method, at, scopes] of wanted) {
      const body = at.endsWith('/trigger') ? {} : definition();
      const asked = (having: string) =>
        ask(method, at, { scopes: having, ...(method === 'PUT' || method === 'POST' ? { body } : {}) });
      for (const one of scopes.split(' ')) {
        const rest = scopes.split(' ').filter((scope) => scope !== one);
        await refused(asked(rest.join(' ')), 403, 'InsufficientScopes');
      }
      assert.equal((await asked(scopes)).status, 200, `${method} ${at}`);
    }
  });
});
