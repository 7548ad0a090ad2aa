import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyOfPath, pathOfKey, signedPath, verifiedTerms } from './signed-url.ts';

const secret = 'a secret of the test';
const expires = new Date('2030-01-01T00:10:00Z');
const now = new Date('2030-01-01T00:00:00Z');

const requestOf = (path: string, method: 'PUT' | 'GET', contentType?: string) => {
  const url = new URL(path, 'http://server');
  const key = keyOfPath(decodeURIComponent(url.pathname.slice('/objects/'.length)));
  return { method, key, query: Object.fromEntries(url.searchParams), contentType };
};
const refused = (run: () => unknown) => assert.throws(run, { code: 'InsufficientScopes' });

describe('paths of keys', () => {
  it('are the same key again after a client has normalized the URL', () => {
    const key = fc.string({ unit: fc.constantFrom(...'./~%?# abc'), minLength: 1 });
    fc.assert(
      fc.property(key, (text) => {
        const url = new URL(`/objects/${pathOfKey(text)}`, 'http://server');
        assert.equal(keyOfPath(decodeURIComponent(url.pathname.slice('/objects/'.length))), text);
      }),
    );
  });
  it('can be read', () => {
    assert.equal(pathOfKey('abc/0/public/logs/live.log'), 'abc/0/public/logs/live.log');
    assert.equal(pathOfKey('a/../b'), 'a/~../b');
  });
});

describe('signatures', () => {
  const put = {
    method: 'PUT',
    key: 'a/../b c',
    expires,
    contentType: 'text/plain',
    contentLength: 3,
  } as const;
  it('accept the signed request, with its conditions', () => {
    const request = requestOf(signedPath(secret, put), 'PUT', 'text/plain');
    assert.deepEqual(verifiedTerms(secret, request, now), put);
  });
  it('cover method, key, content type, length and expiry', () => {
    const request = requestOf(signedPath(secret, put), 'PUT', 'text/plain');
    const check = (change: object, query: object = {}) =>
      refused(() =>
        verifiedTerms(secret, { ...request, ...change, query: { ...request.query, ...query } }, now),
      );
    check({ method: 'GET' });
    check({ key: 'a/b c' });
    check({ contentType: 'text/html' });
    check({ contentType: undefined });
    check({}, { length: '4' });
    check({}, { length: undefined });
    check({}, { expires: '9999999999' });
    check({}, { signature: 'é' });
    check({}, { signature: undefined });
    check({}, { signature: ['a', 'b'] });
  });
  it('are invalid with another secret or after the expiry', () => {
    const request = requestOf(signedPath(secret, put), 'PUT', 'text/plain');
    refused(() => verifiedTerms('another', request, now));
    refused(() => verifiedTerms(secret, request, expires));
  });
  it('of a download do not depend on a content type', () => {
    const get = { method: 'GET', key: 'k', expires } as const;
    assert.deepEqual(verifiedTerms(secret, requestOf(signedPath(secret, get), 'GET', 'x/y'), now), get);
  });
});
