import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import hawk from 'hawk';
import { days, hours, later, minutes, slugid } from '../base/index.ts';
import { type Authorities, createAuthenticator } from './authenticate.ts';
import { createTemporaryCredentials } from './certificate.ts';
import type { KnownClient } from './directory.ts';
import { originOf, type SignedParts } from './hawk.ts';
import { compileRoles } from './scopes/index.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
const resource = '/api/queue/v1/task/abc?x=1';
const origin = { host: 'tasks.example.com', port: 8443 };
const url = `https://${origin.host}:${origin.port}${resource}`;

const client = (clientId: string, scopes: string[], changes: Partial<KnownClient> = {}): KnownClient => ({
  clientId,
  accessToken: `token-of-${clientId}`,
  scopes,
  expires: later(now, days(100)),
  disabled: false,
  lastDateUsed: now,
  ...changes,
});

const issuer = client('issuer', ['auth:create-client:named/*', 'assume:worker', 'queue:*']);
const clients = [
  issuer,
  client('plain', ['queue:*', 'x']),
  client('disabled', ['x'], { disabled: true }),
  client('expired', ['x'], { expires: later(now, -1) }),
];
const roles = compileRoles([
  { roleId: 'anonymous', scopes: ['public'] },
  { roleId: 'worker', scopes: ['work:*'] },
]);

const authorities = (known: readonly KnownClient[] = clients): Authorities => ({
  findClient: async (clientId) => known.find((one) => one.clientId === clientId),
  expand: roles.expand,
  generation: () => 0,
  noteUse: () => {},
});

interface Keys {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate?: string | object;
}

const extOf = ({ certificate }: Keys, more: object): string | undefined => {
  const parsed = typeof certificate === 'string' ? (JSON.parse(certificate) as object) : certificate;
  const ext = { ...(parsed ? { certificate: parsed } : {}), ...more };
  return Object.keys(ext).length > 0 ? Buffer.from(JSON.stringify(ext)).toString('base64') : undefined;
};

/** A header made by the npm package. */
const header = (keys: Keys, { ext = {}, at = now }: { ext?: object | string; at?: Date } = {}): string => {
  const text = typeof ext === 'string' ? ext : extOf(keys, ext);
  return hawk.client.header(url, 'GET', {
    credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
    timestamp: Math.floor(at.getTime() / 1000),
    nonce: 'nonce1',
    ...(text === undefined ? {} : { ext: text }),
  }).header;
};

const parts = (changes: Partial<SignedParts>): SignedParts => ({
  method: 'GET',
  resource,
  origins: [origin],
  ...changes,
});

const ask = async (changes: Partial<SignedParts>, at: Date = now) =>
  (await createAuthenticator(authorities())(parts(changes), at)).caller;
const refused = (changes: Partial<SignedParts>, message: RegExp, at: Date = now) =>
  assert.rejects(ask(changes, at), (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'AuthenticationFailed');
    assert.match(error.message, message);
    return true;
  });

const plain = { clientId: 'plain', accessToken: 'token-of-plain' };

