import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Edge, expectedStart, isBroken, isUnmet, whyPending, whyUnscheduled } from './explanation.ts';

const edge = (states: string[], rest: Partial<Edge> = {}): Edge => ({
  state: states.at(-1) ?? 'unscheduled',
  runs: states.map((state) => ({ state })),
  allResolved: false,
  fromRun: 0,
  ...rest,
});

describe('a dependency', () => {
  it('is met by a completed run, even if a later one runs or failed', () => {
    assert.equal(isUnmet(edge(['completed'])), false);
    assert.equal(isUnmet(edge(['completed', 'running'])), false);
    assert.equal(isUnmet(edge(['failed', 'completed', 'failed'])), false);
  });
  it('is not met by runs that ended before it counts', () => {
    assert.equal(isUnmet(edge(['failed'], { fromRun: 1, allResolved: true })), true);
    assert.equal(isUnmet(edge(['failed', 'failed'], { fromRun: 1, allResolved: true })), false);
  });
  it('was met from the start when no run counts', () => {
    assert.equal(isUnmet(edge([], { fromRun: null })), false);
  });
  it('is broken once it has ended without being met', () => {
    assert.equal(isBroken(edge(['failed'])), true);
    assert.equal(isBroken(edge(['exception'])), true);
    assert.equal(isBroken(edge(['exception', 'running'])), false);
    assert.equal(isBroken(edge(['failed'], { allResolved: true })), false);
  });
});

describe('the sentence', () => {
  const line = { before: 0, running: 0, workersSeen: 1, workersQuarantined: 0 };
  it('names causes that need action before those that only take time', () => {
    const none = { unmet: 0, broken: 0, itself: false };
    assert.match(
      whyUnscheduled({ ...none, unmet: 3, broken: 1 }),
      /^1 task that it depends on did not complete/,
    );
    assert.match(whyUnscheduled({ ...none, unmet: 3 }), /waits for 3 tasks/);
    assert.match(whyUnscheduled(none), /to be scheduled/);
  });
  it('loop-in-the-graph: says that a task waits for itself, and for how many others', () => {
    const itself = { unmet: 1, broken: 0, itself: true };
    assert.match(whyUnscheduled(itself), /^It waits for itself, so it starts only when somebody/);
    assert.match(whyUnscheduled({ ...itself, unmet: 3 }), /^It waits for itself and for 2 other tasks,/);
  });
  it('says for a pending task which workers are missing, or what goes before it', () => {
    assert.match(whyPending({ ...line, workersSeen: 0 }), /No worker/);
    assert.match(whyPending({ ...line, workersQuarantined: 1 }), /quarantine/);
    assert.match(whyPending({ ...line, workersSeen: 0, isPaused: true }), /pool is paused, and no worker/);
    assert.match(whyPending({ ...line, workersQuarantined: 1, isPaused: true }), /quarantine.* is paused/);
    assert.doesNotMatch(whyPending({ ...line, isPaused: true }), /paused/);
    assert.match(whyPending({ ...line, before: 7 }), /^7 runs go before it/);
    assert.match(whyPending({ ...line, before: 10_000 }), /^10000 runs or more go before it/);
    assert.match(whyPending({ ...line, running: 1 }), /worker to be free/);
    assert.match(whyPending(line), /ask for work/);
  });
});

describe('the expected start', () => {
  const pace = {
    before: 0,
    running: 4,
    workersSeen: 2,
    workersQuarantined: 0,
    starts: 10,
    withinMs: 600_000,
  };
  it('follows from the place in the line and from how fast runs began', () => {
    assert.deepEqual(expectedStart({ ...pace, before: 3 }), {
      seconds: 240,
      says: 'In about 4 min, since 10 runs of its task queue began in the last 10 min.',
    });
    assert.equal(expectedStart({ ...pace, starts: 100 }).seconds, 6);
    assert.match(expectedStart({ ...pace, starts: 100 }).says, /^In less than a minute, since 100 runs/);
    assert.match(expectedStart({ ...pace, before: 300 }).says, /^In about 5 h,/);
  });
  it('cannot be said without workers, without starts, by too few of them, or where not all before it are counted', () => {
    const unsaid = (more: Partial<typeof pace>, says: RegExp) => {
      const found = expectedStart({ ...pace, ...more });
      assert.equal(found.seconds, undefined);
      assert.match(found.says, says);
    };
    unsaid({ running: 0, workersSeen: 0 }, /there is no worker/);
    unsaid({ running: 0, workersQuarantined: 2 }, /no worker may take it/);
    unsaid({ starts: 0 }, /no run of its task queue began in the last 10 min/);
    unsaid({ before: 10_000 }, /10000 runs or more go before it; 10 runs/);
    unsaid({ starts: 2 }, /cannot be said yet: 2 runs of its task queue began/);
    unsaid({ starts: 8, withinMs: 4000 }, /cannot be said yet: 8 runs .* in the last 4 seconds/);
  });
});
