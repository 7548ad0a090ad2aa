import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import hawk from 'hawk';
import { days, type ErrorCode, hours, later, minutes, seconds } from '../../base/index.ts';
import type { Caller } from '../../http/index.ts';
import type { Opened } from '../../testing/index.ts';
import type { Auth } from '../index.ts';
import { rootKeys, type TestAuth, testAuth } from '../testing.ts';
import type { By } from './changes.ts';

let t: TestAuth;
before(async () => {
  t = await testAuth();
});
after(() => t.close());

let named = 0;
const fresh = (kind: string): string => `${kind}-${++named}`;

/** A caller who may do everything. */
const root = (): By => ({ caller: t.auth.callerFor(['*'], 'somebody'), authorize: () => {} });

const wanted = (changes: object = {}) => ({
  expires: later(t.clock.now(), days(1)).toJSON(),
  description: 'for a test',
  scopes: ['a'],
  ...changes,
});

const aClient = async (changes: object = {}) => {
  const clientId = fresh('client');
  return t.auth.createClient(clientId, wanted(changes), root());
};

const refuses = (promise: Promise<unknown>, code: ErrorCode, message?: RegExp) =>
  assert.rejects(promise, (error: { code?: string; message: string }) => {
    assert.equal(error.code, code, error.message);
    if (message) assert.match(error.message, message);
    return true;
  });

const authenticate = (
  keys: { clientId: string; accessToken: string },
  auth: Opened<Auth> = t.auth,
): Promise<Caller> => {
  const { header } = hawk.client.header('http://localhost/x', 'GET', {
    credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
    timestamp: Math.floor(t.clock.now().getTime() / 1000),
  });
  const headers = { host: 'localhost', authorization: header };
  return auth.authenticate({ method: 'GET', url: '/x', headers });
};

