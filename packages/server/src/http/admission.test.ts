import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { type FastifyInstance, fastify } from 'fastify';
import { Type } from 'typebox';
import { manualClock, minutes, RequestError } from '../base/index.ts';
import { servedOn, tester } from '../testing/index.ts';
import { noteExpectation } from './body-limits.ts';
import { type Caller, publish, type RequestHead, type Route, type ScopeTemplate } from './contract.ts';
import { serve } from './serve.ts';

const MiB = 2 ** 20;
const Numbers = publish('some', 'numbers', Type.Record(Type.String(), Type.Number()));

const route = (name: string, scopes?: ScopeTemplate): Route<object> => ({
  contract: {
    name,
    method: 'POST',
    path: `/${name}/<id>`,
    category: 'Tests',
    title: name,
    description: '',
    stability: 'stable',
    input: Numbers,
    ...(scopes === undefined ? {} : { scopes }),
  },
  handle: async (_services, { authorize }) => {
    authorize({ level: 'low', wanted: ['a'] });
    handled.push(name);
  },
});

const handled: string[] = [];
const routes = [
  route('open'),
  route('byUrl', 'by-url:<id>'),
  route('byBody', { AllOf: ['by-body:<level>:<id>', { for: 'one', in: 'wanted', each: '<one>' }] }),
  route('byEither', { AnyOf: ['first:<level>', { AllOf: ['plain', 'second:<level>'] }] }),
];

const covers = (held: string, wanted: string) =>
  held === wanted || (held.endsWith('*') && wanted.startsWith(held.slice(0, -1)));

/** The header `may` names the scopes of the caller; `forged` makes the signature a bad one. */
const authenticate = async ({ headers }: RequestHead): Promise<Caller> => {
  if (headers.forged) throw new RequestError('AuthenticationFailed', 'Bad mac');
  const scopes = String(headers.may ?? '').split(' ');
  const satisfies: Caller['satisfies'] = (required) => {
    if (typeof required === 'string') return scopes.some((held) => covers(held, required));
    return 'AllOf' in required ? required.AllOf.every(satisfies) : required.AnyOf.some(satisfies);
  };
  return { ...tester, isAnonymous: headers.may === undefined, scopes, satisfies };
};

const fillText = (template: string, values: Readonly<Record<string, unknown>>) => {
  const text = template.replace(/<(\w+)>/g, (whole, name: string) => String(values[name] ?? whole));
  return text.includes('<') ? undefined : text;
};
const fillScopes = (template: ScopeTemplate, values: Readonly<Record<string, unknown>>) =>
  typeof template === 'string' ? fillText(template, values) : values.level ? { AllOf: [] } : undefined;

let app: FastifyInstance;
let port: number;
const sockets: Socket[] = [];
const warnings: object[] = [];
const time = manualClock();
let waits = 0;
const clock = {
  ...time,
  after: (ms: number, wake: () => void) => {
    waits++;
    const cancel = time.after(ms, wake);
    let isOver = false;
    return () => {
      if (!isOver) waits--;
      isOver = true;
      cancel();
    };
  },
};