describe('signatures in headers', () => {
  it('a valid one identifies the client, with roles and the anonymous scopes resolved', async () => {
    const caller = await ask({ authorization: header(plain) });
    assert.equal(caller.clientId, 'plain');
    assert.equal(caller.isAnonymous, false);
    assert.deepEqual(caller.scopes, ['assume:anonymous', 'public', 'queue:*', 'x']);
    assert.ok(caller.satisfies({ AllOf: ['queue:a', 'public'] }));
  });
  it('without one the caller is anonymous', async () => {
    const caller = await ask({});
    assert.deepEqual(
      [caller.clientId, caller.isAnonymous, caller.scopes],
      ['', true, ['assume:anonymous', 'public']],
    );
  });
  it('another method, path, query, host or port is refused', async () => {
    const authorization = header(plain);
    await refused({ authorization, method: 'POST' }, /Bad mac/);
    await refused({ authorization, resource: '/api/queue/v1/task/abd?x=1' }, /Bad mac/);
    await refused({ authorization, resource: '/api/queue/v1/task/abc?x=2' }, /Bad mac/);
    await refused({ authorization, origins: [{ host: 'other.example.com', port: 8443 }] }, /Bad mac/);
    await refused({ authorization, origins: [{ host: origin.host, port: 443 }] }, /Bad mac/);
  });
  it('any of the names of the server is accepted', async () => {
    const origins = [
      { host: 'wrong', port: 80 },
      { ...origin, host: 'TASKS.example.com' },
    ];
    assert.equal((await ask({ authorization: header(plain), origins })).clientId, 'plain');
  });
  it('a clock may differ by at most 15 minutes', async () => {
    for (const sign of [1, -1]) {
      await ask({ authorization: header(plain, { at: later(now, sign * (minutes(15) - 1000)) }) });
      await refused(
        { authorization: header(plain, { at: later(now, sign * (minutes(15) + 1000)) }) },
        /Stale/,
      );
    }
  });
  it('malformed headers are refused', async () => {
    const bad = [
      'Hawk',
      'Basic YTpi',
      'Hawk id="a"',
      'Hawk id=a',
      'Hawk id="a", ts="1", nonce="x", mac="y", bogus="z"',
      'Hawk id="a", id="b", ts="1", nonce="x", mac="y"',
      'Hawk id="a", ts="1", nonce="x", mac="y" trailing',
    ];
    for (const authorization of bad) await refused({ authorization }, /Hawk/);
  });
  it('unknown, disabled and expired clients are refused, each with its own message', async () => {
    const by = (clientId: string) => ({
      authorization: header({ clientId, accessToken: `token-of-${clientId}` }),
    });
    await refused(by('nobody'), /'nobody' not found/);
    await refused(by('disabled'), /is disabled/);
    await refused(by('expired'), /has expired/);
    await refused({ authorization: header({ ...plain, accessToken: 'other' }) }, /Bad mac/);
  });
  it('a header of many thousand characters is accepted', async () => {
    const ext = { authorizedScopes: Array.from({ length: 300 }, (_, i) => `queue:route:index.project.${i}`) };
    const authorization = header(plain, { ext });
    assert.ok(authorization.length > 8000);
    assert.ok((await ask({ authorization })).scopes.includes('queue:route:index.project.299'));
  });
});

describe('authorizedScopes', () => {
  it('narrow what the credentials may do', async () => {
    const caller = await ask({ authorization: header(plain, { ext: { authorizedScopes: ['queue:a'] } }) });
    assert.deepEqual(caller.scopes, ['assume:anonymous', 'public', 'queue:a']);
  });
  it('are refused when they exceed the credentials or are not a list of scopes', async () => {
    const by = (authorizedScopes: unknown) => ({
      authorization: header(plain, { ext: { authorizedScopes } }),
    });
    await refused(by(['y']), /go beyond/);
    for (const bad of ['a', { a: 1 }, [1], ['\u0001']])
      await refused(by(bad), /must be an array of valid scopes/);
  });
  it('an ext that is not base64 of a JSON object is refused', async () => {
    for (const ext of ['?', 'bm90IGpzb24=', 'MTc=', 'bnVsbA==']) {
      await refused({ authorization: header(plain, { ext }) }, /Failed to parse ext/);
    }
  });
});

describe('bewits', () => {
  const bewit = (keys: Keys, { at = now, of = url }: { at?: Date; of?: string } = {}): string =>
    hawk.uri.getBewit(of, {
      credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
      ttlSec: 60,
      localtimeOffsetMsec: at.getTime() - Date.now(),
      ext: extOf(keys, {}) ?? '',
    });
  it('sign GET and HEAD, at any place in the query', async () => {
    const signed = bewit(plain);
    for (const method of ['GET', 'HEAD']) {
      assert.equal((await ask({ method, resource: `${resource}&bewit=${signed}` })).clientId, 'plain');
    }
    const first = bewit(plain, { of: `https://${origin.host}:${origin.port}/a?x=1` });
    assert.equal((await ask({ resource: `/a?bewit=${first}&x=1` })).clientId, 'plain');
    const only = bewit(plain, { of: `https://${origin.host}:${origin.port}/a` });
    assert.equal((await ask({ resource: `/a?bewit=${only}` })).clientId, 'plain');
  });
  it('are refused for another method, after their end, together with a header, and when malformed', async () => {
    const signed = bewit(plain);
    await refused({ method: 'POST', resource: `${resource}&bewit=${signed}` }, /only GET/);
    await refused({ resource: `${resource}&bewit=${signed}` }, /Access expired/, later(now, minutes(2)));
    await refused(
      { resource: `${resource}&bewit=${signed}`, authorization: header(plain) },
      /two authentication/,
    );
    await refused({ resource: `${resource}&bewit=` }, /malformed/);
    await refused({ resource: `${resource}&y=2&bewit=${signed}` }, /Bad mac/);
  });
});

