import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { advance } from './lifecycle.ts';
import { type GraphState, graphStates } from './schema.ts';

const reached = (state: GraphState, leavesLeft: number, progress: Parameters<typeof advance>[1]) => {
  const { graph, reached: states } = advance({ state, leavesLeft }, progress);
  return [graph.state, graph.leavesLeft, ...states];
};

describe('a graph', () => {
  it('is blocked only while it runs', () => {
    const progress = { satisfiedLeaves: 0, blockedBy: 'x' };
    assert.deepEqual(reached('running', 2, progress), ['blocked', 2, 'blocked']);
    assert.deepEqual(reached('blocked', 2, progress), ['blocked', 2]);
    assert.deepEqual(reached('finished', 2, progress), ['finished', 2]);
  });
  it('is finished from every state by the last of its leaves', () => {
    for (const state of graphStates) {
      assert.deepEqual(reached(state, 2, { satisfiedLeaves: 2 }), ['finished', 0, 'finished']);
      assert.deepEqual(reached(state, 2, { satisfiedLeaves: 1 }), [state, 1]);
    }
  });
  it('may be blocked and finished at the same time', () => {
    const progress = { satisfiedLeaves: 1, blockedBy: 'x' };
    assert.deepEqual(reached('running', 1, progress), ['finished', 0, 'blocked', 'finished']);
  });
  it('is not finished by an inner task', () => {
    assert.deepEqual(reached('finished', 0, { satisfiedLeaves: 0 }), ['finished', 0]);
  });
});
