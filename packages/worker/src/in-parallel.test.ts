import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inParallel } from './in-parallel.ts';

test('everything is done, never more at a time than allowed', async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, ++now);
    await new Promise(setImmediate);
    done.push(item);
    now--;
  });
  assert.deepEqual([done.length, most], [7, 3]);
});

test('after a failure nothing is begun, and what is under way is waited for', async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const run = inParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('one failed');
    await new Promise(setImmediate);
    ended.push(item);
  });
  await assert.rejects(run, /one failed/);
  assert.deepEqual([begun, ended], [[1, 2], [2]]);
});
