import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type FastifyInstance, fastify } from 'fastify';
import { Type } from 'typebox';
import { manualClock, RequestError } from '../base/index.ts';
import { servedOn, tester } from '../testing/index.ts';
import { publish, type Route, routeFor, type ScopeTemplate } from './contract.ts';
import { apiHeaders } from './headers.ts';
import { parameters } from './patterns.ts';
import { serve } from './serve.ts';

// What holds for every method of every service, shown by a small one.

const about = { category: 'Tests', title: 'A thing', description: '', stability: 'stable' } as const;
const endpoint = routeFor<object>();
const name = parameters.matching(/^[a-z<>$&]+$/);
const thing = publish(
  'some',
  'thing',
  Type.Object({ size: Type.Optional(Type.Number({ default: 1 })) }, { additionalProperties: false }),
);

let handled: unknown[] = [];
const routes: readonly Route<object>[] = [
  endpoint(
    {
      ...about,
      name: 'get',
      method: 'GET',
      path: '/thing/<name>',
      params: { name },
      query: { since: parameters.matching(/^\d+$/) },
      scopes: 'get:<name>:<name>',
    },
    async (_services, { params, query }) => {
      if (params.name === 'missing') throw new RequestError('ResourceNotFound', 'There is no such thing.');
      return { ...params, ...query };
    },
  ),
  endpoint(
    {
      ...about,
      name: 'put',
      method: 'PUT',
      path: '/thing/<name>',
      params: { name },
      scopes: 'put:<name>',
      input: thing,
    },
    async (_services, { body }) => {
      handled.push(body);
      return {};
    },
  ),
  endpoint(
    {
      ...about,
      name: 'touch',
      method: 'POST',
      path: '/thing/<name>',
      params: { name },
      scopes: 'touch:<name>',
    },
    async () => {
      handled.push('touched');
    },
  ),
];

let app: FastifyInstance;
before(() => {
  app = fastify();
  const fillScopes = (template: ScopeTemplate, values: Readonly<Record<string, unknown>>) =>
    String(template).replace(/<(\w+)>/g, (_, parameter: string) => String(values[parameter]));
  const authenticate = async ({ headers }: { headers: Record<string, unknown> }) => {
    const scopes = String(headers.may ?? '').split(' ');
    return { ...tester, scopes, satisfies: (wanted: unknown) => scopes.includes(String(wanted)) };
  };
  const service = { serviceName: 'some', title: 'Some', description: '' };
  const deps = { ...servedOn(manualClock()), authenticate, fillScopes };
  serve(app, deps, { declarations: [{ service, routes }], services: {} });
});
after(() => app.close());
beforeEach(() => {
  handled = [];
});

interface Asked {
  readonly may?: string;
  readonly type?: string | undefined;
  readonly text?: string;
}
const ask = async (
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'OPTIONS',
  path: string,
  { may = 'get:a:a put:a touch:a', type, text }: Asked = {},
) => {
  const headers = { may, ...(type === undefined ? {} : { 'content-type': type }) };
  const url = `/api/some/v1/thing/${path}`;
  const reply = await app.inject({ method, url, headers, ...(text === undefined ? {} : { payload: text }) });
  const isJson = String(reply.headers['content-type']).startsWith('application/json') && reply.body !== '';
  const { code } = (isJson ? JSON.parse(reply.body) : {}) as { code?: string };
  return { status: reply.statusCode, code, text: reply.body, headers: reply.headers };
};
const isRefused = async (asked: ReturnType<typeof ask>, status: number, code: string): Promise<void> => {
  const answer = await asked;
  assert.deepEqual([answer.status, answer.code], [status, code], answer.text);
};
const json = 'application/json';

