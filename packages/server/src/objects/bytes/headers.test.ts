import assert from 'node:assert/strict';
import { it } from 'node:test';
import { contentHeaders, refuseAsPartOfPage } from './headers.ts';

const headersOf = (contentType: string, key = 'task/0/public/report.html') =>
  contentHeaders(key, { contentType, etag: '"x"' });

it('every type is sandboxed without scripts, and is not guessed', () => {
  for (const type of [
    'text/html',
    'image/svg+xml',
    'application/xhtml+xml',
    'text/plain',
    'application/pdf',
    '',
  ]) {
    const headers = headersOf(type);
    const policy = headers['content-security-policy'] ?? '';
    assert.match(policy, /^sandbox; default-src 'none'/);
    assert.doesNotMatch(policy, /allow-|script-src|'self' data|unsafe-eval/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['referrer-policy'], 'no-referrer');
  }
});
it('types that browsers show are displayed, others are saved', () => {
  for (const type of ['text/html; charset=utf-8', 'text/plain', 'image/png', 'application/json'])
    assert.match(headersOf(type)['content-disposition'] ?? '', /^inline/);
  for (const type of ['application/octet-stream', 'application/pdf', 'application/javascript', 'x'])
    assert.match(headersOf(type)['content-disposition'] ?? '', /^attachment/);
});
it('a file is named after the end of its key', () => {
  const name = (key: string) => headersOf('x/y', key)['content-disposition'];
  assert.equal(name('a/b/c d"\';.zip'), "attachment; filename*=UTF-8''c%20d%22%27%3B.zip");
  assert.equal(name('a/b/'), "attachment; filename*=UTF-8''file");
});
it('a content type that is not a valid header becomes plain bytes', () => {
  assert.equal(headersOf('text/html\r\nx-evil: 1')['content-type'], 'application/octet-stream');
  assert.equal(headersOf('')['content-type'], 'application/octet-stream');
});
it('bytes are not served as a part of a page', () => {
  for (const purpose of [
    'script',
    'style',
    'worker',
    'serviceworker',
    'sharedworker',
    'object',
    'embed',
    'manifest',
  ])
    assert.throws(() => refuseAsPartOfPage({ 'sec-fetch-dest': purpose }), { code: 'InsufficientScopes' });
  for (const purpose of [undefined, 'document', 'iframe', 'image', 'empty'])
    refuseAsPartOfPage(purpose === undefined ? {} : { 'sec-fetch-dest': purpose });
});