describe('clients', () => {
  it('a created client is as requested, and its token signs at once', async () => {
    const client = await aClient({ scopes: ['b', 'a'], deleteOnExpiration: true });
    assert.match(client.accessToken, /^[A-Za-z0-9_-]{44}$/);
    assert.deepEqual([client.scopes, client.deleteOnExpiration, client.disabled], [['b', 'a'], true, false]);
    assert.ok((await authenticate(client)).satisfies({ AllOf: ['a', 'b'] }));
    const { accessToken: _, ...rest } = client;
    assert.deepEqual(await t.auth.client(client.clientId), rest);
  });
  it('a second creation with equal values changes nothing, and gives the same token', async () => {
    const client = await aClient({ scopes: ['a', 'b'] });
    const before = t.sent.length;
    const again = await t.auth.createClient(client.clientId, wanted({ scopes: ['b', 'a'] }), root());
    assert.equal(again.accessToken, client.accessToken);
    assert.equal(t.sent.length, before);
    for (const other of [
      { scopes: ['a'] },
      { description: 'x' },
      { deleteOnExpiration: true },
      { expires: new Date(0).toJSON() },
    ]) {
      const changed = wanted({ scopes: ['a', 'b'], ...other });
      await refuses(t.auth.createClient(client.clientId, changed, root()), 'RequestConflict');
    }
  });
  it('only the creator gets the token of a client again, and only soon', async () => {
    const { expires } = wanted();
    const again = ({ clientId }: { clientId: string }, caller = 'somebody') =>
      t.auth.createClient(clientId, wanted({ expires }), {
        ...root(),
        caller: t.auth.callerFor(['*'], caller),
      });
    const reset = await aClient({ expires });
    await refuses(again(reset, 'somebody-else'), 'RequestConflict');
    await again(reset);
    t.clock.advance(seconds(1));
    await t.auth.resetAccessToken(reset.clientId, root());
    await refuses(again(reset), 'RequestConflict');
    const late = await aClient({ expires });
    await again(late);
    t.clock.advance(minutes(15));
    await refuses(again(late), 'RequestConflict');
    const disabled = await aClient({ expires });
    await t.auth.disableClient(disabled.clientId, root());
    await refuses(again(disabled), 'RequestConflict');
  });
  it('it is recorded when a token was shown again, and only then', async () => {
    const client = await aClient();
    const stranger = { ...root(), caller: t.auth.callerFor(['*'], 'somebody-else') };
    await t.auth.createClient(client.clientId, wanted(), root());
    await refuses(t.auth.createClient(client.clientId, wanted(), stranger), 'RequestConflict');
    const { auditHistory } = await t.auth.getEntityHistory({
      entityType: 'client',
      entityId: client.clientId,
    });
    assert.deepEqual(
      auditHistory.map(({ actionType, clientId }) => [actionType, clientId]),
      [
        ['access token shown again', 'somebody'],
        ['created', 'somebody'],
      ],
    );
  });
  it('two creations at once give one client', async () => {
    const clientId = fresh('client');
    const both = await Promise.all([1, 2, 3].map(() => t.auth.createClient(clientId, wanted(), root())));
    assert.equal(new Set(both.map((client) => client.accessToken)).size, 1);
    assert.equal(
      t.sent.filter(({ body }) => (body as { clientId?: string }).clientId === clientId).length,
      1,
    );
  });
  it('the caller needs every scope of a new client, and at an update the added ones', async () => {
    const asked: unknown[] = [];
    const by = { ...root(), authorize: (values: object) => asked.push(values) };
    const clientId = fresh('client');
    await t.auth.createClient(clientId, wanted({ scopes: ['s:*'] }), by);
    await t.auth.updateClient(clientId, wanted({ scopes: ['s:*', 's:x'] }), by);
    await t.auth.updateClient(clientId, wanted({ scopes: undefined }), by);
    assert.deepEqual(asked, [{ scopes: ['s:*'] }, { scopesAdded: ['s:x'] }, { scopesAdded: [] }]);
    assert.deepEqual((await t.auth.client(clientId)).scopes, ['s:*', 's:x']);
  });
  it('a refused authorization changes nothing', async () => {
    const client = await aClient();
    const by = {
      ...root(),
      authorize: () => {
        throw new Error('no');
      },
    };
    await assert.rejects(t.auth.updateClient(client.clientId, wanted({ description: 'y' }), by), /no/);
    assert.equal((await t.auth.client(client.clientId)).description, 'for a test');
  });
  it('an update takes effect at once', async () => {
    const client = await aClient();
    assert.ok(!(await authenticate(client)).satisfies('z'));
    await t.auth.updateClient(client.clientId, wanted({ scopes: ['z'] }), root());
    assert.ok((await authenticate(client)).satisfies('z'));
  });
  it('a disabled client is refused until it is enabled; a repeat changes nothing', async () => {
    const client = await aClient();
    const before = t.sent.length;
    for (let i = 0; i < 2; i++)
      assert.equal((await t.auth.disableClient(client.clientId, root())).disabled, true);
    await refuses(authenticate(client), 'AuthenticationFailed', /disabled/);
    for (let i = 0; i < 2; i++)
      assert.equal((await t.auth.enableClient(client.clientId, root())).disabled, false);
    await authenticate(client);
    assert.equal(t.sent.length, before + 2);
  });
  it('a reset token ends the old one and what it issued', async () => {
    const client = await aClient();
    await authenticate(client);
    t.clock.advance(seconds(1));
    const reset = await t.auth.resetAccessToken(client.clientId, root());
    assert.ok(reset.lastRotated > client.lastRotated);
    await refuses(authenticate(client), 'AuthenticationFailed', /Bad mac/);
    await authenticate(reset);
  });
  it('a deleted client is gone; deleting it again succeeds', async () => {
    const client = await aClient();
    for (let i = 0; i < 2; i++) assert.equal(await t.auth.deleteClient(client.clientId, root()), undefined);
    await refuses(authenticate(client), 'AuthenticationFailed', /not found/);
    await refuses(t.auth.client(client.clientId), 'ResourceNotFound');
  });
  it('changes of a missing client are 404', async () => {
    for (const verb of ['resetAccessToken', 'enableClient', 'disableClient'] as const) {
      await refuses(t.auth[verb](fresh('client'), root()), 'ResourceNotFound');
    }
    await refuses(t.auth.updateClient(fresh('client'), wanted(), root()), 'ResourceNotFound');
  });
  it('two stars at the end of a scope are refused', async () => {
    await refuses(aClient({ scopes: ['a**'] }), 'InputError', /two stars/);
    const client = await aClient();
    await refuses(t.auth.updateClient(client.clientId, wanted({ scopes: ['**'] }), root()), 'InputError');
  });
  it('static clients cannot be changed', async () => {
    const { clientId } = rootKeys;
    await refuses(t.auth.createClient('static/x', wanted(), root()), 'InputError', /static client/);
    await refuses(t.auth.updateClient(clientId, wanted(), root()), 'InputError');
    for (const verb of ['resetAccessToken', 'enableClient', 'disableClient', 'deleteClient'] as const) {
      await refuses(t.auth[verb](clientId, root()), 'InputError');
    }
    await authenticate(rootKeys);
  });
  it('access tokens are not readable in the database', async () => {
    const client = await aClient();
    const rows = await t.db<{ accessToken: string }>`
      select access_token from clients where client_id = ${client.clientId}`;
    assert.ok(!rows[0]?.accessToken.includes(client.accessToken));
  });
  it('listings come in pages, by prefix', async () => {
    const prefix = `${fresh('list')}/`;
    for (const name of ['c', 'a', 'b']) await t.auth.createClient(`${prefix}${name}`, wanted(), root());
    const seen: string[] = [];
    let continuationToken: string | undefined;
    do {
      const token = continuationToken === undefined ? {} : { continuationToken };
      const page = await t.auth.listClients({ prefix, limit: 2, ...token });
      seen.push(...page.clients.map(({ clientId }) => clientId));
      continuationToken = page.continuationToken;
    } while (continuationToken);
    assert.deepEqual(seen, [`${prefix}a`, `${prefix}b`, `${prefix}c`]);
    await refuses(t.auth.listClients({ continuationToken: '!!' }), 'InputError');
  });
  it('expired clients are refused, and deleted with deleteOnExpiration', async () => {
    const kept = await aClient({ expires: later(t.clock.now(), hours(1)).toJSON() });
    const going = await aClient({
      expires: later(t.clock.now(), hours(1)).toJSON(),
      deleteOnExpiration: true,
    });
    await authenticate(going);
    t.clock.advance(hours(2));
    await refuses(authenticate(going), 'AuthenticationFailed', /expired/);
    const [loop] = t.auth.loops;
    assert.ok(((await loop?.step(loop.limit)) ?? 0) >= 1);
    await refuses(t.auth.client(going.clientId), 'ResourceNotFound');
    await t.auth.client(kept.clientId);
    await refuses(authenticate(going), 'AuthenticationFailed', /not found/);
  });
  it('the last use is recorded at most every six hours', async () => {
    const client = await aClient({ expires: later(t.clock.now(), days(30)).toJSON() });
    const lastUse = async () => {
      await authenticate(client);
      await t.auth.close();
      return (await t.auth.client(client.clientId)).lastDateUsed;
    };
    t.clock.advance(hours(5));
    assert.equal(await lastUse(), client.lastDateUsed);
    t.clock.advance(hours(2));
    const noted = t.clock.now().toJSON();
    assert.equal(await lastUse(), noted);
    t.clock.advance(hours(1));
    assert.equal(await lastUse(), noted);
  });
});

