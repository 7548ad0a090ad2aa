import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { type AddressInfo, createServer as createPlainServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { startTaskProxy, type TaskProxy } from './proxy.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

const ext = (authorization = ''): { authorizedScopes?: string[] } =>
  JSON.parse(Buffer.from(/ext="([^"]*)"/.exec(authorization)?.[1] ?? '', 'base64').toString());

const aProxy = async (
  t: TestContext,
  {
    rootUrl: given,
    containerAddress,
    allowsPrivateUrls = false,
  }: { rootUrl?: string; containerAddress?: string; allowsPrivateUrls?: boolean } = {},
): Promise<{ proxy: TaskProxy; seen: Seen[]; rootUrl: string; renew(): void }> => {
  const seen: Seen[] = [];
  const server = createServer(async (incoming, response) => {
    const { method, url, headers } = incoming;
    seen.push({ method, url, headers, body: await text(incoming) });
    response.writeHead(url?.includes('artifact') ? 303 : 200, { location: 'http://elsewhere/', 'x-a': 'b' });
    response.end('{"is":"the reply"}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const rootUrl = given ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  let clientId = 'first';
  const proxy = await startTaskProxy({
    clock: systemClock,
    rootUrl,
    credentials: () => ({ clientId, accessToken: `secret of ${clientId}` }),
    scopes: ['queue:one', 'queue:two'],
    containerAddress,
    allowsPrivateUrls,
  });
  t.after(async () => {
    await proxy.close();
    server.close();
  });
  const renew = (): void => {
    clientId = 'second';
  };
  return { proxy, seen, rootUrl, renew };
};

test('a request is signed with the newest credentials, for the scopes of the task alone', async (t) => {
  const { proxy, seen, renew } = await aProxy(t);
  const reply = await fetch(`${proxy.url}/api/queue/v1/task/a%2Fb?limit=1`);
  assert.deepEqual(await reply.json(), { is: 'the reply' });
  assert.equal(reply.headers.get('x-a'), 'b');
  renew();
  await (await fetch(`${proxy.url}/secrets/v1/secret/x`)).text();
  assert.deepEqual(
    seen.map(({ url }) => url),
    ['/api/queue/v1/task/a%2Fb?limit=1', '/api/secrets/v1/secret/x'],
  );
  assert.match(seen[0]?.headers.authorization ?? '', /^Hawk id="first"/);
  assert.match(seen[1]?.headers.authorization ?? '', /^Hawk id="second"/);
  assert.deepEqual(ext(seen[0]?.headers.authorization).authorizedScopes, ['queue:one', 'queue:two']);
});

test('a body is passed on, and a signature of the task itself is not', async (t) => {
  const { proxy, seen } = await aProxy(t);
  const headers = { authorization: 'Hawk id="mine"', 'content-type': 'application/json' };
  const body = JSON.stringify({ long: 'x'.repeat(300_000) });
  await (await fetch(`${proxy.url}/api/queue/v1/task/x`, { method: 'PUT', headers, body })).text();
  assert.equal(seen[0]?.method, 'PUT');
  assert.equal(seen[0]?.body, body);
  assert.equal(seen[0]?.headers['content-type'], 'application/json');
  assert.match(seen[0]?.headers.authorization ?? '', /^Hawk id="first"/);
});

test('credentials that a task puts are signed with until those of the claim are renewed', async (t) => {
  const { proxy, seen, renew } = await aProxy(t);
  const put = (body: string) => fetch(`${proxy.url}/credentials`, { method: 'PUT', body });
  const signedBy = async (): Promise<string | undefined> => {
    await (await fetch(`${proxy.url}/api/queue/v1/ping`)).text();
    return /^Hawk id="([^"]*)"/.exec(seen.at(-1)?.headers.authorization ?? '')?.[1];
  };
  const certificate = '{"version":1,"scopes":["queue:one"]}';
  assert.equal((await put(JSON.stringify({ clientId: 'mine', accessToken: 'x', certificate }))).status, 200);
  assert.equal(await signedBy(), 'mine');
  assert.deepEqual(ext(seen.at(-1)?.headers.authorization), {
    certificate: JSON.parse(certificate),
    authorizedScopes: ['queue:one', 'queue:two'],
  });
  // As the original's workers write those that are not temporary.
  assert.equal((await put('{"clientId":"own","accessToken":"x","certificate":""}')).status, 200);
  assert.equal(await signedBy(), 'own');
  const wrong = ['', '[]', 'null', '{"clientId":"x"}', '{"clientId":1,"accessToken":"x"}'];
  for (const body of [...wrong, '{"clientId":"x","accessToken":"x","certificate":"none"}']) {
    assert.equal((await put(body)).status, 400, body);
  }
  assert.equal((await put(' '.repeat(2_000_000))).status, 413);
  assert.equal((await fetch(`${proxy.url}/credentials`)).status, 405);
  assert.equal(await signedBy(), 'own');
  renew();
  assert.equal(await signedBy(), 'second');
});

test('a redirection is left to the task to follow', async (t) => {
  const { proxy } = await aProxy(t);
  const reply = await fetch(`${proxy.url}/api/queue/v1/artifact`, { redirect: 'manual' });
  assert.deepEqual([reply.status, reply.headers.get('location')], [303, 'http://elsewhere/']);
});

test('a caller without the whole URL is refused, and so is a URL that is no call', async (t) => {
  const { proxy, seen } = await aProxy(t);
  const { origin } = new URL(proxy.url);
  assert.equal((await fetch(`${origin}/api/queue/v1/ping`)).status, 403);
  assert.equal((await fetch(`${origin}/credentials`, { method: 'PUT', body: '{}' })).status, 403);
  assert.equal((await fetch(`${proxy.url}//elsewhere/v1/x`)).status, 404);
  assert.equal((await fetch(`${proxy.url.slice(0, -1)}/api/queue/v1/ping`)).status, 403);
  assert.equal(seen.length, 0);
});

test('a path whose dots lead to what is no call is refused', async (t) => {
  const { proxy, seen } = await aProxy(t);
  const url = new URL(proxy.url);
  for (const dots of ['..', '%2e%2E']) {
    const path = `${url.pathname}/api/queue/v1/${dots}/${dots}/${dots}/elsewhere`;
    const outgoing = request({ host: url.hostname, port: url.port, path });
    const [reply] = (await once(outgoing.end(), 'response')) as [IncomingMessage];
    reply.resume();
    assert.equal(reply.statusCode, 404);
  }
  assert.equal(seen.length, 0);
});

test('a URL of the server is signed on request, and no other is', async (t) => {
  const { proxy, rootUrl } = await aProxy(t);
  const sign = (body: string) => fetch(`${proxy.url}/bewit`, { method: 'POST', body, redirect: 'manual' });
  const signed = await sign(`${rootUrl}/api/queue/v1/task/x/artifacts/y`);
  assert.equal(signed.status, 303);
  assert.match(signed.headers.get('location') ?? '', /\/artifacts\/y\?bewit=/);
  const marked = await sign(`${rootUrl}/api/queue/v1/task/x/artifacts/y#top`);
  assert.match(marked.headers.get('location') ?? '', /\/artifacts\/y\?bewit=[^#]*$/);
  assert.equal((await sign('https://example.com/')).status, 400);
  assert.equal((await sign('nothing')).status, 400);
});

test('a server that is away is reported as such', async (t) => {
  const gone = createPlainServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  const { proxy } = await aProxy(t, { rootUrl: `http://127.0.0.1:${port}` });
  const reply = await fetch(`${proxy.url}/api/queue/v1/ping`);
  assert.equal(reply.status, 502);
  assert.match(((await reply.json()) as { message: string }).message, /did not answer/);
});

const ownAddress = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

test("in a container's network the proxy has no secret, but refuses this machine's own programs", {
  skip: ownAddress === undefined && 'this machine has no address in a network',
}, async (t) => {
  const { proxy, seen } = await aProxy(t, { containerAddress: ownAddress ?? '' });
  const { hostname, port, pathname } = new URL(proxy.url);
  assert.deepEqual([hostname, pathname], ['taskcluster', '/']);
  const reply = await fetch(`http://${ownAddress}:${port || 80}/api/queue/v1/ping`);
  assert.equal(reply.status, 403);
  assert.equal(seen.length, 0);
});

test('an address that the machine does not have yet is waited for, and others do not serve in its place', async (t) => {
  // Of a range for documentation: no machine has it.
  const { proxy, seen } = await aProxy(t, { containerAddress: '192.0.2.1' });
  const { hostname, port } = new URL(proxy.url);
  assert.equal(hostname, 'taskcluster');
  for (const host of ['127.0.0.1', ...(ownAddress === undefined ? [] : [ownAddress])]) {
    assert.equal((await fetch(`http://${host}:${port}/api/queue/v1/ping`)).status, 403);
  }
  assert.equal(seen.length, 0);
});
