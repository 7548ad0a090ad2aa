import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { later, minutes, systemClock } from '../../base/index.ts';
import type { Backend } from './backend.ts';
import { s3Backend } from './s3.ts';

const credentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'a secret of the test' };
const region = 'eu-test-1';

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const strict = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** The signature that AWS's Signature Version 4 asks for in the query, computed afresh from the request. */
const expectedSignature = (request: IncomingMessage, url: URL): string => {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${strict(name)}=${strict(value)}`)
    .sort()
    .join('&');
  const signed = url.searchParams.get('X-Amz-SignedHeaders') ?? '';
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`);
  const canonical = [request.method, url.pathname, query, headers.join(''), signed, 'UNSIGNED-PAYLOAD'];
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical.join('\n'))].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${credentials.secretAccessKey}`);
  return hmac(key, text).toString('hex');
};

const isExpired = (url: URL): boolean => {
  const date = url.searchParams.get('X-Amz-Date') ?? '';
  const iso = date.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5');
  return Date.parse(iso) + Number(url.searchParams.get('X-Amz-Expires')) * 1000 < systemClock.now().getTime();
};

interface Stored {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly contentEncoding?: string;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
};

/**
 * A small bucket: PUT, GET, HEAD and the deletion of many. Signatures in the query are verified; those in a
 * header, with which the server itself calls, are only required to be there.
 */
const fakeBucket = () => {
  const stored = new Map<string, Stored>();
  const undeletable = new Set<string>();

  const isAllowed = (request: IncomingMessage, url: URL): boolean =>
    url.searchParams.has('X-Amz-Signature')
      ? url.searchParams.get('X-Amz-Signature') === expectedSignature(request, url) && !isExpired(url)
      : (request.headers.authorization ?? '').startsWith(
          `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/`,
        );

  const deleteMany = (xml: string): string => {
    const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map((match) => match[1] ?? '');
    for (const key of keys) if (!undeletable.has(key)) stored.delete(key);
    const errors = keys.filter((key) => undeletable.has(key));
    return `<DeleteResult>${errors.map((key) => `<Error><Key>${key}</Key><Code>InternalError</Code></Error>`).join('')}</DeleteResult>`;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '', 'http://bucket');
    const body = await bodyOf(request);
    if (!isAllowed(request, url)) return void response.writeHead(403).end();
    const key = decodeURIComponent(url.pathname.slice('/bucket/'.length));
    if (request.method === 'POST') {
      return void response
        .writeHead(200, { 'content-type': 'application/xml' })
        .end(deleteMany(String(body)));
    }
    if (request.method === 'PUT') {
      stored.set(key, { bytes: body, contentType: request.headers['content-type'] ?? '' });
      return void response.writeHead(200).end();
    }
    const found = stored.get(key);
    if (!found) return void response.writeHead(404).end();
    response.writeHead(200, {
      'content-type': found.contentType,
      'content-length': found.bytes.length,
      ...(found.contentEncoding ? { 'content-encoding': found.contentEncoding } : {}),
    });
    response.end(request.method === 'HEAD' ? undefined : found.bytes);
  };

  const server = createServer((request, response) => void answer(request, response));
  return { server, stored, undeletable };
};

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

  it('takes and gives bytes by signed URLs', async () => {
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
  it('signs until the time that was asked for', async () => {
    const url = new URL(await backend.downloadUrl('k', later(systemClock.now(), minutes(30))));
    const expiresIn = Number(url.searchParams.get('X-Amz-Expires'));
    assert.ok(expiresIn > 1790 && expiresIn <= 1800, String(expiresIn));
  });
  it('takes a few bytes directly, without anything added to them', async () => {
    await backend.write('inline', Buffer.from('inline'), 'a/b');
    assert.deepEqual(bucket.stored.get('pre/inline'), { bytes: Buffer.from('inline'), contentType: 'a/b' });
  });
  it('hashes what is small, with its compression undone, and fetches nothing large for it', async () => {
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
  it('tells which bytes could not be deleted', async () => {
    for (const key of ['one', 'two']) await backend.write(key, Buffer.from(key), 'a/b');
    bucket.undeletable.add('pre/two');
    assert.deepEqual(await backend.remove(['one', 'two', 'three']), ['one', 'three']);
    assert.ok(bucket.stored.has('pre/two') && !bucket.stored.has('pre/one'));
    assert.deepEqual(await backend.remove([]), []);
  });
});