describe('roles', () => {
  const role = (scopes: string[], description = '') => ({ scopes, description });

  it('a created role shows what it expands to; a second equal creation changes nothing', async () => {
    const id = fresh('role');
    const made = await t.auth.createRole(id, role(['c', 'a', 'b']), root());
    assert.deepEqual(made.scopes, ['a', 'b', 'c']);
    assert.deepEqual(made.expandedScopes, ['a', `assume:${id}`, 'b', 'c']);
    const before = t.sent.length;
    assert.deepEqual(await t.auth.createRole(id, role(['a', 'c', 'b']), root()), made);
    assert.equal(t.sent.length, before);
    await refuses(t.auth.createRole(id, role(['a']), root()), 'RequestConflict');
    await refuses(t.auth.createRole(id, role(['a', 'b', 'c'], 'x'), root()), 'RequestConflict');
    assert.deepEqual(await t.auth.role(id), made);
  });
  it('a change of a role takes effect at once for clients that assume it', async () => {
    const id = fresh('role');
    await t.auth.createRole(id, role(['one']), root());
    const client = await aClient({ scopes: [`assume:${id}`] });
    assert.ok((await authenticate(client)).satisfies('one'));
    await t.auth.updateRole(id, role(['two']), root());
    const caller = await authenticate(client);
    assert.ok(caller.satisfies('two') && !caller.satisfies('one'));
    await t.auth.deleteRole(id, root());
    assert.ok(!(await authenticate(client)).satisfies('two'));
  });
  it('an update needs the scopes that the role did not give before, directly or through others', async () => {
    const [id, other] = [fresh('role'), fresh('role')];
    await t.auth.createRole(other, role(['deep']), root());
    await t.auth.createRole(id, role(['s:*', `assume:${other}`]), root());
    const asked: unknown[] = [];
    const by = { ...root(), authorize: (values: object) => asked.push(values) };
    await t.auth.updateRole(id, role(['s:x', 'deep', 'new']), by);
    assert.deepEqual(asked, [{ scopesAdded: ['new'] }]);
  });
  it('a cycle is refused, and the role stays as it was', async () => {
    const [a, b] = [fresh('role'), fresh('role')];
    await t.auth.createRole(a, role([`assume:${b}`]), root());
    await refuses(t.auth.createRole(b, role([`assume:${a}`]), root()), 'InputError', /cycle/);
    await t.auth.createRole(b, role([]), root());
    await refuses(t.auth.updateRole(b, role([`assume:${a}`]), root()), 'InputError', /cycle/);
    assert.deepEqual((await t.auth.role(b)).scopes, []);
    for (const own of ['*', 'a*', 'assume:*']) {
      await refuses(t.auth.createRole(fresh('role'), role([own]), root()), 'InputError', /cycle/);
    }
  });
  it('of simultaneous changes that together make a cycle, one is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const ids = [fresh('role'), fresh('role'), fresh('role')];
      for (const id of ids) await t.auth.createRole(id, role([]), root());
      const next = (i: number) => role([`assume:${ids[(i + 1) % ids.length]}`]);
      const all = await Promise.allSettled(ids.map((id, i) => t.auth.updateRole(id, next(i), root())));
      assert.equal(all.filter(({ status }) => status === 'rejected').length, 1);
    }
  });
  it('a scope may contain one parameter, but not end in a star and a parameter', async () => {
    await refuses(t.auth.createRole(fresh('r*'), role(['a<..><..>']), root()), 'InputError');
    await refuses(t.auth.createRole(fresh('r*'), role(['a*<..>']), root()), 'InputError');
    await refuses(t.auth.createRole(fresh('r*'), role(['a**']), root()), 'InputError');
  });
  it('are all listed, or in pages when a limit is given', async () => {
    const ids = [fresh('role'), fresh('role')];
    for (const id of ids) await t.auth.createRole(id, role([]), root());
    const all = (await t.auth.listRoles()).map(({ roleId }) => roleId);
    assert.ok(ids.every((id) => all.includes(id)));
    assert.deepEqual((await t.auth.listRoleIds({})).roleIds, all);
    const first = await t.auth.listRoles2({ limit: 1 });
    assert.deepEqual([first.roles.length, first.roles[0]?.roleId], [1, all[0]]);
    const second = await t.auth.listRoleIds({ limit: 1, continuationToken: first.continuationToken ?? '' });
    assert.deepEqual(second.roleIds, [all[1]]);
    await refuses(t.auth.listRoles2({ limit: 1, continuationToken: '!!' }), 'InputError');
    assert.equal((await t.auth.listRoles2({})).continuationToken, undefined);
  });
  it('deleting a missing role succeeds, changing it is 404', async () => {
    assert.equal(await t.auth.deleteRole(fresh('role'), root()), undefined);
    await refuses(t.auth.updateRole(fresh('role'), role([]), root()), 'ResourceNotFound');
    await refuses(t.auth.role(fresh('role')), 'ResourceNotFound');
  });
});

