import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allowsRange, isKnown, rangeOf } from './ranges.ts';

it('a range is cut to the existing bytes', () => {
  assert.deepEqual(rangeOf('bytes=0-3', 10), { first: 0, last: 3 });
  assert.deepEqual(rangeOf('bytes=4-', 10), { first: 4, last: 9 });
  assert.deepEqual(rangeOf('bytes=8-100', 10), { first: 8, last: 9 });
  assert.deepEqual(rangeOf('bytes=-3', 10), { first: 7, last: 9 });
  assert.deepEqual(rangeOf('bytes=-30', 10), { first: 0, last: 9 });
});
it('a range after the end, or an empty one, cannot be satisfied', () => {
  assert.equal(rangeOf('bytes=10-', 10), 'unsatisfiable');
  assert.equal(rangeOf('bytes=10-12', 10), 'unsatisfiable');
  assert.equal(rangeOf('bytes=-0', 10), 'unsatisfiable');
  assert.equal(rangeOf('bytes=0-', 0), 'unsatisfiable');
});
it('anything but one range of bytes is ignored', () => {
  for (const header of [undefined, '', 'bytes=-', 'bytes=3-2', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=a-b'])
    assert.equal(rangeOf(header, 10), undefined, header);
});
it('a range applies only to the bytes that the caller knows', () => {
  assert.ok(allowsRange(undefined, '"a"'));
  assert.ok(allowsRange('"a"', '"a"'));
  assert.ok(!allowsRange('"b"', '"a"'));
  assert.ok(!allowsRange('W/"a"', '"a"'));
  assert.ok(!allowsRange('Wed, 21 Oct 2015 07:28:00 GMT', '"a"'));
});
it('one of several ETags may match', () => {
  assert.ok(isKnown('"b", W/"a"', '"a"'));
  assert.ok(isKnown('*', '"a"'));
  assert.ok(!isKnown('"b"', '"a"'));
  assert.ok(!isKnown(undefined, '"a"'));
});
