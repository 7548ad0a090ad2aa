import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { encryption, minutes, silentLog } from '../../base/index.ts';
import { type Opened, opened } from '../../testing/index.ts';
import { type Auth, createAuth } from '../index.ts';
import { mistakesInStaticClients, type StaticClient } from '../schema/index.ts';
import { queueKeys, rootKeys, type TestAuth, testAuth } from '../testing.ts';

let t: TestAuth;
before(async () => {
  t = await testAuth();
});
after(() => t.close());

const [oldKey, newKey] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
const keys = {
  before: encryption({ keys: { old: oldKey }, current: 'old' }),
  during: encryption({ keys: { new: newKey, old: oldKey }, current: 'new' }),
  after: encryption({ keys: { new: newKey }, current: 'new' }),
};

const everything = { description: 'Built in.', scopes: ['*'] };
const own: StaticClient[] = [
  { ...rootKeys, ...everything },
  { ...queueKeys, ...everything },
];
const extra = {
  clientId: 'static/extra',
  accessToken: 'x'.repeat(22),
  description: 'An extra.',
  scopes: ['a'],
};

/** Auth as in another process, with other keys or clients. */
const started = async (
  staticClients: readonly StaticClient[] = own,
  more: Partial<Parameters<typeof createAuth>[0]> = {},
): Promise<Opened<Auth>> => {
  const outbox = { append: async () => {} };
  const deps = { db: t.db, clock: t.clock, log: silentLog, encryption: keys.before, outbox, staticClients };
  const auth = opened(createAuth({ ...deps, ...more }));
  await auth.start();
  return auth;
};

const step = async (auth: Opened<Auth>, name: string): Promise<number> => {
  const loop = auth.loops.find((one) => one.name === name);
  assert.ok(loop);
  return loop.step(loop.limit);
};

const keyIdsInUse = async (): Promise<string[]> => {
  const rows = await t.db<{ id: string }>`
    select distinct split_part(access_token, '.', 1) as id from clients order by id`;
  return rows.map(({ id }) => id);
};

describe('static clients', () => {
  it('are made those of the configuration at the start: added, changed, and deleted', async () => {
    const first = await started([...own, extra]);
    const made = await first.client(extra.clientId);
    assert.deepEqual([made.scopes, made.description], [['a'], 'An extra.']);
    t.clock.advance(minutes(1));
    const changed = { ...extra, scopes: ['b'], description: 'Another.' };
    const second = await started([...own, changed]);
    const now = await second.client(extra.clientId);
    assert.deepEqual([now.scopes, now.description], [['b'], 'Another.']);
    assert.deepEqual([now.created, now.lastRotated], [made.created, made.lastRotated]);
    const third = await started([...own, { ...changed, accessToken: 'y'.repeat(22) }]);
    assert.ok((await third.client(extra.clientId)).lastRotated > made.lastRotated);
    const last = await started();
    await assert.rejects(last.client(extra.clientId), { code: 'ResourceNotFound' });
  });
  it('keep their stored token when the configured one is only an initial one', async () => {
    const keeping = (accessToken: string): StaticClient[] => [
      ...own,
      { ...extra, accessToken, keepsToken: true },
    ];
    await started(keeping('first'.repeat(5)));
    const later = await started(keeping('other'.repeat(5)));
    assert.equal(later.staticCredentials(extra.clientId).accessToken, 'first'.repeat(5));
    const given = await started([...own, { ...extra, accessToken: 'given'.repeat(5) }]);
    assert.equal(given.staticCredentials(extra.clientId).accessToken, 'given'.repeat(5));
  });
  it('get another token when the encryption key of their own is gone', async () => {
    await started([...own, extra], { encryption: encryption({ keys: { lost: newKey }, current: 'lost' }) });
    const auth = await started([...own, { ...extra, accessToken: 'again'.repeat(5), keepsToken: true }]);
    assert.equal(auth.staticCredentials(extra.clientId).accessToken, 'again'.repeat(5));
  });
  it('have the same tokens in all processes that start together', async () => {
    for (let round = 0; round < 5; round++) {
      const clientId = `static/round-${round}`;
      const tokens = await Promise.all(
        ['a', 'b', 'c', 'd'].map(async (letter) => {
          const client = { ...extra, clientId, accessToken: letter.repeat(22), keepsToken: true };
          const clients = letter < 'c' ? [client, ...own] : [...own, client];
          return (await started(clients)).staticCredentials(clientId).accessToken;
        }),
      );
      assert.equal(new Set(tokens).size, 1);
    }
  });
  it('are refused when they are invalid', async () => {
    await assert.rejects(started([{ ...extra, clientId: 'extra' }]), /must begin with static/);
    await assert.rejects(started([{ ...extra, accessToken: 'short' }]), /22 to 66/);
  });
});