describe('what is recorded', () => {
  it('every change has an audit entry and a message', async () => {
    const { clientId } = await aClient();
    await t.auth.updateClient(clientId, wanted(), root());
    await t.auth.disableClient(clientId, root());
    await t.auth.enableClient(clientId, root());
    await t.auth.resetAccessToken(clientId, root());
    await t.auth.deleteClient(clientId, root());
    const { auditHistory } = await t.auth.getEntityHistory({ entityType: 'client', entityId: clientId });
    assert.deepEqual(auditHistory.map(({ actionType }) => actionType).reverse(), [
      'created',
      'updated',
      'client disabled',
      'client enabled',
      'access token reset',
      'deleted',
    ]);
    assert.ok(auditHistory.every((entry) => entry.clientId === 'somebody' && entry.entityType === 'client'));
    const messages = t.sent.filter(({ body }) => (body as { clientId?: string }).clientId === clientId);
    assert.deepEqual(
      messages.map(({ exchange }) => exchange.split('/').at(-1)),
      ['client-created', ...Array<string>(4).fill('client-updated'), 'client-deleted'],
    );
    assert.deepEqual(messages[0], {
      exchange: 'exchange/taskcluster-auth/v1/client-created',
      routingKey: '_',
      routes: [],
      body: { version: 1, clientId },
    });
  });
  it('the changes that a client made come in pages, newest first', async () => {
    const by = { ...root(), caller: t.auth.callerFor(['*'], fresh('actor')) };
    const id = fresh('role');
    await t.auth.createRole(id, { scopes: [], description: '' }, by);
    await t.auth.updateRole(id, { scopes: [], description: 'x' }, by);
    const first = await t.auth.listAuditHistory({ clientId: by.caller.clientId, limit: 1 });
    assert.deepEqual(
      first.auditHistory.map(({ actionType }) => actionType),
      ['updated'],
    );
    const token = first.continuationToken ?? '';
    const second = await t.auth.listAuditHistory({
      clientId: by.caller.clientId,
      limit: 1,
      continuationToken: token,
    });
    assert.deepEqual(
      second.auditHistory.map(({ actionType, entityId }) => [actionType, entityId]),
      [['created', id]],
    );
    assert.equal(second.continuationToken, undefined);
  });
});

