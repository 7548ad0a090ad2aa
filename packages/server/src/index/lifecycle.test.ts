import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type Entry,
  entriesOf,
  mistakeIn,
  namespacesOf,
  pathOf,
  placeOf,
  readingScopes,
  winners,
} from './lifecycle.ts';
import { pathPattern } from './schema.ts';

const expires = '2030-01-02T03:04:05.678Z';
const anEntry = (path: string, rest: Partial<Entry> = {}): Entry => ({
  ...placeOf(path),
  taskId: 'fN1SbArXTPSVFNUvaOlinQ',
  rank: 0,
  expires: new Date(expires),
  data: '{}',
  ...rest,
});

describe('a path', () => {
  it('is a namespace and a name', () => {
    assert.deepEqual(placeOf('a.b.c'), { namespace: 'a.b', name: 'c' });
    assert.deepEqual(placeOf('a'), { namespace: '', name: 'a' });
    for (const path of ['a', 'a.b', 'a.b.c']) {
      const { namespace, name } = placeOf(path);
      assert.equal(pathOf(namespace, name), path);
    }
  });

  it('has no empty words, no other characters, and 255 of them at most', () => {
    for (const path of ['a', "a-b_c.(d)*'!~%", 'x'.repeat(255)]) assert.match(path, pathPattern);
    for (const path of ['', '.', 'a.', '.a', 'a..b', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(256)]) {
      assert.doesNotMatch(path, pathPattern);
    }
  });
});

describe('of several entries at one path', () => {
  const ranks = (...given: number[]) =>
    winners(given.map((rank, i) => anEntry('a.b', { rank, data: `${i}` })));

  it('the one of the highest rank is kept', () => {
    assert.equal(ranks(1, 3, 2)[0]?.rank, 3);
  });

  it('the last of equal rank is kept', () => {
    assert.deepEqual(
      ranks(1, 2, 2, 1).map(({ data }) => data),
      ['2'],
    );
  });

  it('none affects another path', () => {
    assert.equal(winners([anEntry('a.b'), anEntry('a.c'), anEntry('a')]).length, 3);
  });
});

it('namespaces last to the end of the day of their last entry', () => {
  const late = new Date('2030-02-01T00:00:00.000Z');
  assert.deepEqual(namespacesOf([anEntry('a.b.x'), anEntry('a.y', { expires: late }), anEntry('z')]), [
    { parent: 'a', name: 'b', expires: new Date('2030-01-03T00:00:00.000Z') },
    { parent: '', name: 'a', expires: late },
  ]);
});

describe('a completed task', () => {
  const task = { taskId: 'fN1SbArXTPSVFNUvaOlinQ', expires, routes: ['index.a.b', 'other.c', 'index.d'] };

  it('is put at each path that its routes name', () => {
    const { entries, mistakes } = entriesOf({ ...task, wish: undefined });
    assert.deepEqual([entries, mistakes], [[anEntry('a.b'), anEntry('d')], []]);
  });

  it('says its rank, data and expiry', () => {
    const wish = { rank: 7, data: { a: 1 }, expires: '2029-01-01T00:00:00Z', more: 1 };
    const { entries } = entriesOf({ ...task, routes: ['index.a'], wish });
    assert.deepEqual(entries, [anEntry('a', { rank: 7, data: '{"a":1}', expires: new Date(wish.expires) })]);
  });

  it('is not outlived by its entries', () => {
    const wish = { expires: '2031-01-01T00:00:00Z' };
    const { entries } = entriesOf({ ...task, routes: ['index.a'], wish });
    assert.deepEqual(entries, [anEntry('a')]);
  });

  it('gets what makes no sense replaced or left out', () => {
    assert.deepEqual(entriesOf({ ...task, wish: { rank: 'high', data: [1], expires: 5 } }).entries, [
      anEntry('a.b'),
      anEntry('d'),
    ]);
    for (const wish of [{ rank: 1.5 }, { expires: 'never' }, { data: { x: 'x'.repeat(40_000) } }]) {
      const { entries, mistakes } = entriesOf({ ...task, wish });
      assert.deepEqual([entries.length, mistakes.length], [0, 1]);
    }
    const { entries, mistakes } = entriesOf({
      ...task,
      routes: ['index.a..b', 'index.', 'index.c'],
      wish: 5,
    });
    assert.deepEqual([entries.length, mistakes.length], [1, 2]);
  });
});

it('a rank is a whole number, and data are small', () => {
  assert.equal(mistakeIn({ rank: -3, data: '{}' }), undefined);
  assert.match(mistakeIn({ rank: 0.5, data: '{}' }) ?? '', /whole number/);
  assert.match(mistakeIn({ rank: 2 ** 60, data: '{}' }) ?? '', /whole number/);
  assert.equal(mistakeIn({ rank: 0, data: 'x'.repeat(32_768) }), undefined);
  assert.match(mistakeIn({ rank: 0, data: 'ä'.repeat(16_385) }) ?? '', /larger/);
});

it('a signed URL may read what its caller may read, and nothing else', () => {
  const all = ['queue:get-artifact:*'];
  for (const scope of ['*', 'queue:*', 'queue:get-artifact:*', 'queue:get-art*']) {
    assert.deepEqual(readingScopes(['auth:x', scope], 'a'), all);
  }
  const some = ['queue:get-artifact:a', 'queue:get-artifact:b*'];
  assert.deepEqual(readingScopes(['queue:create-task:*', 'secrets:*', ...some], 'a'), some);
  const many = Array.from({ length: 21 }, (_, i) => `queue:get-artifact:${i}`);
  assert.deepEqual(readingScopes(many, '7'), ['queue:get-artifact:7']);
});
