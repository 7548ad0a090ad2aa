import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTemporaryCredentials } from '@taskyard/client';
import type { Keys } from './hawk.ts';
import { type Answer, aSite, type Site } from './site.ts';
import { aClientOf, hourFromNow } from './world.ts';

let site: Site;
const endings: (() => Promise<void>)[] = [];

before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
});
after(async () => {
  for (const end of endings) await end();
});

const [auth, hooks, queue, pools] = [
  '/api/auth/v1',
  '/api/hooks/v1',
  '/api/queue/v1',
  '/api/worker-manager/v1',
];
const send = (as: Keys, method: string, path: string, body?: unknown): Promise<Answer> =>
  site.ask({ as, method, path, body });
const encoded = encodeURIComponent;

const aClient = (scopes: readonly string[]): Promise<Keys> => aClientOf(site, scopes);

/** The call is refused for want of this scope, and no row of any table is another one. */
const lacks = async (scope: string, call: () => Promise<Answer>): Promise<void> => {
  const earlier = await site.state();
  const { status, text } = await call();
  assert.equal(status, 403, text);
  assert.ok(text.includes(scope), text);
  assert.deepEqual(await site.state(), earlier);
};

describe('a hook', () => {
  const role = [
    'queue:create-task:lowest:secure/tasks',
    'queue:create-task:project:none',
    'queue:scheduler-id:-',
    'held:*',
    'queue:route:held.*',
  ];
  const hookWith = (more: object) => ({
    metadata: { name: 'a hook', description: '', owner: 'a@example.com' },
    triggerSchema: { type: 'object', additionalProperties: true },
    task: {
      taskQueueId: 'secure/tasks',
      payload: {},
      metadata: { name: 'a task', description: '', owner: 'a@example.com', source: 'https://example.com/' },
      ...more,
    },
  });
  const path = `${hooks}/hooks/secure/limited`;
  const writer = () => aClient(['hooks:modify-hook:secure/*', 'assume:hook-id:secure/limited']);

  before(async () => {
    await site.prepare('PUT', `${auth}/roles/${encoded('hook-id:secure/limited')}`, {
      description: '',
      scopes: role,
    });
    assert.equal((await send(await writer(), 'PUT', path, hookWith({}))).status, 200);
  });

  /** Tables in which tasks stand. */
  const tasks = async () => {
    const { tasks, task_status, pending } = await site.state();
    return { tasks, task_status, pending };
  };

  it('creates tasks by its role', async () => {
    const { status, text, body } = await send(site.root, 'POST', `${path}/trigger`, {});
    assert.equal(status, 200, text);
    const taskId = (body.status as { taskId: string }).taskId;
    assert.equal((await site.ask({ path: `${queue}/task/${taskId}`, as: site.root })).status, 200);
  });

  it('creates none beyond its role, even if its author has more scopes and root fires it', async () => {
    const as = await aClient(['hooks:modify-hook:secure/*', 'assume:hook-id:secure/*', 'other', 'queue:*']);
    const beyond = [
      { scopes: ['other'] },
      { scopes: ['*'] },
      { scopes: ['held:a', 'assume:hook-id:secure/limited'], priority: 'high' },
      { routes: ['other.a'] },
      { taskQueueId: 'secure/others' },
      { schedulerId: 'others' },
      { projectId: 'others' },
      { scopes: { $eval: 'payload.scopes' } },
    ];
    for (const more of beyond) {
      assert.equal((await send(as, 'POST', path, hookWith(more))).status, 200);
      const earlier = await tasks();
      const payload = { scopes: ['other'], routes: ['index.other'] };
      const { status, text } = await send(site.root, 'POST', `${path}/trigger`, payload);
      assert.ok(status >= 400 && status < 500 && /missing|scopes/.test(text), `${status} ${text}`);
      assert.deepEqual(await tasks(), earlier, JSON.stringify(more));
    }
  });

  it('cannot be written without its role’s scopes, nor with restricted credentials', async () => {
    const missing = 'assume:hook-id:secure/limited';
    const other = await aClient(['hooks:modify-hook:secure/*', 'assume:hook-id:secure/limite']);
    await lacks(missing, () => send(other, 'POST', path, hookWith({})));
    const whole = await writer();
    const narrowed = { ...whole, authorizedScopes: ['hooks:modify-hook:secure/limited'] };
    await lacks(missing, () => send(narrowed, 'POST', path, hookWith({})));
    const issued = await createTemporaryCredentials({
      credentials: { clientId: whole.clientId, accessToken: whole.accessToken },
      scopes: ['hooks:modify-hook:secure/limited'],
      start: new Date(Date.now() - 60_000),
      expiry: new Date(Date.now() + 3_600_000),
    });
    const temporary = { ...issued, certificate: JSON.parse(issued.certificate) as object };
    await lacks(missing, () => send(temporary, 'POST', path, hookWith({})));
  });
});

