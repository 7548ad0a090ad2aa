import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createTemporaryCredentials } from '@taskyard/client';
import fc from 'fast-check';
import { attributesOf, bewitParts, headerOf, type Keys, withBewit } from './hawk.ts';
import { type Answer, type Asked, aSite, type Site } from './site.ts';
import { methods, pathOf, valuesFor } from './world.ts';

// Requests of one example go out together.
const together = 50;
const casesMin = 10_000;
const path = '/api/auth/v1/scopes/current';
const scopes = ['auth:current-scopes', 'auth:expand-scopes', 'auth:create-client:fuzz/*'];

const flipped = (text: string, at: number, by: number): string => {
  const i = at % Math.max(1, text.length);
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=-_ \t';
  const letter = letters[by % letters.length] ?? 'a';
  return text.slice(0, i) + (letter === text[i] ? `${letter}${letter}` : letter) + text.slice(i + 1);
};

/** Another value than this one: what an attacker would try, and nonsense. */
const spoiled = (value: unknown): fc.Arbitrary<unknown> => {
  const others: fc.Arbitrary<unknown>[] = [fc.constant(null), fc.jsonValue(), fc.string(), fc.double()];
  if (typeof value === 'string') {
    others.push(
      fc.tuple(fc.nat(), fc.nat()).map(([at, by]) => flipped(value, at, by)),
      fc.nat(value.length).map((length) => value.slice(0, length)),
    );
  }
  if (typeof value === 'number') {
    others.push(
      fc.integer().map((by) => value + by),
      fc.constant(String(value)),
      fc.constant([value]),
    );
  }
  if (Array.isArray(value)) {
    others.push(
      fc.constant([...value].reverse()),
      fc.constant(value.slice(1)),
      fc.constantFrom('*', 'queue:*', 'a\nb', '', 1, null).map((more) => [...value, more]),
    );
  }
  return fc.oneof(...others).filter((other) => JSON.stringify(other) !== JSON.stringify(value));
};

const spoiledField = (value: Readonly<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> =>
  fc.constantFrom(...Object.keys(value)).chain((name) =>
    fc.oneof(
      { weight: 5, arbitrary: spoiled(value[name]).map((other) => ({ ...value, [name]: other })) },
      {
        weight: 1,
        arbitrary: fc.constant(Object.fromEntries(Object.entries(value).filter(([other]) => other !== name))),
      },
    ),
  );

// What may stand in a header at all; more than that Node does not send.
const headerText = fc.string({ unit: fc.constantFrom(...printable()), maxLength: 200 });

function printable(): string[] {
  const ascii = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i));
  return [...ascii, '\t', 'ÿ', 'é', '\\', '"', '"', '=', ','];
}