before(async () => {
  app = fastify({ forceCloseConnections: true });
  const base = servedOn(clock);
  const log = { ...base.log, warn: (facts: object) => void warnings.push(facts) } as typeof base.log;
  const service = { serviceName: 'some', title: 'Some', description: '' };
  const deps = { ...base, log, authenticate, fillScopes, claimedId: () => 'somebody' };
  serve(app, deps, { declarations: [{ service, routes }], services: {} });
  app.server.on('connection', (socket: Socket) => sockets.push(socket));
  app.server.on('checkContinue', (asked, reply) => {
    noteExpectation(asked);
    app.server.emit('request', asked, reply);
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  port = (app.server.address() as AddressInfo).port;
});
after(() => app.close());

const post = async (
  name: string,
  { headers = {}, payload = '{}' }: { headers?: object; payload?: string },
) => {
  const reply = await fetch(`http://127.0.0.1:${port}/api/some/v1/${name}/x`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: payload,
  });
  const text = await reply.text();
  const { message = '' } = (text ? JSON.parse(text) : {}) as { message?: string };
  return { status: reply.status, text, message };
};

/** Sends the head of a request and the beginning of its body, which never ends; returns the reply. */
const begin = async (name: string, headers: Record<string, string | number>, beginning = '') => {
  const socket = connect({ port, host: '127.0.0.1' });
  let text = '';
  socket.on('data', (data) => {
    text += data.toString();
  });
  const lines = Object.entries({ host: 'a', 'content-type': 'application/json', ...headers });
  const head = lines.map(([header, value]) => `${header}: ${value}\r\n`).join('');
  socket.write(`POST /api/some/v1/${name}/x HTTP/1.1\r\n${head}\r\n${beginning}`);
  await eventually('the reply', () => text.includes('requestInfo'));
  socket.destroy();
  return text;
};

describe('before the body of a request is read', () => {
  it('a signature is checked: a bad one is refused although the body never arrives', async () => {
    assert.match(await begin('byUrl', { forged: 'yes', 'content-length': 9 * MiB }), /^HTTP\/1.1 401 /);
    assert.match(await begin('byUrl', { forged: 'yes', 'transfer-encoding': 'chunked' }), /^HTTP\/1.1 401 /);
    assert.equal((await post('byUrl', { headers: { forged: 'yes' }, payload: '{' })).status, 401);
  });

  it('a refused signature is logged with the client that it claims and the address that it came from', async () => {
    warnings.length = 0;
    await post('byUrl', { headers: { forged: 'yes' } });
    assert.equal(warnings.length, 1);
    const { claimedId, address } = warnings[0] as { claimedId?: string; address?: string };
    assert.deepEqual([claimedId, address], ['somebody', '127.0.0.1']);
  });

  it('scopes that the URL names are required', async () => {
    assert.match(await begin('byUrl', { may: 'by-url:y', 'content-length': 9 * MiB }), /^HTTP\/1.1 403 /);
  });

  it('a large body is refused when its caller lacks the scopes whatever the body says', async () => {
    const large = `{${' '.repeat(70_000)}`;
    const without = ['', 'by-bod', 'by-body', 'other:*', 'plain'];
    for (const may of without) {
      for (const name of ['byBody', 'byEither']) {
        const { status, message } = await post(name, { headers: { may }, payload: large });
        assert.equal(status, 403, `${name} by '${may}'`);
        assert.match(message, /by-body:<level>|first:<level>/);
      }
    }
    for (const may of ['*', 'by-*', 'by-body:*', 'by-body:low:x']) {
      assert.equal((await post('byBody', { headers: { may }, payload: large })).status, 400, may);
    }
    for (const may of ['first:a', 'plain second:*']) {
      assert.equal((await post('byEither', { headers: { may }, payload: large })).status, 400, may);
    }
    assert.equal((await post('byBody', { headers: { may: '' }, payload: '{' })).status, 400);
  });

  it('one of more than 320 KiB is refused to callers without credentials, announced or not', async () => {
    assert.match(await begin('open', { 'content-length': MiB }), /^HTTP\/1.1 413 /);
    const chunk = `60000\r\n${' '.repeat(0x60000)}\r\n`;
    const chunked = await begin('open', { 'transfer-encoding': 'chunked' }, chunk);
    assert.match(chunked, /^HTTP\/1.1 413 [\s\S]*larger than 320 KiB/);
  });

  it('one of more than 20,000 values is refused to callers without credentials before it is parsed', async () => {
    const values = (count: number) => `{"a":[${Array(count).fill('{}').join(',')}]`;
    // What is cut off in the middle cannot be parsed: who is told that, it was tried for.
    const tried = await post('open', { payload: values(5000) });
    assert.match(tried.message, /Failed to parse JSON/);
    const { status, message } = await post('open', { payload: values(11_000) });
    assert.deepEqual([status, /at most 20000 values/.test(message)], [400, true]);
    const known = await post('byUrl', { headers: { may: 'by-url:x' }, payload: values(11_000) });
    assert.match(known.message, /Failed to parse JSON/);
    const text = JSON.stringify({ a: '{,:['.repeat(20_000) });
    assert.match((await post('open', { payload: text })).message, /must be number/);
  });

  it('large ones are processed one after the other, with other requests in between', async () => {
    const large = JSON.stringify(Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`n${i}`, i])));
    const order: string[] = [];
    const ask = async (name: string, payload: string): Promise<void> => {
      assert.equal((await post('open', { payload })).status, 204);
      order.push(name);
    };
    await Promise.all([
      ...Array.from({ length: 40 }, () => ask('large', large)),
      ...Array.from({ length: 5 }, () => ask('small', '{}')),
    ]);
    assert.equal(order.length, 45);
    assert.ok(order.lastIndexOf('small') < order.lastIndexOf('large'), order.join(' '));
  });

  it('one that takes more than two minutes to arrive ends its connection', async () => {
    const socket = connect({ port, host: '127.0.0.1' });
    let isClosed = false;
    socket
      .on('error', () => {})
      .on('close', () => {
        isClosed = true;
      });
    const admissions = sockets.length;
    socket.write(
      'POST /api/some/v1/open/x HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await eventually('the connection', () => sockets.length > admissions);
    await eventually('the end of the connection', () => {
      clock.advance(minutes(1));
      return isClosed;
    });
  });

  it('nothing waits for a refused one whose connection has ended', async () => {
    await eventually('the requests before to be over', () => waits === 0);
    const headers = { 'content-type': ';;;/', 'content-length': 200_009, expect: '100-continue', may: 'x' };
    assert.match(await begin('open', headers), / 400 Bad Request[\s\S]*Unsupported Media Type/);
    await eventually('nothing to wait for its body', () => waits === 0);
  });

  it('a client that waits for 100-continue gets it only when the body is needed', async () => {
    const ask = (headers: Record<string, string>) => {
      const told: string[] = [];
      const sent = request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/api/some/v1/byUrl/x',
        headers: {
          'content-type': 'application/json',
          'content-length': 2,
          expect: '100-continue',
          ...headers,
        },
      });
      sent.on('continue', () => {
        told.push('continue');
        sent.end('{}');
      });
      sent.on('response', (reply) => {
        told.push(String(reply.statusCode));
        reply.resume();
      });
      sent.flushHeaders();
      const ended = new Promise((resolve) => sent.once('response', resolve));
      return within('a reply', ended).then(() => {
        sent.destroy();
        return told;
      });
    };
    assert.deepEqual(await ask({ may: 'by-url:*' }), ['continue', '204']);
    assert.deepEqual(await ask({ may: 'other' }), ['403']);
  });
});

