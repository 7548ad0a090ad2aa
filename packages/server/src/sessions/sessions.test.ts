import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { days, hours, later, minutes } from '../base/index.ts';
import { rootId, type TestSessions, testSessions } from './testing.ts';

let t: TestSessions;
before(async () => {
  t = await testSessions();
});
after(() => t.close());

const authorize = () => {};
let clients = 0;
/** A new client with these scopes. */
const aClient = async (scopes: string[]): Promise<string> => {
  const clientId = `tests/client-${++clients}`;
  const input = {
    expires: later(t.clock.now(), days(30)).toJSON(),
    description: '',
    scopes,
    deleteOnExpiration: false,
  };
  await t.auth.createClient(clientId, input, { caller: t.auth.callerFor(['*']), authorize });
  return clientId;
};

const codeFor = async (clientId: string): Promise<string> =>
  (await t.sessions.createSignInCodeFor(clientId)).code;
const cookieOf = (header: string): string => header.split(';')[0] ?? '';
/** Signs in; returns the cookie as a browser sends it back. */
const signedIn = async (clientId: string): Promise<string> =>
  cookieOf((await t.post('sign-in', { body: { code: await codeFor(clientId) } })).cookie);
const renewed = (cookie: string) => t.post('credentials', { cookie });

describe('a code', () => {
  it('signs in once, with a cookie that only this service is sent and no script can read', async () => {
    const code = await codeFor(rootId);
    const first = await t.post('sign-in', { body: { code } });
    assert.equal(first.status, 200);
    assert.match(
      first.cookie,
      /^taskyard-8080=[\w-]{43}; Max-Age=604800; Path=\/api\/sessions\/; HttpOnly; SameSite=Strict$/,
    );
    assert.equal((await t.post('sign-in', { body: { code } })).status, 401);
  });

  it('works for one of two simultaneous sign-ins', async () => {
    const code = await codeFor(rootId);
    const both = await Promise.all([1, 2].map(() => t.post('sign-in', { body: { code } })));
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 401]);
  });

  it('gives the same session to an attempt that is repeated, as its reply was lost', async () => {
    const code = await codeFor(rootId);
    const [attempt, other] = ['a'.repeat(22), 'b'.repeat(22)];
    const ask = (given: object) => t.post('sign-in', { body: { code, ...given } });
    const both = await Promise.all([1, 2].map(() => ask({ attempt })));
    const [first, again] = both.map(({ status, cookie }) => ({ status, cookie: cookieOf(cookie) }));
    assert.deepEqual(again, first);
    assert.equal(first?.status, 200);
    assert.equal((await renewed(first?.cookie ?? '')).status, 200);
    assert.equal((await ask({ attempt: other })).status, 401);
    assert.equal((await ask({})).status, 401);
    t.clock.advance(minutes(2));
    assert.equal((await ask({ attempt })).status, 401);
    assert.equal((await renewed(first?.cookie ?? '')).status, 200);
  });

  it('gives no session back that was signed out of', async () => {
    const body = { code: await codeFor(rootId), attempt: 'a'.repeat(22) };
    const { cookie } = await t.post('sign-in', { body });
    await t.post('sign-out', { cookie: cookieOf(cookie) });
    assert.equal((await t.post('sign-in', { body })).status, 401);
  });

  it('that was used without an attempt is not taken by one', async () => {
    const code = await codeFor(rootId);
    assert.equal((await t.post('sign-in', { body: { code } })).status, 200);
    assert.equal((await t.post('sign-in', { body: { code, attempt: 'a'.repeat(22) } })).status, 401);
  });

  it('ends after an hour', async () => {
    const code = await codeFor(rootId);
    t.clock.advance(hours(1));
    assert.equal((await t.post('sign-in', { body: { code } })).status, 401);
  });

  it('is given to callers with all scopes of the client, in the fragment of a link', async () => {
    const clientId = await aClient(['a:b', 'c:*']);
    const may = 'sessions:sign-in';
    const whole = t.auth.callerFor([may, 'a:b', 'c:*'], clientId);
    const { status, body } = await t.post('sign-in-codes', { caller: whole });
    assert.equal(status, 200);
    assert.equal(body.url, `http://localhost:8080/sign-in#${body.code}`);
    const narrowed = t.auth.callerFor([may, 'a:b'], clientId);
    assert.equal((await t.post('sign-in-codes', { caller: narrowed })).status, 403);
    assert.equal((await t.post('sign-in-codes')).status, 403);
  });

  it('begins no session that outlives the credentials that requested it', async () => {
    const clientId = await aClient(['a:b']);
    const expires = later(t.clock.now(), minutes(5));
    const caller = { ...t.auth.callerFor(['sessions:sign-in', 'a:b'], clientId), expires };
    const { body } = await t.post('sign-in-codes', { caller });
    const session = await t.post('sign-in', { body: { code: body.code } });
    assert.equal(session.body.sessionExpires, expires.toJSON());
    assert.equal(session.body.expires, expires.toJSON());
  });
});

describe('a session', () => {
  it('gets credentials of its client for 15 minutes, with the scopes of this client', async () => {
    const clientId = await aClient(['a:b']);
    const { status, body } = await renewed(await signedIn(clientId));
    assert.equal(status, 200);
    assert.equal(body.expires, later(t.clock.now(), minutes(15)).toJSON());
    const { clientId: signer, certificate } = body.credentials as { clientId: string; certificate: string };
    assert.equal(signer, clientId);
    assert.deepEqual((JSON.parse(certificate) as { scopes: string[] }).scopes, ['a:b']);
  });

  it('gets none without its cookie, with another one, or after a week', async () => {
    const cookie = await signedIn(rootId);
    assert.equal((await t.post('credentials')).status, 401);
    assert.equal((await renewed(`${cookie}x`)).status, 401);
    assert.equal((await renewed(cookie.replace('8080', '9090'))).status, 401);
    t.clock.advance(days(7));
    assert.equal((await renewed(cookie)).status, 401);
  });

  it('gets none once its client is disabled or deleted', async () => {
    const by = { caller: t.auth.callerFor(['*']), authorize };
    const [disabled, deleted] = [await aClient(['a:b']), await aClient(['a:b'])];
    const cookies = [await signedIn(disabled), await signedIn(deleted)];
    await t.auth.disableClient(disabled, by);
    await t.auth.deleteClient(deleted, by);
    for (const cookie of cookies) assert.equal((await renewed(cookie)).status, 401);
  });

  it('ends when its user signs out, which may be repeated', async () => {
    const cookie = await signedIn(rootId);
    for (const _ of [1, 2]) {
      const { status, cookie: forgotten } = await t.post('sign-out', { cookie });
      assert.equal(status, 200);
      assert.match(forgotten, /^taskyard-8080=; Max-Age=0; Path=\/api\/sessions\//);
    }
    assert.equal((await renewed(cookie)).status, 401);
  });

  it('is deleted when it has ended, as are unused codes', async () => {
    await signedIn(rootId);
    await codeFor(rootId);
    t.clock.advance(days(8));
    assert.ok((await t.step('delete-expired-sessions')) >= 2);
    assert.equal(await t.step('delete-expired-sessions'), 0);
  });
});

describe('the cookie of a server behind HTTPS', () => {
  it('is sent over HTTPS only', async () => {
    const secure = await testSessions({ rootUrl: 'https://tasks.example.com' });
    const { code } = await secure.sessions.createSignInCodeFor(rootId);
    const { cookie } = await secure.post('sign-in', { body: { code } });
    await secure.close();
    assert.match(cookie, /^taskyard-443=.*; Secure$/);
  });
});