describe('several processes', () => {
  it('one sees what another created at its first use, and a disabled client soon after', async () => {
    const other = await t.another();
    await authenticate(rootKeys, other);
    const client = await aClient();
    await authenticate(client, other);
    await t.auth.disableClient(client.clientId, root());
    t.clock.advance(seconds(6));
    await refuses(authenticate(client, other), 'AuthenticationFailed', /disabled/);
    await t.auth.enableClient(client.clientId, root());
    await authenticate(client, other);
    const reset = await t.auth.resetAccessToken(client.clientId, root());
    await authenticate(reset, other);
  });
});

describe('credentials that auth issues', () => {
  it('are accepted, under their name and with their scopes', async () => {
    const keys = t.auth.issueCredentials({
      clientId: 'task-client/x',
      scopes: ['queue:x'],
      start: t.clock.now(),
      expiry: later(t.clock.now(), hours(1)),
    });
    const ext = Buffer.from(JSON.stringify({ certificate: JSON.parse(keys.certificate) })).toString('base64');
    const { header } = hawk.client.header('http://localhost/x', 'GET', {
      credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
      timestamp: Math.floor(t.clock.now().getTime() / 1000),
      ext,
    });
    const headers = { host: 'localhost', authorization: header };
    const caller = await t.auth.authenticate({ method: 'GET', url: '/x', headers });
    assert.deepEqual([caller.clientId, caller.scopes], ['task-client/x', ['assume:anonymous', 'queue:x']]);
  });
});
