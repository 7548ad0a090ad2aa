import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { type FastifyInstance, fastify } from 'fastify';
import hawk from 'hawk';
import { hours, later, seconds } from '../base/index.ts';
import { type Route, serve } from '../http/index.ts';
import { servedOn } from '../testing/index.ts';
import { authDeclaration, fillTemplate } from './index.ts';
import { rootKeys, type TestAuth, testAuth } from './testing.ts';

/** The calls that wait now. */
const waiting = new Set<string>();

const poll: Route<object> = {
  contract: {
    name: 'poll',
    method: 'GET',
    path: '/poll/<id>',
    category: 'Tests',
    title: 'Poll',
    description: '',
    stability: 'stable',
    scopes: 'poll:<id>',
    waits: true,
  },
  handle: async (_services, { params, signal }) => {
    const { id = '' } = params as { id?: string };
    waiting.add(id);
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    waiting.delete(id);
  },
};

let t: TestAuth;
let app: FastifyInstance;
before(async () => {
  t = await testAuth();
  app = fastify();
  const deps = {
    ...servedOn(t.clock),
    authenticate: t.auth.authenticate,
    requirePayload: t.auth.requirePayload,
    fillScopes: fillTemplate,
  };
  const service = { serviceName: 'some', title: 'Some', description: '' };
  const declarations = [authDeclaration, { service, routes: [poll] }] as never;
  serve(app, deps, { declarations, services: { auth: t.auth } });
});
after(async () => {
  await app.close();
  await t.close();
});

interface Keys {
  readonly clientId: string;
  readonly accessToken: string;
}

const ask = async (method: 'GET' | 'PUT' | 'POST' | 'DELETE', url: string, keys: Keys, body?: object) => {
  const { header: authorization } = hawk.client.header(`http://localhost:80${url}`, method, {
    credentials: { id: keys.clientId, key: keys.accessToken, algorithm: 'sha256' },
    timestamp: Math.floor(t.clock.now().getTime() / 1000),
  });
  const headers = { host: 'localhost', authorization };
  const reply = await app.inject({ method, url, headers, ...(body ? { body } : {}) });
  return { status: reply.statusCode, body: reply.body === '' ? {} : (JSON.parse(reply.body) as object) };
};

const pathOf = (clientId: string): string => `/api/auth/v1/clients/${clientId}`;
const thing = (scopes: readonly string[]) => ({
  description: '',
  expires: later(t.clock.now(), hours(1)).toJSON(),
  scopes,
});

/** A call that waits, by a client of its own. */
const aPoll = async (clientId: string) => {
  const { body } = await ask('PUT', pathOf(clientId), rootKeys, thing([`poll:${clientId}`]));
  const keys = { clientId, ...(body as { accessToken: string }) };
  return ask('GET', `/api/some/v1/poll/${clientId}`, keys);
};

const root = (method: 'POST' | 'DELETE', path: string, body?: object) => ask(method, path, rootKeys, body);

/** Changes that end credentials, or take a scope that a call needs. */
const endings: Readonly<Record<string, (clientId: string) => Promise<unknown>>> = {
  disabled: (clientId) => root('POST', `${pathOf(clientId)}/disable`),
  deleted: (clientId) => root('DELETE', pathOf(clientId)),
  'given another token': (clientId) => root('POST', `${pathOf(clientId)}/reset`),
  'left without the scope': (clientId) => root('POST', pathOf(clientId), thing(['poll:other'])),
  expired: async () => t.clock.advance(hours(2)),
};

describe('a call that waits', () => {
  it('continues while its client may make it', async () => {
    const ended = aPoll('stays');
    await eventually('the call to wait', () => waiting.has('stays'));
    for (let looks = 0; looks < 20; looks++) {
      t.clock.advance(seconds(10));
      // Each check asks the database whether anything has changed.
      await t.auth.authenticate({ method: 'GET', url: '/', headers: { host: 'localhost' } });
    }
    assert.ok(waiting.has('stays'));
    await root('DELETE', pathOf('stays'));
    await eventually('the end of the call', () => {
      t.clock.advance(seconds(1));
      return !waiting.has('stays');
    });
    await within('the reply', ended);
  });
  for (const [how, end] of Object.entries(endings)) {
    it(`ends when its client is ${how}`, async () => {
      const clientId = `client-${how.replaceAll(' ', '-')}`;
      const ended = aPoll(clientId);
      await eventually('the call to wait', () => waiting.has(clientId));
      await end(clientId);
      await eventually('the end of the call', () => {
        t.clock.advance(seconds(1));
        return !waiting.has(clientId);
      });
      await within('the reply', ended);
    });
  }
});
