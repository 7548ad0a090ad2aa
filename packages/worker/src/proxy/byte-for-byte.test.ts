import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { within } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { startTaskProxy } from './proxy.ts';

const accessToken = 'secret';

interface Seen {
  readonly method: string;
  readonly url: string;
  /** In their order: `name: value`. */
  readonly headers: readonly string[];
  readonly body: Buffer;
}

const headersOf = ({ rawHeaders }: IncomingMessage): string[] =>
  rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []));

/** Whether the signature covers the text that arrived, as a server reckons it. */
const isSigned = ({ method = '', url = '', headers }: IncomingMessage): boolean => {
  const parts = Object.fromEntries(
    [...(headers.authorization ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
  );
  const [host, port] = (headers.host ?? '').split(':');
  const text = ['hawk.1.header', parts.ts, parts.nonce, method, url, host, port, '', parts.ext, ''].join(
    '\n',
  );
  return createHmac('sha256', accessToken).update(text).digest('base64') === parts.mac;
};

const aProxy = async (t: TestContext) => {
  const seen: Seen[] = [];
  const server = createServer(async (incoming, response) => {
    const { method = '', url = '' } = incoming;
    const body = await buffer(incoming);
    seen.push({ method, url, headers: headersOf(incoming), body });
    if (!isSigned(incoming)) return void response.writeHead(401).end('the signature is wrong');
    response.writeHead(200, 'Fine', ['X-Twice', 'one', 'X-Twice', 'two', 'Content-Length', '5']);
    response.end(method === 'HEAD' ? undefined : 'reply');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startTaskProxy({
    clock: systemClock,
    rootUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: () => ({ clientId: 'task', accessToken }),
    scopes: ['*'],
    containerAddress: undefined,
    allowsPrivateUrls: false,
  });
  t.after(async () => {
    await proxy.close();
    server.close();
    server.closeAllConnections();
  });
  /** Sends a request whose path is not looked at on the way, as programs of tasks do. */
  const send = async (
    path: string,
    { method = 'GET', headers = {}, body = [] }: { method?: string; headers?: object; body?: Buffer[] } = {},
  ) => {
    const { hostname, port, pathname } = new URL(proxy.url);
    const outgoing = request({
      hostname,
      port,
      method,
      path: `${pathname}${path}`,
      headers: headers as OutgoingHttpHeaders,
      agent: false,
    });
    for (const part of body) outgoing.write(part);
    const [reply] = (await within('a reply', once(outgoing.end(), 'response'))) as [IncomingMessage];
    return { status: reply.statusCode, reply, text: (await buffer(reply)).toString() };
  };
  return { send, seen };
};

const paths = [
  '/api/queue/v1/task/x/artifacts/public%2Fa%2Fb%20c%2Bd.txt',
  '/api/queue/v1/task//artifacts//public/a//b',
  '/api/index/v1/task/100%25.%2525',
  '/api/queue/v1/tasks?x=a+b&y=%2B&x=',
  '/api/queue/v1/tasks?',
  "/api/queue/v1/it's/a|b/{c}/\"d\"/~e?q='f'|{g}?h",
  '/api/queue/v1/%E2%82%ac/%c3%bc',
];

test('byte-for-byte: paths and queries arrive as they were sent, and are signed so', async (t) => {
  const { send, seen } = await aProxy(t);
  for (const path of paths) assert.equal((await send(path)).status, 200, path);
  assert.deepEqual(
    seen.map(({ url }) => url),
    paths,
  );
  // By the short paths too.
  for (const path of paths) assert.equal((await send(path.slice('/api'.length))).status, 200, path);
  assert.deepEqual(
    seen.slice(paths.length).map(({ url }) => url),
    paths,
  );
});

test('byte-for-byte: no header is invented, dropped, joined or written otherwise', async (t) => {
  const { send, seen } = await aProxy(t);
  const path = '/api/queue/v1/task';
  const headers = { 'X-Odd-Case': 'a', 'x-many': ['1', '2'], 'Content-Length': 2 };
  const { reply } = await send(path, { method: 'POST', headers, body: [Buffer.from('{}')] });
  const [first] = seen;
  const given = first?.headers.filter((line) => !/^(host|authorization|connection):/i.test(line));
  assert.deepEqual(given, ['X-Odd-Case: a', 'x-many: 1', 'x-many: 2', 'Content-Length: 2']);
  assert.equal(reply.statusMessage, 'Fine');
  assert.deepEqual(
    headersOf(reply).filter((line) => line.startsWith('X-Twice')),
    ['X-Twice: one', 'X-Twice: two'],
  );
});

test('byte-for-byte: bodies of all kinds arrive whole', async (t) => {
  const { send, seen } = await aProxy(t);
  const path = '/api/object/v1/upload';
  const body = randomBytes(8_000_000);
  const parts = [body.subarray(0, 1), body.subarray(1, 5_000_000), body.subarray(5_000_000)];
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const chunked = { 'Transfer-Encoding': 'chunked' };
    assert.equal((await send(path, { method, headers: chunked, body: parts })).status, 200);
    assert.ok(seen.at(-1)?.body.equals(body), `${method}, in chunks`);
    const told = { 'Content-Length': body.length };
    assert.equal((await send(path, { method, headers: told, body: parts })).status, 200);
    assert.ok(seen.at(-1)?.body.equals(body), `${method}, of a known length`);
    assert.ok(!seen.at(-1)?.headers.some((line) => /^content-type:/i.test(line)));
  }
});

test('byte-for-byte: a request without a body stays one, and HEAD gets what GET would', async (t) => {
  const { send, seen } = await aProxy(t);
  const head = await send('/api/queue/v1/ping', { method: 'HEAD' });
  assert.deepEqual([head.status, head.reply.headers['content-length'], head.text], [200, '5', '']);
  for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
    assert.equal((await send('/api/queue/v1/ping', { method })).text, 'reply', method);
    assert.equal(seen.at(-1)?.body.length, 0);
  }
});