describe('temporary credentials', () => {
  it('that were revoked are refused although their certificate is valid', async () => {
    let revoked = '';
    const authenticate = createAuthenticator(authorities(), (id) => id === revoked);
    const request = parts({ authorization: header(temporary()) });
    await authenticate(request, now);
    revoked = temporary().clientId;
    await assert.rejects(authenticate(request, now), /have been revoked/);
  });

  const keys = { clientId: issuer.clientId, accessToken: issuer.accessToken };
  const temporary = (changes: Partial<Parameters<typeof createTemporaryCredentials>[0]> = {}) =>
    createTemporaryCredentials({
      clientId: 'named/a',
      issuer: keys,
      scopes: ['queue:a', 'assume:worker'],
      start: later(now, -minutes(1)),
      expiry: later(now, hours(1)),
      ...changes,
    });

  it('act under their own name, with their scopes, until they expire', async () => {
    const caller = await ask({ authorization: header(temporary()) });
    assert.equal(caller.clientId, 'named/a');
    assert.deepEqual(caller.scopes, ['assume:anonymous', 'assume:worker', 'public', 'queue:a', 'work:*']);
    assert.deepEqual(caller.expires, later(now, hours(1)));
  });
  it('without a name have that of their issuer', async () => {
    const { clientId: _, ...rest } = temporaryWanted();
    const unnamed = createTemporaryCredentials(rest);
    assert.equal(unnamed.clientId, 'issuer');
    assert.equal((await ask({ authorization: header(unnamed) })).clientId, 'issuer');
  });
  const temporaryWanted = () => ({
    clientId: 'named/a',
    issuer: keys,
    scopes: ['queue:a'],
    start: later(now, -minutes(1)),
    expiry: later(now, hours(1)),
  });
  it('are accepted up to five minutes early or late, at the first check and later', async () => {
    const authenticate = createAuthenticator(authorities());
    const by = (start: number, expiry: number) =>
      header(temporary({ start: later(now, start), expiry: later(now, expiry) }));
    for (let i = 0; i < 2; i++) {
      await authenticate(parts({ authorization: by(minutes(4), hours(1)) }), now);
      await authenticate(parts({ authorization: by(-hours(1), -minutes(4)) }), now);
    }
    await refused({ authorization: by(minutes(6), hours(1)) }, /start > now/);
    await refused({ authorization: by(-hours(1), -minutes(6)) }, /expiry < now/);
    const kept = temporary();
    await authenticate(parts({ authorization: header(kept) }), now);
    const after = later(now, hours(2));
    await assert.rejects(
      authenticate(parts({ authorization: header(kept, { at: after }) }), after),
      /expiry < now/,
    );
  });
  it('need an issuer with every scope, and with the right to give the name', async () => {
    await refused({ authorization: header(temporary({ scopes: ['y'] })) }, /doesn't satisfy all certificate/);
    await refused(
      { authorization: header(temporary({ clientId: 'other/a' })) },
      /lacks the scope auth:create-client:other\/a/,
    );
    await refused({ authorization: header(temporary({ clientId: 'issuer' })) }, /issuer must differ/);
  });
  it('cannot be used under another name, or with another key', async () => {
    await refused(
      { authorization: header({ ...temporary(), clientId: 'named/b' }) },
      /signature is not valid/,
    );
    await refused({ authorization: header({ ...temporary(), accessToken: issuer.accessToken }) }, /Bad mac/);
    const { clientId, accessToken } = temporary();
    await refused({ authorization: header({ clientId, accessToken }) }, /not found/);
  });
  it('cannot issue others', async () => {
    const { clientId, accessToken } = temporary();
    const second = createTemporaryCredentials({
      clientId: 'named/b',
      issuer: { clientId, accessToken },
      scopes: ['queue:a'],
      start: now,
      expiry: later(now, hours(1)),
    });
    await refused({ authorization: header(second) }, /not found/);
  });
  it('are refused when any field of the certificate was changed, each with its own message', async () => {
    const good = temporary();
    const certificate = JSON.parse(good.certificate) as Record<string, unknown>;
    const bad: [object, RegExp][] = [
      [{ version: 2 }, /version must be 1/],
      [{ seed: 'x'.repeat(43) }, /seed must be 44/],
      [{ seed: 44 }, /seed must be a string/],
      [{ start: String(now.getTime()) }, /start must be a number/],
      [{ expiry: '1' }, /expiry must be a number/],
      [{ scopes: 'x' }, /valid scopes/],
      [{ scopes: ['a\u0001'] }, /valid scopes/],
      [{ scopes: ['queue:b'] }, /signature is not valid/],
      [{ expiry: now.getTime() + days(1) }, /signature is not valid/],
      [{ start: now.getTime(), expiry: now.getTime() + days(31) + 1 }, /31 days/],
      [{ signature: 'x'.repeat(44) }, /signature is not valid/],
      [{ signature: 1 }, /signature must be a string/],
      [{ issuer: 1 }, /issuer must be a string/],
      [{ issuer: 'nobody' }, /'nobody' not found/],
      [{ issuer: 'disabled' }, /Bad mac/],
    ];
    for (const [change, message] of bad) {
      await refused(
        { authorization: header({ ...good, certificate: { ...certificate, ...change } }) },
        message,
      );
    }
    const { issuer: _, ...unnamed } = certificate;
    const withClientId = { ...unnamed, clientId: 'x' };
    await refused(
      { authorization: header({ ...good, certificate: withClientId }) },
      /clientId but no issuer/,
    );
    for (const none of [1, null, 'x', []]) {
      const ext = { certificate: none };
      await refused({ authorization: header(plain, { ext }) }, /must be an object/);
    }
  });
  it('are those that the protocol describes', () => {
    const { accessToken, certificate } = temporary();
    const { seed, signature, start, expiry } = JSON.parse(certificate) as Record<string, string>;
    const hmac = (text: string) => createHmac('sha256', issuer.accessToken).update(text);
    const lines = ['version:1', 'clientId:named/a', 'issuer:issuer', `seed:${seed}`, `start:${start}`];
    const text = [...lines, `expiry:${expiry}`, 'scopes:', 'queue:a', 'assume:worker'].join('\n');
    assert.equal(signature, hmac(text).digest('base64'));
    assert.equal(accessToken, hmac(String(seed)).digest('base64url'));
    assert.equal(String(seed).length, 2 * slugid().length);
  });
});

describe('the name by which a request called this server', () => {
  it('is its Host header, or what a trusted proxy reports', () => {
    const cases: [Record<string, string>, string, number][] = [
      [{ host: 'a.example' }, 'a.example', 80],
      [{ host: 'a.example:8080' }, 'a.example', 8080],
      [{ host: '[::1]:8080' }, '[::1]', 8080],
      [{ host: '[::1]' }, '[::1]', 80],
      [{ host: 'a.example', 'x-forwarded-proto': 'https' }, 'a.example', 443],
      [{ host: 'a.example:8080', 'x-forwarded-proto': 'https' }, 'a.example', 443],
      [{ host: 'a.example', 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' }, 'a.example', 8443],
      [{ host: 'a.example', 'x-forwarded-proto': 'https, http' }, 'a.example', 443],
    ];
    for (const [headers, host, port] of cases)
      assert.deepEqual(originOf(headers, { trustsProxy: true }), { host, port });
    const forwarded = { host: 'a.example:8080', 'x-forwarded-proto': 'https', 'x-forwarded-port': '8443' };
    assert.deepEqual(originOf(forwarded, { trustsProxy: false }), { host: 'a.example', port: 8080 });
  });
});

describe('what is not proven', () => {
  const strangers = { clientId: 'plain', accessToken: 'guessed' };
  /** Returns which scopes were expanded for a request, and whether its client was looked for. */
  const worked = async (authorization: string) => {
    const expanded: (readonly string[])[] = [];
    const known = authorities();
    const expand: Authorities['expand'] = (scopes) => {
      expanded.push(scopes);
      return known.expand(scopes);
    };
    const authenticate = createAuthenticator({ ...known, expand });
    await assert.rejects(authenticate(parts({ authorization }), now));
    return expanded;
  };
  it('is neither expanded nor cached: a guessed token, a forged certificate, excess scopes', async () => {
    const ext = { authorizedScopes: ['queue:a', 'assume:worker'] };
    assert.deepEqual(await worked(header(strangers, { ext })), []);
    const made = createTemporaryCredentials({
      issuer: { clientId: 'issuer', accessToken: 'guessed' },
      clientId: 'named/a',
      scopes: ['queue:a'],
      start: now,
      expiry: later(now, hours(1)),
    });
    assert.deepEqual(await worked(header(made)), []);
  });
  it('reveals nothing about a client except that it exists', async () => {
    for (const clientId of ['plain', 'disabled', 'expired']) {
      await refused({ authorization: header({ clientId, accessToken: 'guessed' }) }, /^Bad mac/);
    }
  });
  it('is not parsed when it is longer than a header can be', async () => {
    const authorization = `${header(plain)}, ext="${'x'.repeat(270_000)}"`;
    await refused({ authorization }, /262144 characters/);
  });
});

describe('what was examined once', () => {
  it('is checked again after a change', async () => {
    let generation = 0;
    let scopes = ['a'];
    const changing = { ...authorities(), generation: () => generation };
    const authenticate = createAuthenticator({
      ...changing,
      findClient: async () => client('plain', scopes),
    });
    const request = parts({ authorization: header(plain) });
    assert.ok((await authenticate(request, now)).caller.satisfies('a'));
    scopes = ['b'];
    assert.ok((await authenticate(request, now)).caller.satisfies('a'));
    generation++;
    const { caller } = await authenticate(request, now);
    assert.ok(caller.satisfies('b') && !caller.satisfies('a'));
  });
  it('is not cached when something changed meanwhile', async () => {
    let generation = 0;
    let scopes = ['a'];
    const findClient = async () => {
      const found = client('plain', scopes);
      if (generation === 0) {
        generation++;
        scopes = ['b'];
      }
      return found;
    };
    const authenticate = createAuthenticator({ ...authorities(), generation: () => generation, findClient });
    const request = parts({ authorization: header(plain) });
    await authenticate(request, now);
    assert.ok((await authenticate(request, now)).caller.satisfies('b'));
  });
});

describe('of callers', () => {
  const token = (clientId: string) => ({ clientId, accessToken: `token-of-${clientId}` });
  const many = Array.from({ length: 300 }, (_, i) => i);
  const scopes = (i: number) => Array.from({ length: 50 }, (_, k) => `queue:${i}:${k}`);

  it('without a valid signature nothing is cached, nor what a certificate or a narrowing says', async () => {
    const authenticate = createAuthenticator(authorities());
    // All anonymous callers are the same.
    await authenticate(parts({}), now);
    const before = [authenticate.rememberedBytes(), roles.rememberedBytes()];
    const forged = (i: number): string[] => [
      header({ clientId: `nobody-${i}`, accessToken: 'x' }, { ext: { authorizedScopes: scopes(i) } }),
      header({ clientId: 'plain', accessToken: `x-${i}` }, { ext: { authorizedScopes: scopes(i) } }),
      header(token('disabled'), { ext: { authorizedScopes: scopes(i) } }),
      header(token('plain'), { ext: { authorizedScopes: [`not-held:${i}`] } }),
      header(token('plain'), { ext: `no json ${i}` }),
      header({
        clientId: `temporary-${i}`,
        accessToken: 'x',
        certificate: {
          version: 1,
          scopes: scopes(i),
          start: now.getTime(),
          expiry: now.getTime() + 1000,
          seed: slugid() + slugid(),
          signature: 'x',
          issuer: 'issuer',
        },
      }),
    ];
    for (const authorization of many.flatMap(forged)) {
      await assert.rejects(authenticate(parts({ authorization }), now), { code: 'AuthenticationFailed' });
      await authenticate(parts({}), now);
    }
    // The scopes of clients that exist are expanded to see what they may narrow themselves to.
    const after = [authenticate.rememberedBytes(), roles.rememberedBytes()];
    assert.equal(after[0], before[0]);
    assert.ok((after[1] ?? 0) - (before[1] ?? 0) < 2000, `${after[1]} bytes`);
  });

  it('with a valid signature little is cached, even if each of their requests differs', async () => {
    const authenticate = createAuthenticator(authorities());
    const long = (i: number) => Array.from({ length: 1000 }, (_, k) => `queue:${i}:${k}:${'x'.repeat(40)}`);
    for (const i of many) {
      const authorization = header(token('plain'), { ext: { authorizedScopes: long(i) } });
      const { caller } = await authenticate(parts({ authorization }), now);
      assert.ok(caller.satisfies(`queue:${i}:1:${'x'.repeat(40)}`));
      assert.ok(authenticate.rememberedBytes() <= 8 * 2 ** 20, `${authenticate.rememberedBytes()} bytes`);
      assert.ok(roles.rememberedBytes() <= 16 * 2 ** 20, `${roles.rememberedBytes()} bytes`);
    }
    assert.ok(authenticate.rememberedBytes() > 2 ** 20);
  });

  it('that expand scopes nothing of their request is cached', () => {
    const before = roles.rememberedBytes();
    for (const i of many) roles.expandOnce([...scopes(i), 'assume:worker']);
    assert.equal(roles.rememberedBytes(), before);
  });
});
