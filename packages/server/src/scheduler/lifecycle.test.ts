import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { cycleIn, firstCountingRun, isSatisfiedBy } from './lifecycle.ts';

describe('an edge', () => {
  it('is satisfied from the start by a task that completed', () => {
    assert.equal(firstCountingRun({ taskId: 'a', state: 'completed', lastRunId: 3 }, 'all-completed'), null);
  });
  it('waits for the current run', () => {
    assert.equal(firstCountingRun({ taskId: 'a', state: 'running', lastRunId: 2 }, 'all-completed'), 2);
    assert.equal(firstCountingRun({ taskId: 'a', state: 'unscheduled', lastRunId: -1 }, 'all-completed'), 0);
  });
  it('waits for a rerun of a failed task, unless any end satisfies it', () => {
    assert.equal(firstCountingRun({ taskId: 'a', state: 'failed', lastRunId: 0 }, 'all-completed'), 1);
    assert.equal(firstCountingRun({ taskId: 'a', state: 'failed', lastRunId: 0 }, 'all-resolved'), null);
    assert.equal(isSatisfiedBy('exception', 'all-completed'), false);
  });
});

describe('cycleIn', () => {
  const sizes = fc.integer({ min: 1, max: 30 });
  it('finds none in a graph whose tasks need only earlier ones', () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (size, numbers) => {
        const graph = new Map<string, string[]>();
        for (let i = 0; i < size; i++) {
          const needs = i === 0 ? [] : [...numbers.take(3)].map((n) => `t${n % i}`);
          graph.set(`t${i}`, [...new Set(needs)]);
        }
        assert.equal(cycleIn(graph), undefined);
      }),
    );
  });
  it('returns tasks that really depend on each other', () => {
    fc.assert(
      fc.property(sizes, fc.infiniteStream(fc.nat()), (size, numbers) => {
        const graph = new Map<string, string[]>();
        for (let i = 0; i < size; i++) {
          const needs = [...numbers.take(2)].map((n) => `t${n % size}`);
          graph.set(`t${i}`, [...new Set(needs)]);
        }
        // Every task depends on another one of a finite graph, so there is a cycle.
        const cycle = cycleIn(graph) ?? [];
        assert.ok(cycle.length > 0);
        cycle.forEach((task, i) => {
          assert.ok(graph.get(task)?.includes(cycle[(i + 1) % cycle.length] ?? ''));
        });
      }),
    );
  });
  it('ignores tasks outside the graph, and finds a task that depends on itself', () => {
    assert.equal(cycleIn(new Map([['a', ['elsewhere']]])), undefined);
    assert.deepEqual(cycleIn(new Map([['a', ['a']]])), ['a']);
  });
});
