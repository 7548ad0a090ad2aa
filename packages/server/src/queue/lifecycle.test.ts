import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { later, minutes } from '../base/index.ts';
import * as lifecycle from './lifecycle.ts';
import { type Outcome, runsMax } from './lifecycle.ts';
import { stateOf, type TaskRecord } from './record.ts';
import { type ReportedReason, type RunStatus, reportedReasons, type TaskState } from './schema/index.ts';

const now = new Date('2026-08-01T10:00:00.000Z');
const soon = later(now, minutes(20));
const worker = { workerGroup: 'hall', workerId: 'one' };
const another = { workerGroup: 'hall', workerId: 'two' };

const unscheduled = (retries = 5): TaskRecord => ({
  taskId: 'fN1SbArXTPSVFNUvaOlinQ',
  taskQueueId: 'prov/type',
  schedulerId: '-',
  projectId: 'none',
  taskGroupId: 'fN1SbArXTPSVFNUvaOlinQ',
  deadline: later(now, minutes(60)),
  expires: later(now, minutes(600)),
  retries,
  tags: '{}',
  routes: [],
  priority: 6,
  retriesLeft: retries,
  position: null,
  runs: [],
});

/** The task after transitions that must all be allowed. */
const after = (task: TaskRecord, ...changes: readonly ((task: TaskRecord) => Outcome)[]): TaskRecord =>
  changes.reduce((current, change) => {
    const outcome = change(current);
    if (outcome.kind !== 'changed')
      throw new Error(`The preparation was refused: ${JSON.stringify(outcome)}`);
    return outcome.task;
  }, task);

const lastRun = (task: TaskRecord): RunStatus => task.runs.at(-1) as RunStatus;
const lastId = (task: TaskRecord): number => Math.max(0, task.runs.length - 1);

const schedule = (task: TaskRecord) => lifecycle.schedule(task, now);
const claim = (task: TaskRecord) =>
  lifecycle.claim(task, { runId: lastId(task), worker, takenUntil: soon }, now);
const reclaim = (task: TaskRecord) => lifecycle.reclaim(task, lastId(task), later(soon, minutes(5)));
const complete = (task: TaskRecord) => lifecycle.finish(task, lastId(task), 'completed', now);
const fail = (task: TaskRecord) => lifecycle.finish(task, lastId(task), 'failed', now);
const except = (reason: ReportedReason) => (task: TaskRecord) =>
  lifecycle.except(task, lastId(task), reason, now);
const cancel = (task: TaskRecord) => lifecycle.end(task, 'canceled', now);
const exceedDeadline = (task: TaskRecord) => lifecycle.end(task, 'deadline-exceeded', now);
const rerun = (task: TaskRecord) => lifecycle.rerun(task, now);
const held = { runId: 0, worker, started: now.toJSON() };
const release = (task: TaskRecord) => lifecycle.release(task, { ...held, runId: lastId(task) });
const expireClaim = (task: TaskRecord) =>
  lifecycle.expireClaim(task, lastId(task), new Date(lastRun(task)?.takenUntil ?? soon), now);
const loseWorker = (task: TaskRecord) => lifecycle.loseWorker(task, lastId(task), worker, now);

/** A task in each state, reached in as few steps as possible. */
const inState: Record<TaskState, TaskRecord> = {
  unscheduled: unscheduled(),
  pending: after(unscheduled(), schedule),
  running: after(unscheduled(), schedule, claim),
  completed: after(unscheduled(), schedule, claim, complete),
  failed: after(unscheduled(), schedule, claim, fail),
  exception: after(unscheduled(), schedule, claim, except('malformed-payload')),
};
const states = Object.keys(inState) as TaskState[];