describe('a worker that was let in', () => {
  const staticSecret = 'S'.repeat(44);
  const pool = {
    providerId: 'static',
    description: '',
    owner: 'a@example.com',
    emailOnError: false,
    config: {},
  };
  const me = { workerPoolId: 'secure/pool', workerGroup: 'secure', workerId: 'me' };
  const pathOf = (workerId: string, workerPoolId = 'secure/pool') =>
    `${pools}/workers/${encoded(workerPoolId)}/secure/${workerId}`;
  let keys: Keys & { certificate: { expiry: number; scopes: string[] } };
  let expires: string;
  let secret: string;

  before(async () => {
    for (const id of ['secure/pool', 'secure/other'])
      await site.prepare('PUT', `${pools}/worker-pool/${encoded(id)}`, pool);
    const worker = { expires: hourFromNow(9), providerInfo: { staticSecret } };
    for (const id of ['me', 'neighbour']) await site.prepare('PUT', pathOf(id), worker);
    const proof = { ...me, providerId: 'static', workerIdentityProof: { staticSecret } };
    const { body } = await site.prepare('POST', `${pools}/worker/register`, proof);
    const { certificate, ...named } = body.credentials as Keys & { certificate: string };
    keys = { ...named, certificate: JSON.parse(certificate) };
    expires = body.expires as string;
    secret = body.secret as string;
  });

  it('has the scopes of a worker of its pool, until its expiry', () => {
    assert.equal(keys.certificate.expiry, Date.parse(expires));
    assert.ok(keys.certificate.scopes.every((scope) => /secure\/(pool|me)/.test(scope)));
    assert.ok(keys.certificate.scopes.every((scope) => !scope.includes('*')));
  });

  it('acts for no other worker and on no other queue', async () => {
    const claim = (id: string, workerId: string) =>
      send(keys, 'POST', `${queue}/claim-work/${encoded(id)}`, { workerGroup: 'secure', workerId, tasks: 1 });
    await lacks('queue:claim-work:secure/other', () => claim('secure/other', 'me'));
    await lacks('queue:worker-id:secure/neighbour', () => claim('secure/pool', 'neighbour'));
    await lacks('worker-manager:remove-worker:secure/pool/secure/neighbour', () =>
      send(keys, 'DELETE', pathOf('neighbour')),
    );
    await lacks('worker-manager:reregister-worker:secure/pool/secure/neighbour', () =>
      send(keys, 'POST', `${pools}/worker/reregister`, { ...me, workerId: 'neighbour', secret }),
    );
  });

  it('makes no workers and no pools', async () => {
    const worker = { expires: hourFromNow(9), providerInfo: { staticSecret } };
    await lacks('worker-manager:create-worker:secure/pool/secure/new', () =>
      send(keys, 'PUT', pathOf('new'), worker),
    );
    await lacks('worker-manager:update-worker:secure/pool/secure/me', () =>
      send(keys, 'POST', pathOf('me'), { expires: hourFromNow(1000) }),
    );
    await lacks('worker-manager:manage-worker-pool:secure/pool', () =>
      send(keys, 'POST', `${pools}/worker-pool/${encoded('secure/pool')}`, pool),
    );
  });

  it('hands nothing on: its credentials issue no others', async () => {
    const { certificate: _, ...asIssuer } = keys;
    const issued = await createTemporaryCredentials({
      credentials: asIssuer,
      scopes: keys.certificate.scopes.slice(0, 1),
      start: new Date(Date.now() - 60_000),
      expiry: new Date(Date.now() + 3_600_000),
    });
    const { status } = await site.ask({
      path: `${auth}/scopes/current`,
      as: { ...issued, certificate: JSON.parse(issued.certificate) as object },
    });
    assert.equal(status, 401);
  });

  it('loses its credentials once it has been removed', async () => {
    const scopes = () => site.ask({ path: pathOf('me'), as: keys });
    const current = () => send(keys, 'POST', `${queue}/claim-work/secure%2Fother`, {});
    assert.notEqual((await scopes()).status, 401);
    await site.prepare('DELETE', pathOf('me'));
    assert.equal((await scopes()).status, 401);
    assert.equal((await current()).status, 401);
    const again = { ...me, secret };
    assert.equal((await send(site.root, 'POST', `${pools}/worker/reregister`, again)).status, 400);
  });
});
