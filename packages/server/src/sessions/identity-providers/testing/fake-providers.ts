import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { systemClock } from '../../../base/index.ts';

/** The person who signs in at a fake provider; what changes about them is seen at the next sign-in. */
export interface FakePerson {
  id: string | number;
  name: string;
  readonly groups: readonly string[];
  /** Whose the groups are, where groups belong to organizations; `house` by default. */
  organization?: { id: number; login: string };
}

/** A provider that knows one person. */
export interface FakeProvider {
  readonly origin: string;
  /** The address that the person's browser returns to after a sign-in that began at `begun`. */
  signIn(begun: URL): URL;
  close(): Promise<void>;
}

interface Begun {
  readonly challenge: string;
  readonly nonce: string | undefined;
}

type Reply = (path: string) => object | undefined;

const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');

/** The part that both kinds have: codes, which are good once and only with the verifier of their challenge. */
const start = async (
  tokenPath: string,
  {
    refused = [400, { error: 'invalid_grant' }],
    tokenOf,
    replyTo,
  }: {
    refused?: [number, object];
    tokenOf(begun: Begun, origin: string): object;
    replyTo(origin: string): Reply;
  },
): Promise<FakeProvider> => {
  const codes = new Map<string, Begun>();
  let origin = '';
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', origin).pathname;
    const send = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (path !== tokenPath) {
      const body = replyTo(origin)(path);
      return send(body ? 200 : 404, body ?? {});
    }
    const form = new URLSearchParams(await text(request));
    const begun = codes.get(form.get('code') ?? '');
    codes.delete(form.get('code') ?? '');
    if (begun?.challenge !== challengeOf(form.get('code_verifier') ?? '')) return send(...refused);
    return send(200, { access_token: 'token', token_type: 'bearer', ...tokenOf(begun, origin) });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    signIn: (url) => {
      const asked = url.searchParams;
      const code = `code-${codes.size}-${asked.get('state')}`;
      codes.set(code, {
        challenge: asked.get('code_challenge') ?? '',
        nonce: asked.get('nonce') ?? undefined,
      });
      const back = new URL(asked.get('redirect_uri') ?? '');
      back.searchParams.set('code', code);
      back.searchParams.set('state', asked.get('state') ?? '');
      return back;
    },
    close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
  };
};

/** A provider of OpenID Connect. Groups are in the claim `groups`. */
export const startFakeOidc = (person: FakePerson, clientId: string): Promise<FakeProvider> => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const idToken = (nonce: string | undefined, iss: string): string => {
    const now = Math.floor(systemClock.now().getTime() / 1000);
    const { id, name, groups } = person;
    const claims = { iss, aud: clientId, sub: String(id), iat: now, exp: now + 600, nonce };
    const signed = `${encode({ alg: 'RS256', kid: 'one' })}.${encode({ ...claims, preferred_username: name, groups })}`;
    return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  return start('/token', {
    tokenOf: ({ nonce }, origin) => ({ id_token: idToken(nonce, origin) }),
    replyTo: (origin) => (path) => {
      if (path === '/jwks')
        return { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256' }] };
      if (path !== '/.well-known/openid-configuration') return undefined;
      return {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        jwks_uri: `${origin}/jwks`,
        response_types_supported: ['code'],
        id_token_signing_alg_values_supported: ['RS256'],
      };
    },
  });
};

/** GitHub and its API in one. Groups are teams of the organization `house`. */
export const startFakeGithub = (person: FakePerson): Promise<FakeProvider> =>
  start('/login/oauth/access_token', {
    // GitHub refuses a code by a reply of 200.
    refused: [200, { error: 'bad_verification_code' }],
    tokenOf: () => ({}),
    replyTo: () => (path) => {
      const { id, name, groups, organization = { id: 1, login: 'house' } } = person;
      if (path === '/user') return { id, login: name };
      if (path === '/user/teams') return groups.map((slug) => ({ slug, organization }));
      return path === '/user/memberships/orgs' ? [] : undefined;
    },
  });
