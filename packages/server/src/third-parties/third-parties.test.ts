import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as oauth from 'oauth4webapi';
import { days, minutes } from '../base/index.ts';
import type { RegisteredClient } from './index.ts';
import { type TestThirdParties, testThirdParties, type Visitor } from './testing.ts';

const redirectUri = 'https://site.example.com/back?from=taskyard';
const scope = ['queue:create-task:*', 'secrets:get:site'];
const aSite = (fields: Partial<RegisteredClient>): RegisteredClient => ({
  clientId: 'site',
  responseType: 'code',
  scope,
  redirectUri: [redirectUri, 'https://site.example.com/other'],
  maxExpires: '1 hour',
  ...fields,
});

const sites = [
  aSite({}),
  aSite({ clientId: 'strict', requirePkce: true }),
  aSite({ clientId: 'implicit', responseType: 'token' }),
  aSite({ clientId: 'known', whitelisted: true }),
  aSite({ clientId: 'known-implicit', whitelisted: true, responseType: 'token' }),
  aSite({ clientId: 'another', redirectUri: [redirectUri] }),
];

let t: TestThirdParties;
let server: oauth.AuthorizationServer;
before(async () => {
  t = await testThirdParties(sites);
  server = {
    issuer: t.origin,
    authorization_endpoint: `${t.origin}/login/oauth/authorize`,
    token_endpoint: `${t.origin}/login/oauth/token`,
  };
});
after(() => t.close());

type Fields = Readonly<Record<string, string | undefined>>;
const held = ['queue:*', 'secrets:get:site', 'auth:*'];
const insecure = { [oauth.allowInsecureRequests]: true } as const;

