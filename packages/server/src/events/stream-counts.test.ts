import assert from 'node:assert/strict';
import { it } from 'node:test';
import { StreamCounts, streamsPerClientMax } from './stream-counts.ts';

it('the number of open streams of a client is bounded, independently of others', () => {
  const counts = new StreamCounts();
  const leaves = Array.from({ length: streamsPerClientMax }, () => counts.enter('many'));
  assert.throws(() => counts.enter('many'), {
    code: 'TooManyRequests',
    message: /'many' has 100 event streams/,
  });
  const leaveOther = counts.enter('other');
  assert.equal(counts.total, streamsPerClientMax + 1);
  leaves[0]?.();
  leaves[0]?.();
  leaves.push(counts.enter('many'));
  assert.throws(() => counts.enter('many'), { code: 'TooManyRequests' });
  for (const leave of [...leaves, leaveOther]) leave();
  assert.equal(counts.total, 0);
});
