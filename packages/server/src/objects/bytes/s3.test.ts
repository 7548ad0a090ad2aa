import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { later, minutes, systemClock } from '../../base/index.ts';
import type { Backend } from './backend.ts';
import { s3Backend } from './s3.ts';
import { credentials, fakeBucket, region } from './testing/fake-bucket.ts';

describe('a bucket', () => {
  const bucket = fakeBucket();
  let backend: Backend;
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
    backend = s3Backend(options, systemClock);
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
});
