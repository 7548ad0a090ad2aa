import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pagesOf } from './pagination.ts';

const people = pagesOf('people', ['text', 'whole']);
const tokenOf = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('the token of a page', () => {
  it('holds the key of the row before the next page', () => {
    const rows = [1, 2, 3].map((age) => ({ name: 'a', age }));
    const page = people.pageOf(rows, 2, ({ name, age }) => [name, age]);
    assert.equal(page.rows.length, 2);
    assert.deepEqual(people.keyIn(page.continuationToken), ['a', 2]);
    assert.equal(people.pageOf(rows, 3, () => ['', 0]).continuationToken, undefined);
    assert.equal(people.keyIn(undefined), undefined);
  });

  it('is refused unless this listing issued it', () => {
    const foreign = [
      pagesOf('others', ['text', 'whole']).tokenAfter(['a', 1]),
      ...[
        ['people'],
        ['people', 'a'],
        ['people', 1, 'a'],
        ['people', 'a', -1],
        ['people', 'a', 1.5],
        ['people', 'a', 2 ** 60],
        ['people', 'a\0', 1],
        ['people', '\ud800', 1],
        ['people', 'a', 1, 2],
        ['a', 1],
        null,
        {},
        'people',
      ].map(tokenOf),
      '',
      'not json',
    ];
    for (const token of foreign) {
      assert.throws(() => people.keyIn(token), { code: 'InputError' }, token);
      assert.equal(people.keyInOrStart(token), undefined, token);
    }
  });
});
