import assert from 'node:assert/strict';
import { it } from 'node:test';
import { faults } from './faults.ts';
import { planOf } from './plan.ts';

const kinds = faults.map(({ kind }) => kind);

it('a seed gives the same faults each time, and another seed gives others', () => {
  const plan = planOf(42, kinds, 100);
  assert.deepEqual(planOf(42, kinds, 100), plan);
  assert.deepEqual(planOf(42, kinds, 30), plan.slice(0, 30));
  assert.notDeepEqual(planOf(43, kinds, 100), plan);
});

it('each kind of fault comes once before any comes again', () => {
  const plan = planOf(7, kinds, 2 * kinds.length).map(({ kind }) => kind);
  assert.equal(new Set(kinds).size, kinds.length);
  for (const round of [plan.slice(0, kinds.length), plan.slice(kinds.length)])
    assert.deepEqual(round.sort(), [...kinds].sort());
});
