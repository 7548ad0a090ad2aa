import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskStatus } from '@taskyard/client';
import { aStatus } from '../testing/a-status.ts';
import { GroupState, type TaskState } from './group-state.ts';

const group = (
  needs: Readonly<Record<string, readonly string[]>>,
  requires: Readonly<Record<string, string>> = {},
) => {
  const state = new GroupState();
  for (const [taskId, dependencies] of Object.entries(needs)) {
    state.plan({ taskId, label: taskId, dependencies, requires: requires[taskId] });
  }
  return state;
};
const move = (state: GroupState, taskId: string, to: TaskState, changes: Partial<TaskStatus> = {}) =>
  state.apply(aStatus(taskId, to, changes));

describe('the state of a group', () => {
  it('follows its tasks, and returns what changed', () => {
    const state = group({ a: [], b: ['a'] });
    assert.equal(move(state, 'a', 'unscheduled'), undefined);
    assert.equal(move(state, 'a', 'pending')?.state, 'pending');
    assert.equal(move(state, 'a', 'pending'), undefined);
    assert.equal(move(state, 'a', 'running')?.task.label, 'a');
    assert.deepEqual(state.counts, {
      unscheduled: 1,
      pending: 0,
      running: 1,
      completed: 0,
      failed: 0,
      exception: 0,
    });
  });

  it('is settled when all tasks are resolved', () => {
    const state = group({ a: [], b: ['a'] });
    move(state, 'a', 'completed');
    assert.equal(state.isSettled, false);
    move(state, 'b', 'completed');
    assert.equal(state.isSettled, true);
    assert.equal(state.isComplete, true);
  });

  it('is settled when the remaining tasks wait for a failed one', () => {
    const state = group({ a: [], b: ['a'], c: ['b'], d: [] });
    move(state, 'a', 'failed');
    assert.equal(state.isSettled, false);
    move(state, 'd', 'completed');
    assert.deepEqual([...state.blocked()], ['b', 'c']);
    assert.equal(state.isSettled, true);
    assert.equal(state.isComplete, false);
  });

  it('waits for tasks that do not need success', () => {
    const state = group({ a: [], b: ['a'] }, { b: 'all-resolved' });
    move(state, 'a', 'exception');
    assert.equal(state.isSettled, false);
    assert.deepEqual([...state.blocked()], []);
  });

  it('knows what is blocked in a long chain', () => {
    const chain: Record<string, string[]> = { t0: [] };
    for (let at = 1; at < 20_000; at++) chain[`t${at}`] = [`t${at - 1}`];
    const state = group(chain);
    move(state, 't0', 'failed');
    assert.equal(state.blocked().size, 19_999);
    assert.equal(state.isSettled, true);
  });

  it('adds tasks that were created later', () => {
    const state = group({ a: [] });
    move(state, 'late', 'pending');
    move(state, 'a', 'completed');
    assert.equal(state.size, 2);
    assert.equal(state.isSettled, false);
  });

  it('does not take a retried run for an end', () => {
    const state = group({ a: [] });
    move(state, 'a', 'running');
    const runs = [...aStatus('a', 'exception').runs, ...aStatus('a', 'pending').runs];
    const change = move(state, 'a', 'pending', { runs });
    assert.equal(change?.state, 'pending');
    assert.equal(state.isSettled, false);
  });
});
