import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { type FastifyInstance, fastify } from 'fastify';
import hawk from 'hawk';
import { referenceDocuments, serve } from '../../http/index.ts';
import { servedOn } from '../../testing/index.ts';
import { authDeclaration, fillTemplate } from '../index.ts';
import { type FakeParty, fakeParty } from '../service/other-parties/testing.ts';
import { rootKeys, type TestAuth, testAuth } from '../testing.ts';

let t: TestAuth;
let app: FastifyInstance;
let sentry: FakeParty;
before(async () => {
  const dsn = { secret: 'https://a:b@sentry/1', public: 'https://a@sentry/1' };
  sentry = await fakeParty(({ method }) =>
    method === 'GET' ? { status: 200, body: [] } : { status: 201, body: { id: 'key', dsn } },
  );
  t = await testAuth({
    websocktunnelSecret: 'tunnel-secret',
    sentry: { url: sentry.url, organization: 'o', authToken: 't', team: 'c', keyPrefix: 'yard' },
  });
  app = fastify({ routerOptions: { maxParamLength: 1000 } });
  const deps = {
    ...servedOn(t.clock),
    authenticate: t.auth.authenticate,
    requirePayload: t.auth.requirePayload,
    fillScopes: fillTemplate,
  };
  serve(app, deps, { declarations: [authDeclaration], services: { auth: t.auth } });
});
after(async () => {
  await app.close();
  await sentry.close();
  await t.close();
});

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';
interface Asked {
  readonly keys?: { clientId: string; accessToken: string };
  /** The scopes that the call is restricted to. */
  readonly scopes?: string[];
  readonly body?: object;
}

const sign = (method: Method, path: string, { keys = rootKeys, scopes }: Asked): string =>
  hawk.client.header(`http://localhost:80${path}`, method, {
    credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
    timestamp: Math.floor(t.clock.now().getTime() / 1000),
    ...(scopes ? { ext: Buffer.from(JSON.stringify({ authorizedScopes: scopes })).toString('base64') } : {}),
  }).header;

const ask = async (method: Method, route: string, asked: Asked = {}) => {
  const url = `/api/auth/v1${route}`;
  const reply = await app.inject({
    method,
    url,
    headers: { host: 'localhost', authorization: sign(method, url, asked) },
    ...(asked.body ? { body: asked.body } : {}),
  });
  const body = reply.body === '' ? {} : (JSON.parse(reply.body) as Record<string, unknown>);
  return { status: reply.statusCode, body, code: body.code };
};

const definition = { description: '', expires: '2030-01-01T00:00:00.000Z' };

describe('the methods of auth', () => {
  it('create, show, list and delete a client, by a clientId with slashes', async () => {
    const route = `/clients/${encodeURIComponent('project/a/b')}`;
    const created = await ask('PUT', route, { body: { ...definition, scopes: ['a'] } });
    assert.equal(created.status, 200);
    assert.equal(typeof created.body.accessToken, 'string');
    assert.equal((await ask('GET', route)).body.clientId, 'project/a/b');
    assert.equal((await ask('GET', '/clients/?prefix=project/&limit=5')).status, 200);
    assert.equal((await ask('DELETE', route)).status, 204);
    assert.equal((await ask('GET', route)).status, 404);
  });
  it('refuse to grant scopes that the caller lacks', async () => {
    const scopes = ['auth:create-client:x', 'auth:create-role:x', 'a'];
    const body = { ...definition, scopes: ['a', 'b'] };
    assert.equal((await ask('PUT', '/clients/x', { scopes, body })).code, 'InsufficientScopes');
    const role = { description: '', scopes: ['a', 'b'] };
    assert.equal((await ask('PUT', '/roles/x', { scopes, body: role })).code, 'InsufficientScopes');
    assert.equal((await ask('PUT', '/roles/x', { scopes, body: { ...role, scopes: ['a'] } })).status, 200);
  });
  it('refuse bad ids and bodies', async () => {
    assert.equal((await ask('PUT', '/clients/a%20b', { body: definition })).code, 'InvalidRequestArguments');
    const repeated = { ...definition, scopes: ['a', 'a'] };
    assert.equal((await ask('PUT', '/clients/y', { body: repeated })).code, 'InputValidationError');
    assert.equal((await ask('GET', '/audit/cloud/x')).code, 'InvalidRequestArguments');
  });
  it('expand scopes, and return those of the call', async () => {
    const expanded = await ask('POST', '/scopes/expand', { body: { scopes: ['b', 'a*', 'ab'] } });
    assert.deepEqual(expanded.body, { scopes: ['a*', 'b'] });
    const current = await ask('GET', '/scopes/current', { scopes: ['auth:current-scopes'] });
    assert.deepEqual(current.body, { scopes: ['assume:anonymous', 'auth:current-scopes'] });
  });
  it('check the signature of a request to another service', async () => {
    const examine = async (authorization?: string) => {
      const parts = { method: 'get', resource: '/r', host: 'localhost', port: 80 };
      const body = authorization === undefined ? parts : { ...parts, authorization };
      return (await ask('POST', '/authenticate-hawk', { body })).body;
    };
    const good = await examine(sign('GET', '/r', {}));
    assert.deepEqual([good.status, good.scheme, good.clientId], ['auth-success', 'hawk', rootKeys.clientId]);
    assert.equal((await examine(sign('GET', '/other', {}))).status, 'auth-failed');
    assert.equal((await examine()).status, 'no-auth');
  });
  it('give a token for a websocktunnel', async () => {
    const { body } = await ask('GET', '/websocktunnel/aud/client.1');
    const [header, claims, signature] = String(body.token).split('.');
    const mac = createHmac('sha256', 'tunnel-secret').update(`${header}.${claims}`).digest('base64url');
    assert.equal(signature, mac);
    const { iat, nbf, exp, ...named } = JSON.parse(Buffer.from(String(claims), 'base64url').toString());
    assert.deepEqual(named, { tid: 'client.1', aud: 'aud', sub: rootKeys.clientId, iss: 'taskcluster-auth' });
    assert.deepEqual([iat - nbf, exp - iat], [900, 96 * 3600]);
  });
  it('pass on what a configured other service returns', async () => {
    const { status, body } = await ask('GET', '/sentry/web/dsn', { scopes: ['auth:sentry:web'] });
    assert.deepEqual([status, body.project], [200, 'web']);
    assert.deepEqual(body.dsn, { secret: 'https://a:b@sentry/1', public: 'https://a@sentry/1' });
    assert.equal((await ask('GET', '/sentry/web/dsn', { scopes: ['auth:sentry:other'] })).status, 403);
  });
  it('say what is not configured, but only to callers with the scopes', async () => {
    const read = 'auth:aws-s3:read-only:bucket-1/some/where';
    const s3 = (level: string, scopes: string[]) =>
      ask('GET', `/aws/s3/${level}/bucket-1/some/where`, { scopes });
    assert.deepEqual((await s3('read-only', [read])).code, 'ResourceNotFound');
    assert.deepEqual((await s3('read-write', [read])).code, 'InsufficientScopes');
    assert.equal((await s3('read-only', ['auth:aws-s3:read-write:*'])).status, 404);
    const body = { repositories: ['Repo'], permissions: { contents: 'write' } };
    const github = (scope: string) => ask('POST', '/github/app/Owner/repo-token', { scopes: [scope], body });
    assert.equal((await github('auth:github-repo-token:app/owner/repo:contents:write')).status, 404);
    assert.equal((await github('auth:github-repo-token:app/owner/repo:contents:read')).status, 403);
    for (const route of ['/azure/accounts', '/azure/account/containers'])
      assert.equal((await ask('GET', route)).status, 410, route);
    assert.equal((await ask('GET', '/gcp/credentials/p/a')).status, 404);
  });
});