const asked = (fields: Fields = {}): URLSearchParams => {
  const all: Fields = {
    response_type: 'code',
    client_id: 'site',
    redirect_uri: redirectUri,
    scope: scope.join(' '),
    state: 'a state',
    ...fields,
  };
  return new URLSearchParams(
    Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
};

interface Sent {
  readonly status: number;
  readonly location: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Goes where a site sends a browser. */
const authorize = async (query: URLSearchParams | string): Promise<Sent> => {
  const reply = await fetch(`${t.origin}/login/oauth/authorize?${query}`, { redirect: 'manual' });
  const text = await reply.text();
  const location = reply.headers.get('location') ?? '';
  return { status: reply.status, location, body: location ? {} : (JSON.parse(text) as Sent['body']) };
};

const decide = async (
  { cookie }: Pick<Visitor, 'cookie'>,
  query: URLSearchParams,
  { isAllowed = true, contentType = 'application/json' } = {},
): Promise<{ status: number; url: URL | undefined }> => {
  const reply = await fetch(`${t.origin}/api/sessions/v1/third-party-decisions`, {
    method: 'POST',
    headers: { cookie, 'content-type': contentType },
    body: JSON.stringify({ query: query.toString(), isAllowed }),
  });
  const { url } = (await reply.json()) as { url?: string };
  return { status: reply.status, url: url === undefined ? undefined : new URL(url) };
};

/** The way of a browser through our page, with somebody who says yes. */
const admitted = async (visitor: Visitor, query: URLSearchParams): Promise<URL> => {
  const { location } = await authorize(query);
  const page = new URL(location);
  assert.equal(page.origin + page.pathname, 'http://localhost:8080/third-party');
  const carried = new URLSearchParams(page.searchParams.get('query') ?? '');
  assert.equal(carried.toString(), query.toString());
  const { url } = await decide(visitor, carried);
  return url ?? assert.fail('nobody is sent anywhere');
};

const codeOf = async (visitor: Visitor, fields: Fields = {}): Promise<string> =>
  (await admitted(visitor, asked(fields))).searchParams.get('code') ?? assert.fail('there is no code');

const exchange = async (fields: Fields) => {
  const all: Fields = {
    grant_type: 'authorization_code',
    client_id: 'site',
    redirect_uri: redirectUri,
    ...fields,
  };
  const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const reply = await fetch(`${t.origin}/login/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams(given),
  });
  const body = (await reply.json()) as { access_token?: string; error?: string };
  return { status: reply.status, ...body };
};

const credentials = async (token: string | undefined) => {
  const reply = await fetch(`${t.origin}/login/oauth/credentials`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body = (await reply.json()) as {
    expires: string;
    credentials: { clientId: string; accessToken: string };
  };
  return { status: reply.status, ...body };
};

/** The client that a site gets, as auth has it. */
const clientFor = async (visitor: Visitor, fields: Fields = {}) => {
  const { access_token: token } = await exchange({ code: await codeOf(visitor, fields) });
  const { credentials: given } = await credentials(token);
  return t.auth.client(given.clientId);
};

const sha256 = async (verifier: string) => ({
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
});

describe('a site gets credentials of a person', () => {
  it('by a code, with a client library that others wrote', async () => {
    const visitor = await t.aVisitor(held);
    const client: oauth.Client = { client_id: 'strict' };
    const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
    const returned = await admitted(
      visitor,
      asked({ client_id: 'strict', state, ...(await sha256(verifier)) }),
    );
    assert.equal(returned.searchParams.get('from'), 'taskyard');
    const parameters = oauth.validateAuthResponse(server, client, returned, state);
    const reply = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      redirectUri,
      verifier,
      insecure,
    );
    const { access_token: token, expires_in: seconds } = await oauth.processAuthorizationCodeResponse(
      server,
      client,
      reply,
    );
    assert.equal(seconds, 600);
    const resource = new URL('/login/oauth/credentials', t.origin);
    const answer = await oauth.protectedResourceRequest(
      token,
      'GET',
      resource,
      undefined,
      undefined,
      insecure,
    );
    const { credentials: given, expires } = (await answer.json()) as Awaited<ReturnType<typeof credentials>>;
    assert.match(given.clientId, new RegExp(`^${visitor.clientId}/strict-`));
    const made = await t.auth.client(given.clientId);
    assert.deepEqual([...made.scopes].sort(), scope);
    assert.equal(made.expires, expires);
    assert.equal(made.deleteOnExpiration, true);
    // While the token lasts, the same may be had again, since a reply may have been lost.
    assert.deepEqual((await credentials(token)).credentials, given);
  });

  it('by a token in the address, in the implicit flow', async () => {
    const visitor = await t.aVisitor(held);
    const query = asked({ client_id: 'implicit', response_type: 'token' });
    const returned = await admitted(visitor, query);
    const fields = new URLSearchParams(returned.hash.slice(1));
    assert.equal(returned.href.split('#')[0], redirectUri);
    assert.equal(fields.get('state'), 'a state');
    assert.equal(fields.get('token_type'), 'Bearer');
    const { status, credentials: given } = await credentials(fields.get('access_token') ?? '');
    assert.equal(status, 200);
    assert.match(given.clientId, /implicit-/);
  });

  it('with the scopes that it asks for and the person holds, and no others', async () => {
    const visitor = await t.aVisitor(['queue:create-task:low:a/b', 'secrets:*', 'hooks:*']);
    const { scopes } = await clientFor(visitor);
    assert.deepEqual([...scopes].sort(), ['queue:create-task:low:a/b', 'secrets:get:site']);
    const fewer = await clientFor(visitor, { scope: 'secrets:get:site' });
    assert.deepEqual(fewer.scopes, ['secrets:get:site']);
  });

  it('until the earliest of what it asks for, what it is registered for, and the end of the session', async () => {
    const visitor = await t.aVisitor(held);
    const lasts = async (expires: string | undefined) => {
      const client = await clientFor(visitor, { expires });
      return Date.parse(client.expires) - t.clock.now().getTime();
    };
    assert.equal(await lasts('15 minutes'), minutes(15));
    assert.equal(await lasts('3 days'), minutes(60));
    assert.equal(await lasts(undefined), minutes(60));
    t.clock.advance(minutes(60 * 24 * 7 - 5));
    assert.equal(await lasts('15 minutes'), minutes(5));
  });

  it('without a question only where it is known, uses codes, and asks for all that it is registered for', async () => {
    const { cookie } = await t.aVisitor(held);
    const described = async (fields: Fields) => {
      const reply = await fetch(`${t.origin}/api/sessions/v1/third-party-requests`, {
        method: 'POST',
        headers: { cookie, 'content-type': 'application/json' },
        body: JSON.stringify({ query: asked(fields).toString() }),
      });
      return (await reply.json()) as { isWhitelisted: boolean; thirdParty: string; scopes: string[] };
    };
    assert.equal((await described({ client_id: 'known' })).isWhitelisted, true);
    const implicit = { client_id: 'known-implicit', response_type: 'token' };
    assert.equal((await described(implicit)).isWhitelisted, false);
    const { thirdParty, scopes, isWhitelisted } = await described({});
    assert.deepEqual([thirdParty, isWhitelisted, scopes.sort()], ['site', false, scope]);
    const less = await authorize(asked({ client_id: 'known', scope: 'secrets:get:site' }));
    assert.equal(new URL(less.location).searchParams.get('error'), 'invalid_scope');
  });

  it('as nobody but somebody who is signed in, and says so in a way that no other page can', async () => {
    const visitor = await t.aVisitor(held);
    assert.equal((await decide({ cookie: '' }, asked())).status, 401);
    assert.equal((await decide(visitor, asked(), { contentType: 'text/plain' })).status, 400);
    const { url } = await decide(visitor, asked(), { isAllowed: false });
    assert.equal(url?.searchParams.get('error'), 'access_denied');
    assert.equal(url?.searchParams.get('state'), 'a state');
    assert.equal(url?.searchParams.has('code'), false);
  });
});

describe('a request of a site', () => {
  const unsent: Readonly<Record<string, Fields>> = {
    'an unknown site': { client_id: 'nobody' },
    'no site': { client_id: undefined },
    'no address': { redirect_uri: undefined },
    'another address': { redirect_uri: 'https://evil.example.com/' },
    'an address below': { redirect_uri: `${redirectUri}/more` },
    'an address with more': { redirect_uri: `${redirectUri}&more=1` },
    'an address in other letters': { redirect_uri: redirectUri.replace('site.example', 'SITE.example') },
    'an address with a port': { redirect_uri: redirectUri.replace('.com', '.com:443') },
    'an address with a user': { redirect_uri: redirectUri.replace('https://', 'https://a@') },
    'an address with a fragment': { redirect_uri: `${redirectUri}#` },
    'an address by http': { redirect_uri: redirectUri.replace('https', 'http') },
    'an encoded address': { redirect_uri: encodeURIComponent(redirectUri) },
    'the address of another site': { client_id: 'another', redirect_uri: 'https://site.example.com/other' },
  };
  for (const [what, fields] of Object.entries(unsent))
    it(`with ${what} sends nobody anywhere`, async () => {
      const { status, location, body } = await authorize(asked(fields));
      assert.ok([400, 403].includes(status), String(status));
      assert.equal(location, '');
      assert.match(String(body.error), /^(unauthorized_client|invalid_request)$/);
      const visitor = await t.aVisitor(held);
      assert.equal((await decide(visitor, asked(fields))).status, 400);
    });

  it('with two addresses or two sites sends nobody anywhere', async () => {
    for (const more of [`redirect_uri=https%3A%2F%2Fevil.example.com%2F`, 'client_id=another']) {
      const { status, location } = await authorize(`${asked()}&${more}`);
      assert.deepEqual([status, location], [400, '']);
    }
  });

  const told: Readonly<Record<string, readonly [Fields, string]>> = {
    'another kind of answer': [{ response_type: 'token' }, 'unsupported_response_type'],
    'both kinds of answer': [{ response_type: 'code token' }, 'unsupported_response_type'],
    'a scope that it is not registered for': [{ scope: `${scope[0]} queue:claim-work:a` }, 'invalid_scope'],
    'a wider scope': [{ scope: 'queue:create-*' }, 'invalid_scope'],
    'no scope': [{ scope: undefined }, 'invalid_scope'],
    'a time that cannot be read': [{ expires: 'soon' }, 'invalid_request'],
    'no time at all': [{ expires: '0 seconds' }, 'invalid_request'],
    'a challenge in plain text': [
      { code_challenge: 'a'.repeat(43), code_challenge_method: 'plain' },
      'invalid_request',
    ],
    'a challenge without a method': [{ code_challenge: 'a'.repeat(43) }, 'invalid_request'],
    'a method without a challenge': [{ code_challenge_method: 'S256' }, 'invalid_request'],
    'no challenge where there has to be one': [{ client_id: 'strict' }, 'invalid_request'],
  };
  for (const [what, [fields, error]] of Object.entries(told))
    it(`with ${what} is told ${error}, with its state`, async () => {
      const { location } = await authorize(asked(fields));
      const returned = new URL(location);
      assert.equal(returned.origin, 'https://site.example.com');
      assert.equal(returned.searchParams.get('error'), error);
      assert.equal(returned.searchParams.get('state'), 'a state');
      assert.equal(returned.searchParams.has('code'), false);
    });

  it('gets its state back letter by letter', async () => {
    const visitor = await t.aVisitor(held);
    for (const state of ['1e3', 'ä & "=#%00\\u0000', '{}', ' ', 'null'])
      assert.equal((await admitted(visitor, asked({ state }))).searchParams.get('state'), state);
  });
});

describe('a code', () => {
  const refused = async (fields: Fields) => {
    const { status, error, access_token: token } = await exchange(fields);
    assert.deepEqual([status, error, token], [400, 'invalid_grant', undefined]);
  };

  it('is of no use to another site, or with another address', async () => {
    const code = await codeOf(await t.aVisitor(held));
    await refused({ code, client_id: 'another' });
    await refused({ code, redirect_uri: 'https://site.example.com/other' });
    assert.equal((await exchange({ code, client_id: undefined })).error, 'invalid_request');
    assert.equal((await exchange({ code, redirect_uri: undefined })).error, 'invalid_request');
    assert.equal((await exchange({ code, client_id: 'nobody' })).error, 'invalid_client');
    assert.equal((await exchange({ code, grant_type: 'password' })).error, 'unsupported_grant_type');
    assert.equal((await exchange({ code })).status, 200);
  });

  it('needs the verifier of its challenge, and takes none where there was no challenge', async () => {
    const visitor = await t.aVisitor(held);
    const verifier = oauth.generateRandomCodeVerifier();
    const challenge = await sha256(verifier);
    const code = await codeOf(visitor, challenge);
    await refused({ code });
    await refused({ code, code_verifier: challenge.code_challenge });
    await refused({ code, code_verifier: verifier.slice(1) });
    await refused({ code, code_verifier: '' });
    assert.equal((await exchange({ code, code_verifier: verifier })).status, 200);
    // Somebody has taken the challenge out of the request.
    await refused({ code: await codeOf(visitor), code_verifier: verifier });
  });

  it('works once, also when two come at once; after that nothing that it has become works', async () => {
    const visitor = await t.aVisitor(held);
    const code = await codeOf(visitor);
    const both = await Promise.all([exchange({ code }), exchange({ code })]);
    assert.deepEqual(both.map(({ status }) => status).sort(), [200, 400]);
    const token = both.find(({ status }) => status === 200)?.access_token;
    assert.equal((await credentials(token)).status, 401);

    const second = await codeOf(visitor);
    const { access_token: used } = await exchange({ code: second });
    const { credentials: given } = await credentials(used);
    assert.equal((await t.auth.client(given.clientId)).disabled, false);
    await refused({ code: second });
    await t.step('check-third-party-clients');
    assert.equal((await t.auth.client(given.clientId)).disabled, true);
    assert.equal((await credentials(used)).status, 401);
  });

  it('that is no one’s, or is too old, is refused, and so is a token', async () => {
    const visitor = await t.aVisitor(held);
    await refused({ code: 'a'.repeat(43) });
    assert.equal((await credentials('a'.repeat(43))).status, 401);
    assert.equal((await credentials('')).status, 401);
    const [code, other] = [await codeOf(visitor), await codeOf(visitor)];
    const { access_token: token } = await exchange({ code: other });
    t.clock.advance(minutes(10));
    await refused({ code });
    assert.equal((await credentials(token)).status, 401);
  });

  it('is known to the database by its digest only, and so is a token', async () => {
    const code = await codeOf(await t.aVisitor(held));
    const { access_token: token = '' } = await exchange({ code });
    const rows = await t.db<{ row: string }>`select g::text as row from third_party_grants g`;
    assert.ok(rows.length > 0);
    assert.ok(rows.every(({ row }) => !row.includes(code) && !row.includes(token)));
  });
});

describe('what a site has got', () => {
  const by = () => ({ caller: t.auth.callerFor(['*']), authorize: () => {} });

  it('ends when its person has a scope of it no more, though they enable it again', async () => {
    const visitor = await t.aVisitor(held);
    const { clientId } = await clientFor(visitor);
    const isDisabled = async () => {
      t.clock.advance(minutes(10));
      await t.step('check-third-party-clients');
      return (await t.auth.client(clientId)).disabled;
    };
    assert.equal(await isDisabled(), false);
    const { expires, description } = await t.auth.client(visitor.clientId);
    const narrowed = { expires, description, scopes: ['secrets:get:site'], deleteOnExpiration: false };
    await t.auth.updateClient(visitor.clientId, narrowed, by());
    assert.equal(await isDisabled(), true);
    await t.auth.enableClient(clientId, by());
    assert.equal(await isDisabled(), true);
  });

  it('is looked at although the clock was set back', async () => {
    const visitor = await t.aVisitor(held);
    const { clientId } = await clientFor(visitor);
    await t.auth.disableClient(visitor.clientId, by());
    t.clock.advance(-days(1));
    await t.step('check-third-party-clients');
    assert.equal((await t.auth.client(clientId)).disabled, true);
    t.clock.advance(days(1));
  });

  it('is not given to a token whose person has lost a scope of it, or is disabled', async () => {
    for (const scopes of [['secrets:get:site'], undefined]) {
      const visitor = await t.aVisitor(held);
      const { access_token: token } = await exchange({ code: await codeOf(visitor) });
      const { expires, description } = await t.auth.client(visitor.clientId);
      const definition = { expires, description, deleteOnExpiration: false };
      if (scopes) await t.auth.updateClient(visitor.clientId, { ...definition, scopes }, by());
      else await t.auth.disableClient(visitor.clientId, by());
      assert.equal((await credentials(token)).status, 401);
    }
  });

  it('is forgotten when it has expired', async () => {
    const visitor = await t.aVisitor(held);
    await clientFor(visitor);
    await codeOf(visitor);
    t.clock.advance(minutes(61));
    await t.step('delete-ended-grants');
    const left = await t.db`select id from third_party_grants where grantor = ${visitor.clientId}`;
    assert.equal(left.length, 0);
  });
});