describe('every method', () => {
  it('may be called by pages of other sites, whatever its answer', async () => {
    const answers = await Promise.all([
      ask('OPTIONS', 'a'),
      ask('OPTIONS', 'no/such/path'),
      ask('GET', 'a'),
      ask('GET', 'missing', { may: 'get:missing:missing' }),
      ask('GET', 'a', { may: '' }),
      ask('PUT', 'a', { type: json, text: '{' }),
      ask('POST', 'a'),
    ]);
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 404, 403, 400, 204],
    );
    for (const { headers } of answers)
      for (const [header, value] of Object.entries(apiHeaders)) assert.equal(headers[header], value, header);
  });

  it('that is read is answered to HEAD as to GET, without the body', async () => {
    for (const path of ['a', 'missing', 'a?more=1']) {
      const asked = { may: 'get:a:a get:missing:missing' };
      const [head, get] = await Promise.all([ask('HEAD', path, asked), ask('GET', path, asked)]);
      assert.deepEqual([head.status, head.text], [get.status, '']);
      for (const header of ['content-type', 'access-control-allow-origin', 'cache-control'])
        assert.equal(head.headers[header], get.headers[header], header);
    }
    assert.equal((await ask('HEAD', 'a', { may: '' })).status, 403);
  });

  it('knows its query parameters, each once and as they are to be; a bewit is for the signature', async () => {
    assert.equal((await ask('GET', 'a?since=1&bewit=x')).status, 200);
    for (const query of [
      'since=',
      'since=x',
      'since=1&since=2',
      'more=1',
      'Since=1',
      'limit=1',
      '__proto__=1',
    ])
      await isRefused(ask('GET', `a?${query}`), 400, 'InvalidRequestArguments');
    await isRefused(ask('PUT', 'a?since=1', { type: json, text: '{}' }), 400, 'InvalidRequestArguments');
  });

  it('looks at scopes, parameters, query and body in this order', async () => {
    const body = { type: json, text: '{"more":1}' };
    await isRefused(ask('PUT', 'B?more=1', { ...body, may: '' }), 403, 'InsufficientScopes');
    await isRefused(ask('PUT', 'B?more=1', { ...body, may: 'put:B' }), 400, 'InvalidRequestArguments');
    await isRefused(ask('PUT', 'a?more=1', body), 400, 'InvalidRequestArguments');
    await isRefused(ask('PUT', 'a', body), 400, 'InputValidationError');
    assert.deepEqual(handled, []);
  });

  it('needs exactly the scope that its parameters name, also where they look like parameters themselves', async () => {
    for (const odd of ['<name>', '$&', '<', '<>', '$<name>']) {
      const path = encodeURIComponent(odd);
      await isRefused(
        ask('GET', path, { may: 'get:<name>:x get:name:name get:: get:x:x' }),
        403,
        'InsufficientScopes',
      );
      const { status, text } = await ask('GET', path, { may: `get:${odd}:${odd}` });
      assert.deepEqual([status, JSON.parse(text)], [200, { name: odd }]);
    }
  });

  it('with a schema wants JSON that fits, and fills defaults in', async () => {
    const put = (text: string | undefined, type: string | undefined = json) =>
      ask('PUT', 'a', { type, ...(text === undefined ? {} : { text }) });
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/octet-stream'])
      await isRefused(put('{}', type), 400, 'MalformedPayload');
    await isRefused(ask('PUT', 'a'), 400, 'MalformedPayload');
    for (const text of ['{', 'null', '1', '"text"', 'true', '{}{}', "{'size':1}", 'undefined'])
      await isRefused(put(text), 400, 'MalformedPayload');
    for (const text of ['[]', '[{}]', '{"size":"1"}', '{"size":null}', '{"more":1}', '{"__proto__":{}}'])
      await isRefused(put(text), 400, 'InputValidationError');
    assert.deepEqual(handled, []);
    for (const type of [json, 'application/json; charset=utf-8', 'Application/JSON'])
      assert.equal((await put('{}', type)).status, 200, type);
    // An empty body is an empty object.
    assert.equal((await put('')).status, 200);
    assert.deepEqual(handled, Array(4).fill({ size: 1 }));
  });

  it('without a schema takes no body, an empty one and any other', async () => {
    const bodies: Asked[] = [
      {},
      { type: json },
      { type: json, text: '' },
      { type: json, text: '{}' },
      { type: json, text: '{"more":1}' },
      { type: 'text/plain', text: 'words' },
    ];
    for (const body of bodies) {
      const { status, text } = await ask('POST', 'a', body);
      assert.deepEqual([status, text], [204, ''], JSON.stringify(body));
    }
    await isRefused(ask('POST', 'a', { type: json, text: '{' }), 400, 'MalformedPayload');
    assert.equal(handled.length, bodies.length);
  });
});
