import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { slugid } from '../../../base/index.ts';
import type { Backend, SignedUpload } from '../backend.ts';

/** An empty backend. */
export interface OpenedBackend {
  readonly backend: Backend;
  /** The expiry of the test's URLs. */
  soon(): Date;
  close(): Promise<void>;
}

const hash = (bytes: Buffer, algorithm: string): string => createHash(algorithm).update(bytes).digest('hex');

/** The tests of every backend, over HTTP as clients use it. */
export const backendSuite = (name: string, open: () => Promise<OpenedBackend>): void => {
  describe(`a backend (${name})`, () => {
    let opened: OpenedBackend;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());

    const contentType = 'text/plain';
    const sign = (key: string, more: object = {}): Promise<SignedUpload> =>
      opened.backend.uploadUrl(key, { contentType, expires: opened.soon(), ...more });
    const put = async ({ url, headers }: SignedUpload, body: string, more: object = {}): Promise<number> => {
      const { 'Content-Length': _, ...others } = headers;
      const reply = await fetch(url, { method: 'PUT', body, headers: { ...others, ...more } });
      await reply.arrayBuffer();
      return reply.status;
    };
    const get = async (key: string): Promise<{ status: number; text: string; type: string | null }> => {
      const reply = await fetch(await opened.backend.downloadUrl(key, opened.soon()));
      return { status: reply.status, text: await reply.text(), type: reply.headers.get('content-type') };
    };

    it('stores bytes by a signed URL, and returns them', async () => {
      const key = `task/0/public/a b+c'(1)*-${slugid()}.txt`;
      assert.equal(await put(await sign(key), 'hello'), 200);
      assert.deepEqual(await get(key), { status: 200, text: 'hello', type: contentType });
      const { contentLength, contentType: type } = (await opened.backend.find(key)) ?? {};
      assert.deepEqual([contentLength, type], [5, contentType]);
    });

    it('stores bytes that are in memory', async () => {
      const key = slugid();
      const stored = await opened.backend.write(key, Buffer.from('inline'), 'a/b');
      assert.deepEqual([stored.contentLength, stored.contentType], [6, 'a/b']);
      assert.deepEqual(await get(key), { status: 200, text: 'inline', type: 'a/b' });
    });

    it('replaces earlier bytes', async () => {
      const key = slugid();
      await opened.backend.write(key, Buffer.from('earlier'), contentType);
      assert.equal(await put(await sign(key), 'now'), 200);
      assert.equal((await get(key)).text, 'now');
    });

    it('reports no bytes before they have arrived', async () => {
      const key = slugid();
      assert.equal(await opened.backend.find(key), undefined);
      assert.equal(await opened.backend.hash(key, 'sha256'), undefined);
      assert.equal((await get(key)).status, 404);
    });

    it('hashes few bytes', async () => {
      const [key, bytes] = [slugid(), Buffer.from('to be hashed')];
      await opened.backend.write(key, bytes, contentType);
      for (const algorithm of ['sha256', 'sha512'] as const)
        assert.equal(await opened.backend.hash(key, algorithm), hash(bytes, algorithm));
    });

    it('refuses another type, length, key or method than was signed', async () => {
      const key = slugid();
      const upload = await sign(key, { contentLength: 5 });
      assert.equal(upload.headers['Content-Length'], '5');
      const isRefused = (status: number): boolean => status >= 400 && status < 500;
      assert.ok(isRefused(await put(upload, 'hello', { 'content-type': 'text/html' })));
      assert.ok(isRefused(await put(upload, 'another length')));
      assert.ok(isRefused(await put({ ...upload, url: upload.url.replace(key, slugid()) }, 'hello')));
      assert.ok(isRefused((await fetch(upload.url)).status));
      assert.equal(await opened.backend.find(key), undefined);
      assert.equal(await put(upload, 'hello'), 200);
    });

    it('still returns bytes that were sealed', async () => {
      const key = slugid();
      await opened.backend.write(key, Buffer.from('sealed'), contentType);
      await opened.backend.seal(key);
      await opened.backend.seal(key);
      assert.equal((await get(key)).text, 'sealed');
    });

    it('removes bytes, also sealed ones, and accepts bytes at the same key again', async () => {
      const [one, two, none] = [slugid(), slugid(), slugid()];
      for (const key of [one, two]) await opened.backend.write(key, Buffer.from(key), contentType);
      await opened.backend.seal(two);
      assert.deepEqual((await opened.backend.remove([one, two, none])).sort(), [one, two, none].sort());
      for (const key of [one, two]) assert.equal(await opened.backend.find(key), undefined);
      assert.deepEqual(await opened.backend.remove([]), []);
      await opened.backend.write(two, Buffer.from('again'), contentType);
      assert.equal((await get(two)).text, 'again');
    });
  });
};
