import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, globalAgent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { leftOutFor } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { findProgram } from '../engines/find-program.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { startTaskProxy } from './proxy.ts';

const skip = leftOutFor(
  findProgram('openssl', process.env.PATH ?? '') === undefined &&
    '`openssl` makes the certificate, and is not here',
);

/** A server whose certificate this process trusts, at an address of the loopback interface; it replies with what it was asked. */
const aSecureServer = async (t: TestContext, address: string, port: number) => {
  const directory = await temporaryDirectory(t);
  const [key, certificate] = [join(directory, 'key.pem'), join(directory, 'certificate.pem')];
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate];
  const names = ['-subj', '/CN=test', '-addext', `subjectAltName=IP:${address}`];
  execFileSync('openssl', ['req', ...made, ...names], { stdio: 'ignore' });
  const [cert, secret] = [await readFile(certificate), await readFile(key)];
  const server = createServer({ key: secret, cert }, ({ url, headers }, response) =>
    response.end(JSON.stringify({ url, host: headers.host, authorization: headers.authorization })),
  );
  server.listen(port, address);
  await once(server, 'listening');
  const before = globalAgent.options.ca;
  globalAgent.options.ca = cert;
  t.after(() => {
    globalAgent.options.ca = before;
    server.close();
    server.closeAllConnections();
  });
  return server.address() as AddressInfo;
};

const aProxy = async (t: TestContext, rootUrl: string, allowsPrivateUrls: boolean) => {
  const proxy = await startTaskProxy({
    clock: systemClock,
    rootUrl,
    credentials: () => ({ clientId: 'task', accessToken: 'secret' }),
    scopes: ['*'],
    containerAddress: undefined,
    allowsPrivateUrls,
  });
  t.after(() => proxy.close());
  const get = async (path: string) => {
    const reply = await fetch(`${proxy.url}${path}`);
    return { status: reply.status, body: (await reply.json()) as Record<string, string> };
  };
  return get;
};

test('a server whose root URL is https is reached by that, by long paths and short ones', {
  skip,
}, async (t) => {
  const { port } = await aSecureServer(t, '127.0.0.1', 0);
  const get = await aProxy(t, `https://127.0.0.1:${port}`, false);
  for (const path of ['/api/queue/v1/task/a%2Fb?x=1', '/queue/v1/task/a%2Fb?x=1']) {
    const { status, body } = await get(path);
    assert.equal(status, 200);
    assert.deepEqual([body.url, body.host], ['/api/queue/v1/task/a%2Fb?x=1', `127.0.0.1:${port}`]);
    assert.match(body.authorization ?? '', /^Hawk id="task"/);
  }
});

const mayListen = process.getuid?.() === 0;

test('a host in the place of a service is reached by https, with a signature', {
  skip: skip || (!mayListen && 'only root may listen at port 443'),
}, async (t) => {
  const host = `127.${process.pid % 250}.${(process.pid >> 8) % 250}.7`;
  await aSecureServer(t, host, 443);
  const get = await aProxy(t, 'http://127.0.0.1:1', true);
  const { status, body } = await get(`/${host}/v1/it%2Fself//?q=a+b`);
  assert.equal(status, 200);
  assert.deepEqual([body.url, body.host], ['/v1/it%2Fself//?q=a+b', host]);
  assert.match(body.authorization ?? '', /^Hawk id="task"/);
});

test('a host of a private address is reached only by tasks that nothing keeps from it', async (t) => {
  const get = await aProxy(t, 'http://127.0.0.1:1', false);
  for (const host of ['127.0.0.1', '10.0.0.1', '169.254.169.254']) {
    const { status, body } = await get(`/${host}/v1/x`);
    assert.equal(status, 403);
    assert.match(body.message ?? '', /is a private address/);
  }
  // A name that leads to one.
  assert.match((await get('/localhost.localdomain/v1/x')).body.message ?? '', /did not answer/);
});
