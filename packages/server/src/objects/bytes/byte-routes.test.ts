import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { fastify } from 'fastify';
import { hours, later, manualClock, silentLog } from '../../base/index.ts';
import { byteRoutes } from './byte-routes.ts';
import { diskBackend } from './disk.ts';

const sha = (bytes: Buffer, algorithm = 'sha256') => createHash(algorithm).update(bytes).digest('hex');

describe('bytes on disk', () => {
  const clock = manualClock();
  const app = fastify({ logger: false });
  let folder: string;
  let rootUrl: string;
  let disk: ReturnType<typeof diskBackend>;
  const inAnHour = () => later(clock.now(), hours(1));

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'taskyard-objects-'));
    disk = diskBackend({ folder, rootUrl: () => rootUrl, uploadBytesMax: 2 ** 20 });
    // As in the API: its parser must not read uploads.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    byteRoutes(app, { disks: new Map([['', disk]]), clock, log: silentLog });
    await app.listen({ port: 0, host: '127.0.0.1' });
    rootUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  });
  after(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  const put = async (key: string, bytes: Buffer, headers: Record<string, string> = {}) => {
    const contentType = headers['content-type'] ?? 'text/plain';
    const { url } = await disk.uploadUrl(key, { contentType, expires: inAnHour() });
    return fetch(url, {
      method: 'PUT',
      body: new Uint8Array(bytes),
      headers: { 'content-type': contentType, ...headers },
    });
  };
  const get = async (key: string, headers: Record<string, string> = {}, method = 'GET') =>
    fetch(await disk.downloadUrl(key, inAnHour()), { headers, method });

  it('uploaded bytes are returned with their type and an ETag', async () => {
    const bytes = randomBytes(300_000);
    const reply = await put('task/0/a', bytes);
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.get('etag'), `"${sha(bytes)}"`);
    const back = await get('task/0/a');
    assert.equal(back.status, 200);
    assert.equal(back.headers.get('content-type'), 'text/plain');
    assert.equal(back.headers.get('content-length'), '300000');
    assert.match(back.headers.get('content-security-policy') ?? '', /^sandbox/);
    assert.deepEqual(Buffer.from(await back.arrayBuffer()), bytes);
    const stored = await disk.find('task/0/a');
    assert.equal(stored?.contentLength, 300_000);
    assert.equal(stored.contentType, 'text/plain');
  });
  it('zero bytes can be stored and read', async () => {
    assert.equal((await put('task/0/empty', Buffer.alloc(0))).status, 200);
    const back = await get('task/0/empty');
    assert.equal(back.status, 200);
    assert.equal(await back.text(), '');
  });
  it('names that clients rewrite, and invalid content types, work', async () => {
    for (const key of ['t/0/..', 't/0/a/../../b', 't/0//x', 't/0/ü'.replace('ü', '%2F?#'), 't/0/~']) {
      assert.equal((await put(key, Buffer.from(key), { 'content-type': 'nonsense' })).status, 200, key);
      assert.equal(await (await get(key)).text(), key);
    }
  });
  it('an encoding is kept and returned', async () => {
    const text = Buffer.from('log '.repeat(1000));
    await put('task/0/log', gzipSync(text), { 'content-encoding': 'gzip' });
    const back = await get('task/0/log');
    assert.equal(back.headers.get('content-encoding'), 'gzip');
    assert.equal(await back.text(), text.toString());
    const url = await disk.downloadUrl('task/0/log', inAnHour());
    assert.deepEqual(gunzipSync(await rawGet(url, 'gzip;q=0.5, identity')), text);
    for (const accepted of [undefined, 'identity', 'gzip;q=0, br'])
      assert.deepEqual(await rawGet(url, accepted), text, accepted);
    const decoded = await get('task/0/log', { 'accept-encoding': 'identity', range: 'bytes=0-3' });
    assert.deepEqual([decoded.status, decoded.headers.get('accept-ranges')], [200, 'none']);
    assert.equal(decoded.headers.get('vary'), 'Accept-Encoding');
    assert.notEqual(decoded.headers.get('etag'), back.headers.get('etag'));
    assert.equal(await disk.hash('task/0/log', 'sha256'), sha(text));
    assert.equal(await disk.hash('task/0/log', 'sha512'), sha(text, 'sha512'));
  });
  it('ranges, HEAD and conditions work', async () => {
    const bytes = Buffer.from('0123456789');
    await put('task/0/r', bytes);
    const etag = `"${sha(bytes)}"`;
    const part = await get('task/0/r', { range: 'bytes=2-4' });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get('content-range'), 'bytes 2-4/10');
    assert.equal(await part.text(), '234');
    assert.equal(await (await get('task/0/r', { range: 'bytes=-2', 'if-range': etag })).text(), '89');
    assert.equal(
      await (await get('task/0/r', { range: 'bytes=-2', 'if-range': '"other"' })).text(),
      '0123456789',
    );
    const beyond = await get('task/0/r', { range: 'bytes=10-' });
    assert.equal(beyond.status, 416);
    assert.equal(beyond.headers.get('content-range'), 'bytes */10');
    const head = await get('task/0/r', {}, 'HEAD');
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-length'), '10');
    assert.equal(head.headers.get('accept-ranges'), 'bytes');
    assert.equal((await get('task/0/r', { 'if-none-match': etag })).status, 304);
  });
  it('a request that differs from the signed one is refused', async () => {
    await put('task/0/s', Buffer.from('s'));
    const { url } = await disk.uploadUrl('task/0/s', { contentType: 'text/plain', expires: inAnHour() });
    assert.equal(
      (await fetch(url, { method: 'PUT', body: 'x', headers: { 'content-type': 'text/html' } })).status,
      403,
    );
    assert.equal((await fetch(url)).status, 403);
    assert.equal(
      (
        await fetch(url.replace('/s?', '/t?'), {
          method: 'PUT',
          body: 'x',
          headers: { 'content-type': 'text/plain' },
        })
      ).status,
      403,
    );
    assert.equal((await fetch(`${rootUrl}/objects/task/0/s`)).status, 403);
    const late = await disk.downloadUrl('task/0/s', later(clock.now(), -1000));
    assert.equal((await fetch(late)).status, 403);
    assert.equal(await (await get('task/0/s')).text(), 's');
  });
  it('absent bytes are not found, and a page cannot use bytes as its script', async () => {
    assert.equal((await get('task/0/none')).status, 404);
    await put('task/0/x.js', Buffer.from('alert(1)'), { 'content-type': 'text/javascript' });
    // fetch would not let a test set this header.
    const url = await disk.downloadUrl('task/0/x.js', inAnHour());
    const { pathname, search } = new URL(url);
    const reply = await app.inject({ url: pathname + search, headers: { 'sec-fetch-dest': 'script' } });
    assert.equal(reply.statusCode, 403);
  });
  it('too many bytes, or another number than announced, are refused and leave nothing', async () => {
    assert.equal((await put('task/0/big', Buffer.alloc(2 ** 20 + 1))).status, 413);
    const terms = { contentType: 'text/plain', contentLength: 3, expires: inAnHour() };
    const { url, headers } = await disk.uploadUrl('task/0/three', terms);
    const type = { 'content-type': headers['Content-Type'] ?? '' };
    assert.equal((await fetch(url, { method: 'PUT', body: 'four', headers: type })).status, 413);
    assert.equal((await fetch(url, { method: 'PUT', body: 'tw', headers: type })).status, 400);
    assert.equal((await get('task/0/three')).status, 404);
    assert.equal((await fetch(url, { method: 'PUT', body: 'abc', headers: type })).status, 200);
    assert.deepEqual(await readdir(join(folder, 'uploads')), []);
  });
  it('an interrupted upload leaves the earlier bytes', async () => {
    await put('task/0/cut', Buffer.from('before'));
    const { url } = await disk.uploadUrl('task/0/cut', { contentType: 'text/plain', expires: inAnHour() });
    await new Promise<void>((resolve) => {
      const request = httpRequest(url, {
        method: 'PUT',
        headers: { 'content-type': 'text/plain', 'content-length': 1000 },
      });
      request.on('error', () => {});
      request.on('close', () => resolve());
      request.write('aft', () => request.destroy());
    });
    assert.equal(await (await get('task/0/cut')).text(), 'before');
  });
  it('the file of a key has its extension, and is one file however often it is uploaded', async () => {
    await put('task/0/public/../report of all.html', Buffer.from('one'));
    await put('task/0/public/../report of all.html', Buffer.from('two'));
    const path = (await disk.files.locate('task/0/public/../report of all.html')) ?? '';
    assert.match(path, /report_of_all\.html$/);
    assert.ok(path.startsWith(folder));
    assert.equal(await readFile(path, 'utf8'), 'two');
    assert.equal((await readdir(dirname(path))).length, 2);
  });
  it('sealed bytes cannot be replaced; removed ones are gone', async () => {
    await put('task/0/final', Buffer.from('final'));
    await disk.seal('task/0/final');
    assert.equal((await put('task/0/final', Buffer.from('other'))).status, 409);
    assert.equal(await (await get('task/0/final')).text(), 'final');
    assert.deepEqual(await disk.remove(['task/0/final', 'task/0/none']), ['task/0/final', 'task/0/none']);
    assert.equal((await get('task/0/final')).status, 404);
  });
  it('two servers on one folder sign with the same key', async () => {
    const other = diskBackend({ folder, rootUrl: () => rootUrl, uploadBytesMax: 1 });
    assert.equal(await other.secret(), await disk.secret());
    assert.equal((await disk.secret()).length, 44);
  });
});

const rawGet = (url: string, accepted?: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
    httpRequest(url, { headers }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      reply.on('end', () => resolve(Buffer.concat(chunks)));
    })
      .on('error', reject)
      .end();
  });