describe('what is wrong with a body', () => {
  it('is reported in at most 50 sentences, each of bounded length', async () => {
    const many = Object.fromEntries(Array.from({ length: 2000 }, (_, i) => [`n${i}`, 'no']));
    const { status, message } = await post('open', { payload: JSON.stringify(many) });
    assert.equal(status, 400);
    assert.equal(message.match(/must be number/g)?.length, 50);
    assert.match(message, /and 1950 more/);
    const long = await post('open', { payload: JSON.stringify({ ['n'.repeat(50_000)]: 'no' }) });
    assert.equal(long.status, 400);
    assert.ok(long.message.length < 2000, `${long.message.length} characters`);
  });

  it('is only the first mistake when the body has very many parts', async () => {
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`n${i}`, 'no']));
    const headers = { may: 'by-url:x' };
    const { status, text, message } = await post('byUrl', { headers, payload: JSON.stringify(many) });
    assert.equal(status, 400);
    assert.equal(message.match(/must be number/g)?.length, 1);
    assert.ok(text.length < 2000, `${text.length} characters`);
  });
});

it('does not concern a method that needs no scope, or one whose scopes the caller has', async () => {
  handled.length = 0;
  assert.equal((await post('open', {})).status, 204);
  assert.equal((await post('byUrl', { headers: { may: 'by-url:x' }, payload: '{"a":1}' })).status, 204);
  assert.deepEqual(handled, ['open', 'byUrl']);
});
