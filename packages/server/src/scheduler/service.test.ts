import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { type Database, together } from '../base/index.ts';
import { heldTransaction, type TestDatabase, testDatabase, untilBlocked } from '../testing/index.ts';
import {
  continueRelease,
  deleteTasks,
  dependentsOf,
  type Requires,
  type Resolution,
  recordDependencies,
  releaseDependents,
} from './index.ts';

let test: TestDatabase;
let db: Database;
before(async () => {
  test = await testDatabase();
  db = test.db;
});
after(() => test.drop());
beforeEach(async () => {
  await db`truncate task_dependencies, blocked_tasks, dependency_releases`;
});

const open = (taskId: string) => ({ taskId, state: 'unscheduled', lastRunId: -1 });

const depend = (taskId: string, required: readonly string[], requires: Requires = 'all-completed') =>
  db.transaction((tx) => recordDependencies(tx, [{ taskId, requires, dependencies: required.map(open) }]));

const ended = (taskId: string, fields: Partial<Resolution> = {}): Resolution => ({
  taskId,
  runId: 0,
  completed: true,
  completedBefore: -1,
  resolvedBefore: -1,
  ...fields,
});

const release = async (...resolutions: Resolution[]): Promise<string[]> => {
  const { ready } = await db.transaction((tx) => releaseDependents(tx, resolutions));
  return ready.sort();
};

const blocked = async (): Promise<Record<string, number>> => {
  const rows = await db<{ taskId: string; unmet: number }>`select task_id, unmet from blocked_tasks`;
  return Object.fromEntries(rows.map(({ taskId, unmet }) => [taskId, unmet]));
};

describe('a dependent', () => {
  it('is ready when the last of its dependencies has completed', async () => {
    await depend('d', ['a', 'b', 'c']);
    assert.deepEqual(await blocked(), { d: 3 });
    assert.deepEqual(await release(ended('a')), []);
    assert.deepEqual(await release(ended('b')), []);
    assert.deepEqual(await blocked(), { d: 1 });
    assert.deepEqual(await release(ended('c')), ['d']);
    assert.deepEqual(await blocked(), {});
  });

  it('is ready once when several of its dependencies resolve together', async () => {
    await depend('d', ['a', 'b']);
    await depend('e', ['a', 'b', 'c']);
    assert.deepEqual(await release(ended('a'), ended('b')), ['d']);
    assert.deepEqual(await blocked(), { e: 1 });
  });

  it('does not wait for a dependency that was satisfied when it was created', async () => {
    const dependencies = [{ taskId: 'a', state: 'completed', lastRunId: 2 }, open('b')];
    await db.transaction((tx) =>
      recordDependencies(tx, [{ taskId: 'd', requires: 'all-completed', dependencies }]),
    );
    assert.deepEqual(await blocked(), { d: 1 });
    // A rerun of a dependency that was satisfied from the start changes nothing.
    assert.deepEqual(await release(ended('a', { runId: 3, completedBefore: 2, resolvedBefore: 2 })), []);
    assert.deepEqual(await release(ended('b')), ['d']);
  });

  it('keeps waiting after a failure, unless any end satisfies it', async () => {
    await depend('d', ['a']);
    await depend('e', ['a'], 'all-resolved');
    assert.deepEqual(await release(ended('a', { completed: false })), ['e']);
    assert.deepEqual(await blocked(), { d: 1 });
    assert.deepEqual(await release(ended('a', { runId: 1, completed: false, resolvedBefore: 0 })), []);
    assert.deepEqual(await release(ended('a', { runId: 2, resolvedBefore: 1 })), ['d']);
  });

  it('is not released twice by a dependency that completes twice', async () => {
    await depend('d', ['a', 'b']);
    await release(ended('a'));
    await release(ended('a', { runId: 1, completedBefore: 0, resolvedBefore: 0 }));
    assert.deepEqual(await blocked(), { d: 1 });
  });

  it('is listed by its dependency, in pages, until that is deleted', async () => {
    for (const taskId of ['d1', 'd2', 'd3']) await depend(taskId, ['a']);
    assert.deepEqual(await dependentsOf(db, 'a', '', 2), ['d1', 'd2']);
    assert.deepEqual(await dependentsOf(db, 'a', 'd2', 2), ['d3']);
    await db.transaction((tx) => deleteTasks(tx, ['a', 'd3']));
    assert.deepEqual(await dependentsOf(db, 'a', '', 2), []);
    assert.deepEqual(await blocked(), { d1: 1, d2: 1 });
  });
});

describe('two resolutions at once', () => {
  it('update a dependent of both in turn: the second one releases it', async () => {
    await depend('d', ['a', 'b']);
    const ready: string[] = [];
    const first = await heldTransaction(db, async (tx) => {
      ready.push(...(await releaseDependents(tx, [ended('a')])).ready);
    });
    assert.deepEqual(ready, []);
    const second = release(ended('b'));
    await untilBlocked(db, 1);
    await first.end();
    assert.deepEqual(await second, ['d']);
  });

  it('do not count one that is rolled back', async () => {
    await depend('d', ['a', 'b']);
    await assert.rejects(
      db.transaction(async (tx) => {
        await releaseDependents(tx, [ended('a')]);
        throw new Error('rolled back');
      }),
    );
    assert.deepEqual(await release(ended('b')), []);
    assert.deepEqual(await release(ended('a')), ['d']);
  });
});