describe('testAuthenticate', () => {
  const tester = { clientId: 'tester', accessToken: 'no-secret' };
  const attempt = (asked: Asked, test = { clientScopes: ['t:*'], requiredScopes: ['t:x'] }) => {
    const authorization = sign('POST', '/x', { keys: tester, ...asked });
    const headers = { host: 'localhost', authorization };
    return t.auth.testAuthenticate({ method: 'POST', url: '/x', headers, payload: '{}' }, test);
  };
  it('accepts the test client, with the scopes that the request gives it', async () => {
    assert.deepEqual(await attempt({}), { clientId: 'tester', scopes: ['assume:anonymous', 't:*'] });
    const restricted = await attempt({ scopes: ['t:x'] });
    assert.deepEqual(restricted.scopes, ['assume:anonymous', 't:x']);
  });
  it('accepts no other client, and requires the scopes', async () => {
    await assert.rejects(attempt({ keys: rootKeys }), { code: 'AuthenticationFailed' });
    await assert.rejects(attempt({ keys: { ...tester, accessToken: 'x' } }), {
      code: 'AuthenticationFailed',
    });
    await assert.rejects(attempt({ scopes: ['t:y'] }), { code: 'InsufficientScopes' });
  });
});

describe('a signed body', () => {
  it('must be the one that was sent', async () => {
    const body = JSON.stringify({ scopes: ['abc'] });
    const url = '/api/auth/v1/scopes/expand';
    const { header } = hawk.client.header(`http://localhost:80${url}`, 'POST', {
      credentials: { id: rootKeys.clientId, key: rootKeys.accessToken, algorithm: 'sha256' },
      timestamp: Math.floor(t.clock.now().getTime() / 1000),
      payload: body,
      contentType: 'application/json',
    });
    const headers = {
      host: 'localhost',
      authorization: header,
      'content-type': 'application/json; charset=utf-8',
    };
    const send = (text: string) => app.inject({ method: 'POST', url, headers, body: text });
    assert.equal((await send(body)).statusCode, 200);
    const changed = await send(body.replace('abc', 'abd'));
    assert.equal(changed.statusCode, 401);
    assert.match(changed.body, /Invalid payload hash/);
  });
});

describe('the reference of auth', () => {
  it('has the methods of the published client, with equal routes, query, scopes and schemas', async () => {
    // The client contains the reference that it was generated from.
    const { default: apis } = (await import('taskcluster-client/src/apis.js' as string)) as {
      default: { Auth: { reference: { entries: Record<string, unknown>[] } } };
    };
    const documents = referenceDocuments([authDeclaration]);
    const { content } = documents.find(({ filename }) => filename.endsWith('auth/v1/api.json')) ?? {};
    const ours = (content as { entries: Record<string, unknown>[] }).entries;
    const contractOf = (entry: Record<string, unknown> | undefined) => {
      const { method, route, args, input, output, scopes } = entry ?? {};
      const query = [...((entry?.query as string[]) ?? [])].sort();
      return JSON.parse(JSON.stringify({ method, route, args, input, output, scopes, query }));
    };
    for (const theirs of apis.Auth.reference.entries) {
      const mine = ours.find((entry) => entry.name === theirs.name);
      assert.deepEqual(contractOf(mine), contractOf(theirs), String(theirs.name));
    }
  });
});