/** The result of a move for a task in a state: the next state, or the kind of refusal. */
type Results = Record<TaskState, string>;
const table: Record<string, { move: (task: TaskRecord) => Outcome; results: Results }> = {
  schedule: {
    move: schedule,
    results: {
      unscheduled: 'pending',
      pending: 'unchanged',
      running: 'unchanged',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
  claim: {
    // By another worker than the one that has the run; repetitions have tests of their own.
    move: (task) => lifecycle.claim(task, { runId: lastId(task), worker: another, takenUntil: soon }, now),
    results: {
      unscheduled: 'missing-run',
      pending: 'running',
      running: 'conflict',
      completed: 'conflict',
      failed: 'conflict',
      exception: 'conflict',
    },
  },
  reclaim: {
    move: reclaim,
    results: {
      unscheduled: 'missing-run',
      pending: 'conflict',
      running: 'running',
      completed: 'conflict',
      failed: 'conflict',
      exception: 'conflict',
    },
  },
  complete: {
    move: complete,
    results: {
      unscheduled: 'missing-run',
      pending: 'conflict',
      running: 'completed',
      completed: 'unchanged',
      failed: 'conflict',
      exception: 'conflict',
    },
  },
  fail: {
    move: fail,
    results: {
      unscheduled: 'missing-run',
      pending: 'conflict',
      running: 'failed',
      completed: 'conflict',
      failed: 'unchanged',
      exception: 'conflict',
    },
  },
  except: {
    move: except('internal-error'),
    results: {
      unscheduled: 'missing-run',
      pending: 'conflict',
      running: 'exception',
      completed: 'conflict',
      failed: 'conflict',
      exception: 'conflict',
    },
  },
  cancel: {
    move: cancel,
    results: {
      unscheduled: 'exception',
      pending: 'exception',
      running: 'exception',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
  exceedDeadline: {
    move: exceedDeadline,
    results: {
      unscheduled: 'exception',
      pending: 'exception',
      running: 'exception',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
  rerun: {
    move: rerun,
    results: {
      unscheduled: 'pending',
      pending: 'unchanged',
      running: 'unchanged',
      completed: 'pending',
      failed: 'pending',
      exception: 'pending',
    },
  },
  release: {
    move: release,
    results: {
      unscheduled: 'unchanged',
      pending: 'unchanged',
      running: 'pending',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
  expireClaim: {
    move: expireClaim,
    results: {
      unscheduled: 'unchanged',
      pending: 'unchanged',
      running: 'pending',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
  loseWorker: {
    move: loseWorker,
    results: {
      unscheduled: 'unchanged',
      pending: 'unchanged',
      running: 'pending',
      completed: 'unchanged',
      failed: 'unchanged',
      exception: 'unchanged',
    },
  },
};

const resultOf = (outcome: Outcome): string =>
  outcome.kind === 'changed' ? stateOf(outcome.task) : outcome.kind;

describe('every move, from every state', () => {
  for (const [name, { move, results }] of Object.entries(table)) {
    for (const state of states) {
      it(`${name}: ${state} → ${results[state]}`, () => {
        const task = inState[state];
        const text = JSON.stringify(task);
        assert.equal(resultOf(move(task)), results[state]);
        assert.equal(JSON.stringify(task), text, 'a record never changes');
      });
    }
  }
});

describe('a claim', () => {
  it('records which worker has the run and until when', () => {
    assert.deepEqual(lastRun(inState.running), {
      runId: 0,
      state: 'running',
      reasonCreated: 'scheduled',
      ...worker,
      takenUntil: soon.toJSON(),
      scheduled: now.toJSON(),
      started: now.toJSON(),
    });
  });
  it('may be repeated by the worker that has the run, but not by others', () => {
    const task = inState.running;
    assert.equal(claim(task).kind, 'unchanged');
    const stranger = { ...worker, workerGroup: 'cellar' };
    const theirs = { runId: 0, worker: stranger, takenUntil: soon };
    assert.equal(lifecycle.claim(task, theirs, now).kind, 'conflict');
  });
  it('is prolonged without any other change', () => {
    const { takenUntil: _, ...before } = lastRun(inState.running);
    const { takenUntil, ...prolonged } = lastRun(after(inState.running, reclaim));
    assert.deepEqual(prolonged, before);
    assert.equal(takenUntil, later(soon, minutes(5)).toJSON());
  });
  it('that was prolonged does not expire at its first end', () => {
    const task = after(inState.running, reclaim);
    assert.equal(lifecycle.expireClaim(task, 0, soon, now).kind, 'unchanged');
    assert.equal(resultOf(lifecycle.expireClaim(task, 0, later(soon, minutes(5)), now)), 'pending');
  });
  it('that reached no worker is undone without a trace', () => {
    assert.deepEqual(after(inState.running, release), inState.pending);
  });
  it('is not taken back from another worker, nor from the same one that has claimed the run again', () => {
    const stranger = { ...worker, workerGroup: 'cellar' };
    assert.equal(lifecycle.release(inState.running, { ...held, worker: stranger }).kind, 'unchanged');
    assert.equal(lifecycle.release(inState.running, { ...held, worker: another }).kind, 'unchanged');
    const earlier = later(now, -1).toJSON();
    assert.equal(lifecycle.release(inState.running, { ...held, started: earlier }).kind, 'unchanged');
    assert.equal(lifecycle.isHeld(inState.running, held), true);
    assert.equal(lifecycle.isHeld(inState.completed, held), false);
    assert.equal(lifecycle.isHeld(inState.running, { ...held, started: earlier }), false);
  });
  it('of a lost worker ends; that of another with the same id in another group does not', () => {
    const lost = after(inState.running, loseWorker);
    assert.deepEqual(
      [lost.runs[0]?.reasonResolved, lost.runs[1]?.reasonCreated],
      ['worker-shutdown', 'retry'],
    );
    const stranger = { ...worker, workerGroup: 'cellar' };
    assert.equal(lifecycle.loseWorker(inState.running, 0, stranger, now).kind, 'unchanged');
  });
  it('stays visible on an ended run, with the time until which it lasted', () => {
    assert.equal(lastRun(inState.completed).takenUntil, soon.toJSON());
  });
  it('of a run that does not exist finds nothing', () => {
    const wanted = { runId: 1, worker, takenUntil: soon };
    assert.equal(lifecycle.claim(inState.pending, wanted, now).kind, 'missing-run');
  });
});

describe('a run that is not the last', () => {
  const retried = after(inState.running, except('worker-shutdown'));
  const twice = after(retried, claim, except('worker-shutdown'));
  it('cannot be claimed, prolonged or ended', () => {
    const wanted = { runId: 0, worker, takenUntil: soon };
    assert.equal(lifecycle.claim(retried, wanted, now).kind, 'conflict');
    assert.equal(lifecycle.reclaim(retried, 0, soon).kind, 'conflict');
    assert.equal(lifecycle.finish(retried, 0, 'completed', now).kind, 'conflict');
    assert.equal(lifecycle.finish(retried, 0, 'failed', now).kind, 'conflict');
    assert.equal(lifecycle.expireClaim(retried, 0, soon, now).kind, 'unchanged');
    assert.equal(lifecycle.loseWorker(retried, 0, worker, now).kind, 'unchanged');
    assert.equal(lifecycle.release(retried, held).kind, 'unchanged');
  });
  it('may be reported again with the same end while only one run follows', () => {
    assert.equal(lifecycle.except(retried, 0, 'worker-shutdown', now).kind, 'unchanged');
    assert.equal(lifecycle.except(retried, 0, 'internal-error', now).kind, 'conflict');
    assert.equal(lifecycle.except(twice, 0, 'worker-shutdown', now).kind, 'conflict');
    assert.equal(lifecycle.except(twice, 1, 'worker-shutdown', now).kind, 'unchanged');
  });
  it('cannot be reported as completed again once the task was rerun', () => {
    const again = after(inState.completed, rerun);
    assert.equal(lifecycle.finish(again, 0, 'completed', now).kind, 'conflict');
  });
});

describe('a report of an exception', () => {
  const expected: Record<ReportedReason, string | undefined> = {
    'worker-shutdown': 'retry',
    'intermittent-task': 'task-retry',
    'malformed-payload': undefined,
    'resource-unavailable': undefined,
    'internal-error': undefined,
  };
  for (const reason of reportedReasons) {
    it(`for ${reason} ${expected[reason] ? 'adds another run and costs a retry' : 'ends the task'}`, () => {
      const task = after(inState.running, except(reason));
      assert.equal(task.runs[0]?.state, 'exception');
      assert.equal(task.runs[0]?.reasonResolved, reason);
      assert.equal(task.runs[1]?.reasonCreated, expected[reason]);
      assert.equal(task.retriesLeft, expected[reason] ? 4 : 5);
    });
  }
  it('ends the task when no retries are left', () => {
    for (const reason of ['worker-shutdown', 'intermittent-task'] as const) {
      const task = after(unscheduled(0), schedule, claim, except(reason));
      assert.deepEqual([task.runs.length, stateOf(task), task.retriesLeft], [1, 'exception', 0]);
    }
    const expired = after(unscheduled(0), schedule, claim, expireClaim);
    assert.deepEqual([expired.runs.length, stateOf(expired)], [1, 'exception']);
    assert.equal(lastRun(expired).reasonResolved, 'claim-expired');
  });
});

describe('the end of a task', () => {
  it('that was never scheduled adds a run that records it', () => {
    const ends = { canceled: cancel, 'deadline-exceeded': exceedDeadline };
    for (const [reason, end] of Object.entries(ends)) {
      assert.deepEqual(after(inState.unscheduled, end).runs, [
        {
          runId: 0,
          state: 'exception',
          reasonCreated: 'exception',
          reasonResolved: reason,
          scheduled: now.toJSON(),
          resolved: now.toJSON(),
        },
      ]);
    }
  });
  it('that runs does not count as a retry', () => {
    const task = after(inState.running, cancel);
    assert.deepEqual([task.runs.length, task.retriesLeft], [1, 5]);
    assert.equal(lastRun(task).reasonResolved, 'canceled');
    assert.equal(lastRun(task).workerId, worker.workerId);
  });
});

/** A task with this many completed runs, each but the first a rerun. */
const withRuns = (count: number, retries: number): TaskRecord => {
  let task = after(unscheduled(retries), schedule, claim, complete);
  while (task.runs.length < count) task = after(task, rerun, claim, complete);
  return task;
};

describe('runs and retries', () => {
  it('a rerun restores the retries, within the largest number of runs', () => {
    for (const retries of [0, 1, 5, 49]) {
      for (const count of [1, 2, 10, 44, 45, 48, 49]) {
        const task = after(withRuns(count, retries), rerun);
        assert.equal(task.retriesLeft, Math.min(retries, runsMax - count - 1));
        assert.equal(lastRun(task).reasonCreated, 'rerun');
      }
    }
  });
  it(`there are ${runsMax} runs at most`, () => {
    const full = withRuns(runsMax, 5);
    assert.equal(rerun(full).kind, 'conflict');
    const last = after(withRuns(runsMax - 1, 5), rerun, claim);
    assert.equal(after(last, except('worker-shutdown')).runs.length, runsMax);
  });
  it('the limits of retries and of runs agree: 49 retries make 50 runs', () => {
    let task = after(unscheduled(49), schedule);
    while (task.retriesLeft > 0) task = after(task, claim, except('intermittent-task'));
    assert.equal(task.runs.length, runsMax);
    task = after(task, claim, except('intermittent-task'));
    assert.deepEqual([task.runs.length, stateOf(task)], [runsMax, 'exception']);
  });
});

describe('a resolution', () => {
  const resolvedBy = (before: TaskRecord, change: (task: TaskRecord) => Outcome) =>
    lifecycle.resolvedRun(before, after(before, change))?.runId;
  it('is an end without a following retry', () => {
    assert.equal(resolvedBy(inState.running, complete), 0);
    assert.equal(resolvedBy(inState.running, fail), 0);
    assert.equal(resolvedBy(inState.unscheduled, cancel), 0);
    assert.equal(resolvedBy(inState.running, except('worker-shutdown')), undefined);
    assert.equal(resolvedBy(inState.running, reclaim), undefined);
    assert.equal(resolvedBy(inState.completed, rerun), undefined);
  });
  it('is remembered after a rerun', () => {
    const again = after(inState.failed, rerun, claim);
    assert.equal(lifecycle.wasEverResolved(again), true);
    assert.equal(lifecycle.wasEverResolved(after(inState.running, except('worker-shutdown'))), false);
    assert.equal(resolvedBy(again, complete), 1);
    const done = after(again, complete);
    assert.equal(lifecycle.lastFinalRun(done, 1, { completed: false }), 0);
    assert.equal(lifecycle.lastFinalRun(done, 1, { completed: true }), -1);
    assert.equal(lifecycle.lastFinalRun(done, 2, { completed: true }), 1);
  });
});

describe('any sequence of transitions', () => {
  const edges: Record<TaskState, readonly TaskState[]> = {
    unscheduled: ['pending', 'exception'],
    pending: ['running', 'exception'],
    // A retry is pending by the same move that ended the run before it.
    running: ['running', 'pending', 'completed', 'failed', 'exception'],
    completed: ['pending'],
    failed: ['pending'],
    exception: ['pending'],
  };
  const reports = reportedReasons.map((reason) => ({ name: `except ${reason}`, move: except(reason) }));
  const named = { schedule, claim, reclaim, complete, fail, cancel, rerun, release, expireClaim, loseWorker };
  const transitions = [...Object.entries(named).map(([name, move]) => ({ name, move })), ...reports];
  const isOpen = ({ state }: RunStatus) => state === 'pending' || state === 'running';

  it('keeps runs dense, only the last one open, states on their edges and retries at or above zero', () => {
    const someMoves = fc.array(fc.constantFrom(...transitions), { maxLength: 120 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 49 }), someMoves, (retries, sequence) => {
        let task = unscheduled(retries);
        for (const { name, move } of sequence) {
          const outcome = move(task);
          if (outcome.kind !== 'changed') continue;
          const before = task;
          task = outcome.task;
          assert.ok(edges[stateOf(before)].includes(stateOf(task)), `${name}: ${stateOf(before)}`);
          assert.deepEqual(
            task.runs.map(({ runId }) => runId),
            task.runs.map((_, i) => i),
          );
          assert.ok(!task.runs.slice(0, -1).some(isOpen), `${name} left an open run behind`);
          assert.ok(task.retriesLeft >= 0 && task.retriesLeft <= retries);
          assert.ok(task.runs.length <= runsMax);
          assert.ok(task.runs.length >= before.runs.length);
          // Ended runs stay as they were.
          const over = before.runs.filter((run) => !isOpen(run));
          assert.deepEqual(task.runs.slice(0, over.length), over);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('may repeat each transition: the second time changes nothing, or is refused', () => {
    const someMoves = fc.array(fc.constantFrom(...transitions), { maxLength: 30 });
    const repeatable = ['schedule', 'claim', 'complete', 'fail', 'cancel', 'rerun', 'release'];
    fc.assert(
      fc.property(someMoves, (sequence) => {
        let task = unscheduled(3);
        for (const { name, move } of sequence) {
          const runId = lastId(task);
          const outcome = move(task);
          if (outcome.kind !== 'changed') continue;
          task = outcome.task;
          if (repeatable.includes(name)) assert.equal(move(task).kind, 'unchanged', name);
          const reason = reportedReasons.find((each) => name === `except ${each}`);
          if (reason) assert.equal(lifecycle.except(task, runId, reason, now).kind, 'unchanged', name);
        }
      }),
      { numRuns: 300 },
    );
  });
});
