import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inSlices, partsOf } from './slices.ts';

describe('inSlices', () => {
  it('returns the result of each item, in order, and lets other work run meanwhile', async () => {
    const items = Array.from({ length: 300 }, (_, i) => i);
    const events: string[] = [];
    setImmediate(() => events.push('another'));
    // Each is work for a millisecond.
    const busy = (item: number): number => {
      for (let i = 0; i < 200_000; i++) JSON.stringify(i);
      events.push('item');
      return item * 2;
    };
    assert.deepEqual(
      await inSlices(items, busy),
      items.map((item) => item * 2),
    );
    const turn = events.indexOf('another');
    assert.ok(turn > 0 && turn < items.length, `the other had its turn at ${turn} of ${events.length}`);
  });

  it('ends with the first failure', async () => {
    const fail = (item: number): number => {
      if (item === 1) throw new Error('one');
      return item;
    };
    await assert.rejects(inSlices([0, 1, 2], fail), /one/);
  });
});

describe('partsOf', () => {
  it('leaves no item out and makes no empty part', () => {
    assert.deepEqual(partsOf([1, 2, 3, 4, 5], 2), [[1, 2], [3, 4], [5]]);
    assert.deepEqual(partsOf([1, 2], 2), [[1, 2]]);
    assert.deepEqual(partsOf([], 2), []);
  });
});
