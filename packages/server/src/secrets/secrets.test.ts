import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import type { AuditEntry } from '../auth/index.ts';
import {
  connect,
  type Database,
  type Encryption,
  encryption,
  hours,
  later,
  type ManualClock,
  manualClock,
  silentLog,
} from '../base/index.ts';
import { type Opened, opened, served, stepOf, type TestDatabase, testDatabase } from '../testing/index.ts';
import { createSecrets, type Secrets, secretsDeclaration } from './index.ts';

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64');
const oldKey = encryption({ keys: { old: keyOf(1) }, current: 'old' });
const bothKeys = encryption({ keys: { old: keyOf(1), fresh: keyOf(2) }, current: 'fresh' });
const freshKey = encryption({ keys: { fresh: keyOf(2) }, current: 'fresh' });

let database: TestDatabase;
let clock: ManualClock;
let audit: AuditEntry[] = [];
let app: FastifyInstance;
let secrets: Opened<Secrets>;

const open = (db: Database, encryptedBy: Encryption, log = silentLog): Opened<Secrets> =>
  opened(
    createSecrets({
      db,
      clock,
      log,
      encryption: encryptedBy,
      recordAudit: async (_tx, entries) => {
        audit.push(...entries);
      },
    }),
  );

before(async () => {
  database = await testDatabase();
  clock = manualClock();
  secrets = open(database.db, oldKey);
  app = served({ declarations: [secretsDeclaration], services: { secrets } }, { clock });
});
after(async () => {
  await app.close();
  await database.drop();
});

const ask = async (
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  { scopes = ['*'], body }: { scopes?: readonly string[]; body?: object } = {},
) => {
  const headers = { scopes: JSON.stringify(scopes) };
  const url = `/api/secrets/v1/${path}`;
  const reply = await app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
  return { status: reply.statusCode, text: reply.body, body: JSON.parse(reply.body) };
};

const inHours = (count: number): string => later(clock.now(), hours(count)).toJSON();
const aSecret = (
  secret: Readonly<Record<string, unknown>> = { password: 'hunter2' },
  expires = inHours(1),
) => ({ secret, expires });
const set = (name: string, body: object) => ask('PUT', `secret/${name}`, { body });
const get = (name: string) => ask('GET', `secret/${name}`);
/** What was changed while this ran, as `<change> <name>`. */
const changesOf = async (run: () => Promise<unknown>): Promise<string[]> => {
  audit = [];
  await run();
  return audit.map(({ entityType, actionType, entityId, clientId }) => {
    assert.deepEqual([entityType, clientId], ['secret', 'tester']);
    return `${actionType} ${entityId}`;
  });
};

describe('a secret', () => {
  it('is read as it was set', async () => {
    const body = aSecret({ text: 'ü \u0000 \ud800', list: [1, { deep: null }], '': '' });
    const { status, body: answered } = await set('a/b%20c', body);
    assert.deepEqual([status, answered], [200, {}]);
    assert.deepEqual((await get('a/b%20c')).body, body);
    assert.deepEqual((await get(encodeURIComponent('a/b c'))).body, body);
  });

  it('is encrypted in the database', async () => {
    await set('at-rest', aSecret({ password: 'plain-to-see' }));
    const rows = await database.db<{ secret: string }>`select secret from secrets where name = 'at-rest'`;
    assert.match(rows[0]?.secret ?? '', /^old\.[\w-]+$/);
    assert.ok(!Buffer.from(rows[0]?.secret.slice(4) ?? '', 'base64url').includes('plain-to-see'));
  });

  it('is replaced by another one under its name', async () => {
    await set('replaced', aSecret({ v: 1 }));
    const other = aSecret({ w: 2 }, inHours(2));
    await set('replaced', other);
    assert.deepEqual((await get('replaced')).body, other);
  });

  it('is gone once it is removed, and may be removed again', async () => {
    await set('removed', aSecret());
    for (let i = 0; i < 2; i++) {
      const { status, body } = await ask('DELETE', 'secret/removed');
      assert.deepEqual([status, body], [200, {}]);
    }
    assert.equal((await get('removed')).body.code, 'ResourceNotFound');
  });

  it('that has expired is neither shown nor listed, and is deleted later', async () => {
    await set('short', aSecret({}, inHours(1)));
    await set('long', aSecret({}, inHours(100)));
    clock.advance(hours(1));
    const { status, body } = await get('short');
    assert.deepEqual([status, body.code], [410, 'ResourceExpired']);
    assert.ok(!(await ask('GET', 'secrets')).body.secrets.includes('short'));
    audit = [];
    const count = await stepOf(secrets.loops)('expire-secrets');
    assert.ok(count > 0);
    assert.equal(audit.length, count);
    const recorded = audit.find(({ entityId }) => entityId === 'short');
    assert.deepEqual(recorded, {
      entityType: 'secret',
      entityId: 'short',
      actionType: 'expired',
      clientId: 'expiration',
      created: clock.now(),
    });
    assert.equal(await stepOf(secrets.loops)('expire-secrets'), 0);
    assert.equal(audit.length, count);
    const names = await database.db<{
      name: string;
    }>`select name from secrets where name in ('short', 'long')`;
    assert.deepEqual(names, [{ name: 'long' }]);
    assert.equal((await get('short')).status, 404);
  });

  it('is refused when it is none, and no reply repeats it', async () => {
    const bodies = [
      { secret: 'hunter2', expires: inHours(1) },
      { secret: { password: 'hunter2' } },
      { expires: inHours(1) },
      { ...aSecret(), more: 1 },
      { secret: { password: 'hunter2' }, expires: 'never' },
    ];
    for (const body of bodies) {
      const reply = await set('refused', body);
      assert.deepEqual([reply.status, reply.body.code], [400, 'InputValidationError']);
      assert.ok(!reply.text.includes('hunter2'), reply.text);
    }
    for (const expires of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-01:00']) {
      const { body } = await set('refused', aSecret({}, expires));
      assert.equal(body.code, 'InputValidationError');
    }
    assert.equal((await set('x'.repeat(1001), aSecret())).body.code, 'InvalidRequestArguments');
    assert.equal((await get('refused')).status, 404);
  });
});

