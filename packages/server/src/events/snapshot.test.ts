import assert from 'node:assert/strict';
import { it } from 'node:test';
import { endAfter } from './snapshot.ts';

it('a snapshot ends right after the last transaction that wrote a message', () => {
  assert.equal(endAfter('20:20:', '14'), '15:15:');
  assert.equal(endAfter('20:20:', '19'), '20:20:');
  assert.equal(endAfter('20:20:', '0'), '1:1:');
});

it('transactions that were in progress at that time are still to come, like later ones', () => {
  assert.equal(endAfter('10:20:10,12,17', '14'), '10:15:10,12');
  assert.equal(endAfter('17:20:17,18', '14'), '15:15:');
  assert.equal(endAfter('10:20:10,12', '19'), '10:20:10,12');
});