describe('an encryption key', () => {
  it('can be retired once everything that it encrypted has been encrypted again', async () => {
    const first = await started();
    const by = { caller: first.callerFor(['*']), authorize: () => {} };
    const wanted = { expires: '2100-01-01T00:00:00.000Z', description: '', scopes: [] };
    const made = await Promise.all(
      ['a', 'b', 'c'].map((name) => first.createClient(`rotation/${name}`, wanted, by)),
    );
    const modified = (await first.client('rotation/a')).lastModified;
    assert.equal(await step(first, 'renew-encryption'), 0);
    const spoilt = await first.createClient('rotation/spoilt', wanted, by);
    await t.db`update clients set access_token = 'old.AAAA' where client_id = ${spoilt.clientId}`;
    const during = await started(own, { encryption: keys.during });
    assert.deepEqual(await keyIdsInUse(), ['new', 'old']);
    assert.equal(await step(during, 'renew-encryption'), 3);
    assert.equal(await step(during, 'renew-encryption'), 0);
    assert.deepEqual(await keyIdsInUse(), ['new', 'old']);
    await during.deleteClient(spoilt.clientId, by);
    assert.deepEqual(await keyIdsInUse(), ['new']);
    const last = await started(own, { encryption: keys.after });
    assert.equal((await last.client('rotation/a')).lastModified, modified);
    const again = await last.createClient('rotation/a', wanted, { ...by, caller: last.callerFor(['*']) });
    assert.equal(again.accessToken, made[0]?.accessToken);
  });
});

describe('the audit history', () => {
  it('is kept for the configured time', async () => {
    const auth = await started(own, { auditRetentionDays: 30 });
    const by = { caller: auth.callerFor(['*'], 'historian'), authorize: () => {} };
    const made = async () => (await auth.listAuditHistory({ clientId: 'historian' })).auditHistory.length;
    await auth.createRole('history', { scopes: [], description: '' }, by);
    t.clock.advance(minutes(60 * 24 * 29));
    await auth.updateRole('history', { scopes: [], description: 'x' }, by);
    await step(auth, 'purge-audit-history');
    assert.equal(await made(), 2);
    t.clock.advance(minutes(60 * 24 * 2));
    assert.ok((await step(auth, 'purge-audit-history')) >= 1);
    assert.equal(await made(), 1);
    assert.equal(await step(auth, 'purge-audit-history'), 0);
    assert.equal(await step(await started(own), 'purge-audit-history'), 0);
  });
});

describe('static clients of a configuration', () => {
  const { clientId, accessToken } = rootKeys;
  it('may set the tokens of the platform’s clients, and nothing else', () => {
    assert.deepEqual(mistakesInStaticClients([{ clientId, accessToken }, extra]), []);
    assert.match(mistakesInStaticClients([{ clientId, accessToken, scopes: [] }])[0] ?? '', /built in/);
    const unknown = { clientId: 'static/taskcluster/hooks', accessToken };
    assert.match(mistakesInStaticClients([unknown])[0] ?? '', /none of the platform's own/);
  });
  it('have a description and sound scopes, each a name of its own under static/', () => {
    const { description: _, ...undescribed } = extra;
    const mistakes = mistakesInStaticClients([
      extra,
      extra,
      { ...undescribed, clientId: 'static/b' },
      { ...extra, clientId: 'c' },
      { ...extra, clientId: 'static/d', scopes: ['a**'] },
    ]);
    assert.deepEqual(mistakes, [
      'static/extra: is there twice',
      'static/b: needs a description and scopes',
      'c: must begin with static/',
      'static/d: has a scope that ends in two stars',
    ]);
  });
});