describe('who may do what with a secret', () => {
  it('depends on its name, and is asked before anything is looked up', async () => {
    await set('mine', aSecret());
    const held = [['secrets:get:other'], ['secrets:set:mine'], []];
    for (const name of ['mine', 'nobodys']) {
      for (const scopes of held) assert.equal((await ask('GET', `secret/${name}`, { scopes })).status, 403);
    }
    for (const scopes of [['secrets:get:mine'], ['secrets:set:other'], []]) {
      assert.equal((await ask('PUT', 'secret/mine', { scopes, body: aSecret() })).status, 403);
      assert.equal((await ask('DELETE', 'secret/mine', { scopes })).status, 403);
    }
    assert.equal((await ask('GET', 'secret/mine', { scopes: ['secrets:get:mine'] })).status, 200);
    assert.equal((await ask('GET', 'secrets', { scopes: ['secrets:get:*'] })).status, 403);
    assert.equal((await ask('GET', 'secrets', { scopes: ['secrets:list-secrets'] })).status, 200);
  });
});

describe('the list of secrets', () => {
  it('has all names in order, in pages', async () => {
    const names = ['list/1', 'list/10', 'list/2', 'list/a', 'list/b'];
    for (const name of names) await set(encodeURIComponent(name), aSecret());
    const found: string[] = [];
    let query = '';
    do {
      const { body } = await ask('GET', `secrets?limit=2${query}`);
      assert.ok(body.secrets.length <= 2);
      found.push(...body.secrets);
      query = body.continuationToken ? `&continuationToken=${body.continuationToken}` : '';
    } while (query);
    assert.deepEqual(found, [...found].sort());
    assert.deepEqual(
      found.filter((name) => name.startsWith('list/')),
      names,
    );
    assert.equal((await ask('GET', 'secrets?continuationToken=nonsense')).status, 400);
  });
});

describe('the audit history of secrets', () => {
  it('has every change, and none where nothing changed', async () => {
    const [one, other] = [aSecret({ v: 1 }), aSecret({ v: 2 })];
    assert.deepEqual(await changesOf(() => set('audited', one)), ['created audited']);
    assert.deepEqual(await changesOf(() => set('audited', one)), []);
    assert.deepEqual(await changesOf(() => set('audited', other)), ['updated audited']);
    assert.deepEqual(await changesOf(() => set('audited', { ...other, expires: inHours(3) })), [
      'updated audited',
    ]);
    const remove = () => ask('DELETE', 'secret/audited');
    assert.deepEqual(await changesOf(remove), ['deleted audited']);
    assert.deepEqual(await changesOf(remove), []);
  });

  it('has each of several changes that came together', async () => {
    const bodies = [1, 2, 2, 3].map((v) => aSecret({ v }));
    const changes = await changesOf(() => Promise.all(bodies.map((body) => set('together', body))));
    assert.deepEqual(changes, ['created together', 'updated together', 'updated together']);
    assert.deepEqual((await get('together')).body.secret, { v: 3 });
  });
});

describe('secrets of several processes', () => {
  it('that are set at once all succeed, and the last one is kept', async () => {
    const pool = connect({ url: database.url });
    const other = open(pool, oldKey);
    for (let round = 0; round < 10; round++) {
      const names = Array.from({ length: 20 }, (_, i) => `race/${round}/${i}`);
      const setBy = (by: Opened<Secrets>, order: readonly string[], v: number) =>
        order.map((name) => by.set({ name, ...aSecret({ v }), clientId: 'tester' }));
      await Promise.all([...setBy(secrets, names, 1), ...setBy(other, names.toReversed(), 2)]);
      const found = await Promise.all(names.map((name) => secrets.get(name)));
      assert.ok(found.every(({ secret }) => secret.v === 1 || secret.v === 2));
    }
    await pool.close();
  });
});

describe('an encryption key that is retired', () => {
  it('can be removed once all secrets are encrypted again; one that cannot be read holds up no other', async () => {
    await database.db`delete from secrets`;
    for (let i = 0; i < 12; i++) await set(`kept/${i}`, aSecret({ i }));
    await database.db`
      insert into secrets (name, secret, expires) values ('broken', 'old.nonsense', ${new Date(inHours(1))})`;
    const during = open(database.db, bothKeys);
    await during.set({ name: 'kept/new', ...aSecret({ i: 'new' }), clientId: 'tester' });
    const renew = () => stepOf(during.loops)('renew-encryption-of-secrets');
    let renewed = 0;
    for (let count = await renew(); count > 0; count = await renew()) renewed += count;
    assert.equal(renewed, 12);
    const afterwards = open(database.db, freshKey);
    for (const i of [0, 11, 'new']) assert.deepEqual((await afterwards.get(`kept/${i}`)).secret, { i });
    await assert.rejects(afterwards.get('broken'), /not an encrypted text/);
    await afterwards.set({ name: 'broken', ...aSecret({ mended: true }), clientId: 'tester' });
    assert.deepEqual((await afterwards.get('broken')).secret, { mended: true });
  });
});
