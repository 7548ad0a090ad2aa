import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { later, minutes, PartyAway, systemClock } from '../../base/index.ts';
import type { Backend } from './backend.ts';
import { s3Backend } from './s3.ts';
import { partLengthOf } from './s3-parts.ts';
import { credentials, type Fault, fakeBucket, region } from './testing/fake-bucket.ts';

describe('a bucket', () => {
  const bucket = fakeBucket();
  let backend: Backend;
  /** The same, with little patience. */
  let hasty: Backend;
  const soon = () => later(systemClock.now(), minutes(5));

  before(async () => {
    await new Promise<void>((resolve) => bucket.server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(bucket.server.address() as AddressInfo).port}`;
    const options = {
      bucket: 'bucket',
      region,
      endpoint,
      forcePathStyle: true,
      ...credentials,
      prefix: 'pre/',
    };
    const patience = { connectionTimeout: 2000, requestTimeout: 1000, socketTimeout: 1000 };
    [backend, hasty] = [s3Backend(options, systemClock), s3Backend(options, systemClock, patience)];
  });
  after(() => bucket.server.close().closeAllConnections());

  const put = (url: string, body: string, contentType = 'text/plain') =>
    fetch(url, { method: 'PUT', body, headers: { 'content-type': contentType } });

  it('uploads and downloads bytes by signed URLs', async () => {
    const key = "task/0/public/a b+c'(1)*.txt";
    const { url, headers } = await backend.uploadUrl(key, { contentType: 'text/plain', expires: soon() });
    assert.deepEqual(headers, { 'Content-Type': 'text/plain' });
    assert.equal((await put(url, 'hello')).status, 200);
    assert.equal(String(bucket.stored.get(`pre/${key}`)?.bytes), 'hello');
    assert.equal(await (await fetch(await backend.downloadUrl(key, soon()))).text(), 'hello');
    assert.deepEqual(await backend.find(key), { contentType: 'text/plain', contentLength: 5 });
    assert.equal(await backend.find('none'), undefined);
  });
  it('refuses another content type, length, key or method than was signed', async () => {
    const terms = { contentType: 'text/plain', contentLength: 5, expires: soon() };
    const { url, headers } = await backend.uploadUrl('k', terms);
    assert.equal(headers['Content-Length'], '5');
    assert.equal((await put(url, 'hello', 'text/html')).status, 403);
    assert.equal((await put(url, 'other length')).status, 403);
    assert.equal((await put(url.replace('/k?', '/l?'), 'hello')).status, 403);
    assert.equal((await fetch(url)).status, 403);
    assert.equal((await put(url, 'hello')).status, 200);
  });
  it('signs until the given time', async () => {
    const url = new URL(await backend.downloadUrl('k', later(systemClock.now(), minutes(30))));
    const expiresIn = Number(url.searchParams.get('X-Amz-Expires'));
    assert.ok(expiresIn > 1790 && expiresIn <= 1800, String(expiresIn));
  });
  it('stores few bytes directly, without additions', async () => {
    await backend.write('inline', Buffer.from('inline'), 'a/b');
    assert.deepEqual(bucket.stored.get('pre/inline'), { bytes: Buffer.from('inline'), contentType: 'a/b' });
  });
  it('hashes small bytes after decompression, and fetches no large ones', async () => {
    const hashOf = (bytes: Buffer) => createHash('sha512').update(bytes).digest('hex');
    const plain = Buffer.from('hello');
    await backend.write('small', plain, 'a/b');
    assert.equal(await backend.hash('small', 'sha512'), hashOf(plain));
    bucket.stored.set('pre/zipped', { bytes: gzipSync(plain), contentType: 'a/b', contentEncoding: 'gzip' });
    assert.equal(await backend.hash('zipped', 'sha512'), hashOf(plain));
    bucket.stored.set('pre/broken', { bytes: plain, contentType: 'a/b', contentEncoding: 'gzip' });
    assert.equal(await backend.hash('broken', 'sha512'), undefined);
    bucket.stored.set('pre/large', { bytes: Buffer.alloc(2 ** 20 + 1), contentType: 'a/b' });
    assert.equal(await backend.hash('large', 'sha512'), undefined);
    assert.equal(await backend.hash('none', 'sha512'), undefined);
  });
  it('reports which bytes could not be deleted', async () => {
    for (const key of ['one', 'two']) await backend.write(key, Buffer.from(key), 'a/b');
    bucket.undeletable.add('pre/two');
    assert.deepEqual(await backend.remove(['one', 'two', 'three']), ['one', 'three']);
    assert.ok(bucket.stored.has('pre/two') && !bucket.stored.has('pre/one'));
    assert.deepEqual(await backend.remove([]), []);
  });

  it('takes large bytes in parts, and their end more than once', async () => {
    const { parts } = backend;
    assert.ok(parts);
    const contentLength = partLengthOf(0) + 3;
    const terms = { contentType: 'a/b', contentEncoding: 'gzip', contentLength, expires: soon() } as const;
    const { uploadId, urls, partLength } = await parts.begin('large', terms);
    assert.deepEqual([partLength, urls.length], [partLengthOf(0), 2]);
    // The first URLs may have expired.
    const again = await parts.begin('large', { ...terms, uploadId });
    assert.equal(again.uploadId, uploadId);
    const etags: string[] = [];
    for (const [i, url] of again.urls.entries()) {
      const reply = await fetch(url, { method: 'PUT', body: `part ${i}` });
      etags.push(reply.headers.get('etag') ?? '');
    }
    const finished = { uploadId, etags, contentLength: 'part 0part 1'.length };
    await assert.rejects(parts.join('large', { ...finished, etags: etags.toReversed() }), {
      code: 'InputError',
    });
    await parts.join('large', finished);
    await parts.join('large', finished);
    await assert.rejects(parts.join('large', { ...finished, contentLength: 1 }), { code: 'InputError' });
    await assert.rejects(parts.join('elsewhere', finished), { code: 'InputError' });
    // Other bytes of the same length.
    const others = { ...finished, etags: etags.toReversed() };
    await assert.rejects(parts.join('large', others), { code: 'InputError' });
    const { bytes, etag: _, ...about } = bucket.stored.get('pre/large') ?? {};
    assert.equal(String(bytes), 'part 0part 1');
    assert.deepEqual(about, { contentType: 'a/b', contentEncoding: 'gzip' });
  });
  it('gives up an upload in parts, also twice', async () => {
    const { parts } = backend;
    assert.ok(parts);
    const terms = { contentType: 'a/b', contentLength: 4, expires: soon() } as const;
    const { uploadId, urls } = await parts.begin('given-up', terms);
    const send = () => fetch(urls[0] ?? '', { method: 'PUT', body: 'part' });
    const etags = [(await send()).headers.get('etag') ?? ''];
    await parts.abort('given-up', uploadId);
    await parts.abort('given-up', uploadId);
    assert.equal((await send()).status, 404);
    const finished = { uploadId, etags, contentLength: 4 };
    await assert.rejects(parts.join('given-up', finished), { code: 'InputError' });
  });

  it('takes up to five terabytes in about a thousand parts', () => {
    const gigabyte = 2 ** 30;
    assert.equal(partLengthOf(5 * 1024 * gigabyte), 5 * gigabyte);
    assert.equal(Math.ceil((100 * gigabyte) / partLengthOf(100 * gigabyte)), 250);
  });
  const says =
    (status: number, code: string): Fault =>
    (request, response) => {
      request.resume();
      response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`);
    };
  const cuts: Fault = (request) => void request.socket.destroy();
  const isSilent: Fault = () => {};
  const cutsMidway: Fault = (_request, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half', () => response.destroy());
  };
  const failures: Readonly<Record<string, readonly Fault[]>> = {
    'fails, and is overloaded': [says(500, 'InternalError'), says(503, 'SlowDown')],
    'loses connections': [cuts, cuts],
    'is silent': [isSilent],
  };
  for (const [what, faults] of Object.entries(failures)) {
    it(`that ${what} for a moment is asked again`, async () => {
      await backend.write('again', Buffer.from('hello'), 'a/b');
      bucket.faults.push(...faults);
      assert.equal((await hasty.find('again'))?.contentLength, 5);
      bucket.faults.push(...faults);
      assert.deepEqual(await hasty.remove(['again']), ['again']);
    });
  }
  const outages: Readonly<Record<string, Fault>> = {
    fails: says(500, 'InternalError'),
    'is overloaded': says(503, 'SlowDown'),
    'loses connections': cuts,
    'is silent': isSilent,
  };
  for (const [what, fault] of Object.entries(outages)) {
    it(`that ${what} for longer counts as away`, async () => {
      bucket.faults.push(fault, fault, fault);
      await assert.rejects(hasty.find('again'), (error) => error instanceof PartyAway);
      assert.equal(bucket.faults.length, 0);
    });
  }
  it('that loses a connection in the midst of bytes counts as away', async () => {
    await backend.write('midway', Buffer.from('hello'), 'a/b');
    bucket.faults.push(
      (_request, response) => void response.writeHead(200, { 'content-length': '5' }).end(),
      cutsMidway,
    );
    await assert.rejects(hasty.hash('midway', 'sha256'), (error) => error instanceof PartyAway);
  });
});
