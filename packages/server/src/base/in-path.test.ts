import assert from 'node:assert/strict';
import { it } from 'node:test';
import { inPath } from './in-path.ts';

it('a name in a path is the same name for whoever parses the URL', () => {
  const names = [
    'public/a b.txt',
    'a//b',
    '/a',
    'a/',
    'a%2Fb',
    'x?y#z',
    'a/../b',
    './a',
    'a/..',
    '...',
    'ü/漢',
  ];
  for (const name of names) {
    const { pathname, search, hash } = new URL(`https://tasks.example.com/artifacts/${inPath(name)}`);
    assert.deepEqual([search, hash], ['', '']);
    assert.equal(decodeURIComponent(pathname.slice('/artifacts/'.length)), name);
  }
  assert.equal(inPath('public/a b.txt'), 'public/a%20b.txt');
});
