import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seconds } from '../../base/index.ts';
import { remedyFor } from './failure.ts';

const remedies = (count: number, isSingle: boolean) =>
  Array.from({ length: count }, (_, attempts) => remedyFor({ attempts, isSingle }));
const wait = (n: number) => ({ kind: 'wait', ms: seconds(n) });

it('a page is tried three times, then its messages one by one', () => {
  assert.deepEqual(remedies(3, false), [wait(1), wait(2), { kind: 'separate' }]);
});

it('a message is tried five times, then skipped', () => {
  assert.deepEqual(remedies(5, true), [wait(1), wait(2), wait(4), wait(8), { kind: 'pass over' }]);
});

it('a page whose first message failed alone before is split', () => {
  assert.deepEqual(remedyFor({ attempts: 4, isSingle: false }), { kind: 'separate' });
});
