import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isPrivateAddress } from '../addresses/index.ts';
import { openUrl } from './open-url.ts';

const { signal } = new AbortController();

const aServer = async (t: TestContext, answer: RequestListener): Promise<string> => {
  const server = createServer(answer);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

test('addresses that are none of the public internet are private, however they are written', () => {
  const private_ = ['127.0.0.1', '10.1.2.3', '172.31.0.1', '192.168.1.1', '169.254.169.254', '100.64.0.1'];
  private_.push('0.0.0.0', '224.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fd00::1');
  private_.push('::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '::7f00:1', '64:ff9b::10.0.0.1', '2002:7f00:1::');
  for (const address of private_) assert.equal(isPrivateAddress(address), true, address);
  const public_ = [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '::ffff:1.1.1.1',
    '64:ff9b::808:808',
  ];
  for (const address of public_) assert.equal(isPrivateAddress(address), false, address);
});

test('a URL that a task names leads to no private address, by name, by number or by redirect', async (t) => {
  const inner = await aServer(t, (_, response) => void response.end('inner'));
  const own = await aServer(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: inner }).end();
    else response.end('own');
  });
  const other = await aServer(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: inner }).end();
    else response.end('other');
  });
  const rules = { allowsPrivate: false, servers: [own, `${other}/`] };
  const { port } = new URL(inner);
  const others = [
    inner,
    `http://localhost:${port}`,
    `http://[::ffff:127.0.0.1]:${port}`,
    `http://2130706433:${port}`,
  ];
  for (const url of [...others, `${own}/away`, `${other}/away`]) {
    await assert.rejects(openUrl(url, { rules, signal }), {
      message: /is a private address/,
      statusCode: 403,
    });
  }
  assert.equal(await text(await openUrl(`${own}/x`, { rules, signal })), 'own');
  assert.equal(await text(await openUrl(`${other}/x`, { rules, signal })), 'other');
  const allowed = { ...rules, allowsPrivate: true };
  assert.equal(await text(await openUrl(`${own}/away`, { rules: allowed, signal })), 'inner');
  assert.equal(await text(await openUrl(inner, { rules: undefined, signal })), 'inner');
});

test('content is decoded, and one that ends too early is not taken for whole', async (t) => {
  const bytes = gzipSync('content '.repeat(1000));
  const url = await aServer(t, (request, response) => {
    const isWhole = request.url === '/whole';
    response.writeHead(200, { 'content-encoding': 'gzip' });
    response.end(isWhole ? bytes : bytes.subarray(0, bytes.length - 9));
  });
  const rules = undefined;
  assert.equal((await text(await openUrl(`${url}/whole`, { rules, signal }))).length, 8000);
  await assert.rejects(async () => text(await openUrl(`${url}/half`, { rules, signal })));
});

test('a connection that breaks, a circle of redirects and other schemes are refused', async (t) => {
  const url = await aServer(t, (request, response) => {
    if (request.url === '/circle') response.writeHead(301, { location: '/circle' }).end();
    else if (request.url === '/file') response.writeHead(301, { location: 'file:///etc/passwd' }).end();
    else if (request.url === '/none') response.writeHead(301, { location: 'http://[' }).end();
    else if (request.url === '/odd')
      response.writeHead(200, { 'content-encoding': 'constructor' }).end('as is');
    else {
      response.writeHead(200, { 'content-length': '100' });
      response.write('some', () => response.destroy());
    }
  });
  const rules = undefined;
  await assert.rejects(openUrl(`${url}/circle`, { rules, signal }), /redirected more than 10 times/);
  await assert.rejects(openUrl(`${url}/file`, { rules, signal }), {
    message: /it leads to file:/,
    statusCode: 301,
  });
  await assert.rejects(openUrl(`${url}/none`, { rules, signal }), { message: /no URL/, statusCode: 301 });
  assert.equal(await text(await openUrl(`${url}/odd`, { rules, signal })), 'as is', 'inherited-names');
  await assert.rejects(async () => text(await openUrl(`${url}/broken`, { rules, signal })));
});