describe('callers without a valid proof of identity are refused', () => {
  let site: Site;
  let client: Keys;
  let cases = 0;
  let temporary: Keys & { certificate: Record<string, unknown> };
  const endings: (() => Promise<void>)[] = [];

  before(async () => {
    site = await aSite({ after: (end) => endings.push(end) });
    const expires = new Date(Date.now() + 86_400_000).toJSON();
    const { body } = await site.prepare('PUT', '/api/auth/v1/clients/fuzz', {
      expires,
      description: '',
      scopes,
    });
    client = { clientId: 'fuzz', accessToken: body.accessToken as string };
    const issued = await createTemporaryCredentials({
      credentials: { clientId: client.clientId, accessToken: client.accessToken },
      scopes: scopes.slice(0, 2),
      start: new Date(Date.now() - 60_000),
      expiry: new Date(Date.now() + 3_600_000),
      clientId: 'fuzz/temporary',
    });
    temporary = { ...issued, certificate: JSON.parse(issued.certificate) as Record<string, unknown> };
  });
  after(async () => {
    for (const end of endings) await end();
  });

  const signed = (method = 'GET') => ({ method, path, port: site.port });
  const withHeader = (authorization: string): Asked => ({ path, headers: { authorization } });

  /** Sends what was made up, and holds each answer to the statuses that it may have. */
  const hold = async (
    requests: fc.Arbitrary<Asked>,
    { numRuns, allowed = [401] }: { numRuns: number; allowed?: readonly number[] },
  ): Promise<void> => {
    const sets = fc.array(requests, { minLength: together, maxLength: together });
    await fc.assert(
      fc.asyncProperty(sets, async (asked) => {
        const answers = await Promise.all(asked.map(site.ask));
        cases += answers.length;
        for (const [i, answer] of answers.entries()) holds(answer, asked[i] as Asked, allowed);
      }),
      { numRuns, endOnFailure: true },
    );
  };
  const holds = ({ status, text, body }: Answer, asked: Asked, allowed: readonly number[]) => {
    assert.ok(allowed.includes(status), `${status} to ${JSON.stringify(asked)}: ${text.slice(0, 500)}`);
    assert.equal(body.code, status === 401 ? 'AuthenticationFailed' : 'InsufficientScopes', text);
  };

  it('sound credentials of each kind are let in', async () => {
    const bewit = withBewit(path, bewitParts(client, signed()));
    const named = withBewit(path, bewitParts(temporary, signed()));
    const answers = await Promise.all([
      site.ask({ path, as: client }),
      site.ask({ path, as: temporary }),
      site.ask({ path: bewit }),
      site.ask({ path: named }),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200],
    );
  });

  it('an Authorization header of any other text', async () => {
    const attributes = fc.array(
      fc.tuple(fc.constantFrom('id', 'ts', 'nonce', 'mac', 'ext', 'hash', 'app', '__proto__'), headerText),
      { maxLength: 8 },
    );
    const texts = fc.oneof(
      headerText,
      headerText.map((text) => `Hawk ${text}`),
      headerText.map((text) => `Bearer ${text}`),
      attributes.map((pairs) => `Hawk ${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}`),
    );
    // A header of blanks is none at all.
    await hold(texts.map(withHeader), { numRuns: 60, allowed: [401, 403] });
  });

  it('a header in which one attribute was changed', async () => {
    const cases = fc.constantFrom(client, temporary).chain((keys) => {
      const attributes = attributesOf(keys, signed());
      return spoiledField(attributes).map((changed) => {
        const text = Object.fromEntries(
          Object.entries(changed).map(([name, value]) => [name, headerSafe(value)]),
        );
        return withHeader(headerOf(text));
      });
    });
    await hold(cases, { numRuns: 80 });
  });

  it('a certificate in which one field was changed, whatever key it is used with', async () => {
    const cases = fc.tuple(spoiledField(temporary.certificate), fc.boolean()).map(([certificate, own]) => {
      const accessToken = own ? temporary.accessToken : client.accessToken;
      return { path, as: { ...temporary, accessToken, certificate } };
    });
    await hold(cases, { numRuns: 80 });
  });

  it('an ext that is not what it should be', async () => {
    const cases = fc
      .oneof(
        headerText.map((text) => text.replace(/["\\]/g, '')).filter((text) => text !== ''),
        fc.jsonValue().map((certificate) => encoded({ certificate })),
        fc
          .jsonValue()
          .filter((value) => !(Array.isArray(value) && value.length === 0))
          .map((authorizedScopes) => encoded({ authorizedScopes })),
        fc.array(fc.string(), { minLength: 1 }).map((more) => encoded({ authorizedScopes: more })),
      )
      .filter((ext) => !isHarmless(ext))
      .map((ext) => withHeader(headerOf(attributesOf(client, signed(), ext))));
    await hold(cases, { numRuns: 60 });
  });

  it('a bewit of any other text, changed, or used for something else', async () => {
    const parts = bewitParts(client, signed());
    const changed = fc
      .tuple(fc.nat(3), fc.nat(), fc.nat(), fc.string())
      .chain(([which, at, by, text]) =>
        fc.constantFrom(
          parts.map((part, i) => (i === which ? flipped(part, at, by) : part)),
          parts.map((part, i) => (i === which && part !== text ? text : `${part} `)),
          parts.filter((_, i) => i !== which),
          [...parts, text],
        ),
      )
      .map((spoilt) => ({ path: withBewit(path, spoilt) }));
    const garbage = fc
      .oneof(
        fc.base64String(),
        fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64url')),
      )
      .map((text) => ({ path: `${path}?bewit=${encodeURIComponent(text)}` }));
    const past = fc.integer({ min: -1_000_000, max: 0 }).map((seconds) => ({
      path: withBewit(path, bewitParts(client, signed(), seconds)),
    }));
    const elsewhere = fc.constantFrom(
      { path: withBewit(`${path}?a=1`, parts) },
      { path: withBewit('/api/auth/v1/clients/', parts) },
      { path: withBewit('/api/auth/v1/scopes/expand', parts), method: 'POST', body: { scopes: [] } },
      { path: withBewit(path, parts), as: client },
    );
    await hold(fc.oneof(changed, garbage, past, elsewhere), { numRuns: 80 });
  });

  it('a changed header in front of any method of any service', async () => {
    const scoped = methods.filter(({ contract }) => contract.scopes !== undefined);
    const cases = fc
      .tuple(fc.constantFrom(...scoped), fc.constantFrom(client, temporary))
      .chain(([method, keys]) => {
        const asked = { method: method.contract.method, path: pathOf(method, valuesFor(method, {})) };
        const attributes = attributesOf(keys, { ...asked, port: site.port });
        return spoiledField(attributes).map((changed) => ({
          ...asked,
          headers: {
            authorization: headerOf(
              Object.fromEntries(Object.entries(changed).map(([name, value]) => [name, headerSafe(value)])),
            ),
          },
        }));
      });
    await hold(cases, { numRuns: 60 });
  });

  it('a token of a hook that is another text', async () => {
    const role = { description: '', scopes: [] };
    await site.prepare('PUT', '/api/auth/v1/roles/hook-id%3Afuzz%2Fhook', role);
    const metadata = { name: 'a hook', description: '', owner: 'a@example.com' };
    await site.prepare('PUT', '/api/hooks/v1/hooks/fuzz/hook', { metadata, task: {} });
    const { body } = await site.ask({ path: '/api/hooks/v1/hooks/fuzz/hook/token', as: site.root });
    const token = String(body.token);
    const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-';
    const others = fc
      .oneof(
        fc.tuple(fc.nat(), fc.nat()).map(([at, by]) => {
          const i = at % token.length;
          return token.slice(0, i) + letters[by % letters.length] + token.slice(i + 1);
        }),
        fc.nat(token.length - 1).map((length) => token.slice(0, length)),
        fc.string({ unit: fc.constantFrom(...letters), minLength: 22, maxLength: 22 }),
        fc.string(),
      )
      // Without a token the path is that of another method, with or without the slash at its end.
      .filter((text) => text !== token && text !== '');
    const asked = others.map((text) => ({
      method: 'POST',
      path: `/api/hooks/v1/hooks/fuzz/hook/trigger/${encodeURIComponent(text)}`,
      body: {},
    }));
    const answered = { 400: 'InvalidRequestArguments', 401: 'AuthenticationFailed', 404: 'ResourceNotFound' };
    const sets = fc.array(asked, { minLength: together, maxLength: together });
    await fc.assert(
      fc.asyncProperty(sets, async (each) => {
        for (const { status, text, body } of await Promise.all(each.map(site.ask))) {
          assert.equal(body.code, answered[status as keyof typeof answered], `${status} ${text}`);
        }
        cases += each.length;
      }),
      { numRuns: 40, endOnFailure: true },
    );
  });

  it('none of many cases was a fault of the server', () => {
    assert.ok(cases >= casesMin, `${cases} cases`);
    assert.doesNotMatch(site.log(), /fault of the server/);
  });
});

const encoded = (ext: unknown): string => Buffer.from(JSON.stringify(ext)).toString('base64');

/** An ext that asks for nothing is no lie. */
const isHarmless = (ext: string): boolean => {
  try {
    const value = JSON.parse(Buffer.from(ext, 'base64').toString()) as Record<string, unknown> | null;
    return (
      typeof value === 'object' && value !== null && !('certificate' in value || 'authorizedScopes' in value)
    );
  } catch {
    return false;
  }
};

const headerSafe = (value: unknown): string =>
  String(typeof value === 'object' ? JSON.stringify(value) : value).replace(/[^\x20-\x7e]|["\\]/g, '?');