describe('a large fan-out', () => {
  const names = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `d${String(i).padStart(5, '0')}`);
  const fanOut = (required: string, dependents: readonly string[], others: readonly string[] = []) =>
    db.transaction((tx) =>
      recordDependencies(
        tx,
        dependents.map((taskId) => ({
          taskId,
          requires: 'all-completed' as const,
          dependencies: [required, ...others].map(open),
        })),
      ),
    );
  /** Runs all steps to the end; returns what each made ready. */
  const steps = async (): Promise<string[][]> => {
    const ready: string[][] = [];
    for (;;) {
      const step = await db.transaction((tx) => continueRelease(tx));
      if (!step) return ready;
      ready.push(step);
    }
  };

  for (const count of [63, 64, 65, 563, 564, 565, 1750]) {
    it(`of ${count} is released 64 at first and then in steps of 500, each dependent once`, async () => {
      await fanOut('a', names(count));
      const { ready, unfinished } = await db.transaction((tx) => releaseDependents(tx, [ended('a')]));
      assert.equal(ready.length, Math.min(64, count));
      assert.equal(unfinished, count > 64);
      const later = await steps();
      assert.ok(later.every((step) => step.length <= 500));
      assert.deepEqual([...ready, ...later.flat()].sort(), names(count));
      assert.deepEqual(await blocked(), {});
      assert.deepEqual(await db`select 1 from dependency_releases`, []);
    });
  }

  it('continues where it was when a step is rolled back', async () => {
    await fanOut('a', names(1200));
    await db.transaction((tx) => releaseDependents(tx, [ended('a')]));
    await assert.rejects(
      db.transaction(async (tx) => {
        await continueRelease(tx);
        throw new Error('killed');
      }),
    );
    assert.equal((await steps()).flat().length, 1136);
    assert.deepEqual(await blocked(), {});
  });

  it('of two tasks continues for both, also when two processes take the steps', async () => {
    await fanOut('a', names(1100), ['b']);
    const begun = await db.transaction((tx) => releaseDependents(tx, [ended('a'), ended('b')]));
    const rest = await Promise.all([steps(), steps()]);
    // A process that finds the only release locked by the other one stops early; the loop runs again later.
    const ready = [...begun.ready, ...rest.flat(2), ...(await steps()).flat()];
    assert.deepEqual(ready.sort(), names(1100));
    assert.deepEqual(await blocked(), {});
  });

  it('in progress is not restarted by a rerun, and does not include later dependents', async () => {
    await fanOut('a', names(700));
    const first = await db.transaction((tx) => releaseDependents(tx, [ended('a')]));
    // Created when the task had completed, was rerun and runs again: satisfied from the start, or by run 1.
    await db.transaction((tx) =>
      recordDependencies(tx, [
        {
          taskId: 'z',
          requires: 'all-completed',
          dependencies: [{ taskId: 'a', state: 'running', lastRunId: 1 }],
        },
      ]),
    );
    const second = await release(ended('a', { runId: 1, completedBefore: 0, resolvedBefore: 0 }));
    assert.deepEqual(second, ['z']);
    const ready = [...first.ready, ...(await steps()).flat()];
    assert.deepEqual(ready.sort(), names(700));
  });
});

describe('any graph, resolved in any order and in any sets', () => {
  it('releases each task exactly when its dependencies are satisfied', async () => {
    const aGraph = fc.array(
      fc.record({
        needs: fc.uniqueArray(fc.nat({ max: 11 }), { maxLength: 4 }),
        requires: fc.constantFrom<Requires[]>('all-completed', 'all-resolved'),
      }),
      { minLength: 1, maxLength: 10 },
    );
    const ends = fc.array(fc.array(fc.tuple(fc.nat({ max: 11 }), fc.boolean()), { maxLength: 4 }), {
      maxLength: 8,
    });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(aGraph, ends, async (graph, sets) => {
        round++;
        const nameOf = (n: number) => `r${round}-${n}`;
        const dependents = graph.map(({ needs, requires }, i) => ({
          taskId: `r${round}-d${i}`,
          requires,
          dependencies: needs.map((n) => open(nameOf(n))),
        }));
        await db.transaction((tx) => recordDependencies(tx, dependents));
        const resolved = new Map<number, boolean>();
        const released = new Set<string>();
        for (const set of sets) {
          const fresh = new Map(set.filter(([n]) => !resolved.has(n)));
          for (const [n, completed] of fresh) resolved.set(n, completed);
          const resolutions = [...fresh].map(([n, completed]) => ended(nameOf(n), { completed }));
          const ready = await release(...resolutions);
          const expected = dependents.filter(({ taskId }, i) => {
            const { needs, requires } = graph[i] as (typeof graph)[number];
            if (needs.length === 0 || released.has(taskId)) return false;
            return (
              needs.every((n) => resolved.get(n) ?? false) ||
              (requires === 'all-resolved' && needs.every((n) => resolved.has(n)))
            );
          });
          assert.deepEqual(ready, expected.map(({ taskId }) => taskId).sort());
          for (const taskId of ready) released.add(taskId);
        }
      }),
      { numRuns: 60 },
    );
  });
});

it('edges of many tasks are written by one statement, also when a task has none', async () => {
  await together(depend('d', []), depend('e', ['a']));
  assert.deepEqual(await blocked(), { e: 1 });
});
