import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskStatus } from '@taskyard/client';
import { boxesMax, clusteredGraph, kindOf } from './clusters.ts';
import { criticalPath } from './critical-path.ts';
import { firstCauses } from './first-causes.ts';
import { type Line, selectLines, updated } from './lines.ts';

const line = (taskId: string, state: Line['state'], rest: Partial<Line> = {}): Line => ({
  taskId,
  name: taskId,
  state,
  taskQueueId: 'a/b',
  priority: 'lowest',
  dependencies: [],
  requires: 'all-completed',
  runs: state === 'unscheduled' ? 0 : 1,
  ...rest,
});
const causes = (...lines: Line[]) => firstCauses(lines).map(({ line, waiting }) => [line.taskId, waiting]);

describe('the first causes of a failed group', () => {
  it('are the tasks that failed though nothing before them did', () => {
    assert.deepEqual(
      causes(
        line('build', 'failed'),
        line('test', 'unscheduled', { dependencies: ['build'] }),
        line('publish', 'unscheduled', { dependencies: ['test'] }),
        line('docs', 'completed'),
      ),
      [['build', 2]],
    );
  });
  it('leave out what passed its deadline while it waited', () => {
    const late = line('test', 'exception', { dependencies: ['build'], reasonResolved: 'deadline-exceeded' });
    assert.deepEqual(causes(line('build', 'failed'), late), [['build', 1]]);
  });
  it('count a task that runs after any end as one of its own', () => {
    const report = line('report', 'failed', { dependencies: ['build'], requires: 'all-resolved' });
    assert.deepEqual(causes(line('build', 'failed'), report), [
      ['build', 0],
      ['report', 0],
    ]);
  });
  it('come in the order of how many wait', () => {
    const waits = line('c', 'unscheduled', { dependencies: ['b'] });
    assert.deepEqual(causes(line('a', 'failed'), line('b', 'exception'), waits), [
      ['b', 1],
      ['a', 0],
    ]);
  });
});

describe('what is shown of a group', () => {
  const lines = [
    line('1', 'completed', { name: 'test-linux' }),
    line('2', 'failed', { name: 'test-mac' }),
    line('3', 'pending', { name: 'build', taskQueueId: 'gcp/large' }),
  ];
  const shown = (selection: Parameters<typeof selectLines>[1]) =>
    selectLines(lines, selection).map(({ name }) => name);
  it('begins with what went wrong', () => {
    assert.deepEqual(shown({}), ['test-mac', 'build', 'test-linux']);
  });
  it('fits the states and all the words', () => {
    assert.deepEqual(shown({ state: 'failed,pending' }), ['test-mac', 'build']);
    assert.deepEqual(shown({ q: 'TEST mac' }), ['test-mac']);
    assert.deepEqual(shown({ q: 'gcp' }), ['build']);
    assert.deepEqual(shown({ sort: 'name' }), ['build', 'test-linux', 'test-mac']);
  });
});

describe('a message about a task', () => {
  const run = {
    runId: 0,
    state: 'completed',
    reasonCreated: 'scheduled',
    scheduled: 'a',
    started: 'b',
    resolved: 'c',
  };
  const status = (state: string, runs: object[]) => ({ state, runs }) as unknown as TaskStatus;
  const after = updated(line('1', 'running'), status('completed', [run]));
  it('changes its line', () => {
    assert.equal(after.state, 'completed');
    assert.equal(after.resolved, 'c');
  });
  it('that is older than the line changes nothing', () => {
    const { resolved: _, ...running } = run;
    assert.equal(updated(after, status('running', [running])), after);
    assert.equal(updated(after, status('unscheduled', [])), after);
  });
});

describe('the graph', () => {
  it('has a box for each task of a small group', () => {
    const { clusters, edges, isClustered } = clusteredGraph([
      line('a', 'completed'),
      line('b', 'pending', { dependencies: ['a', 'elsewhere'] }),
    ]);
    assert.equal(isClustered, false);
    assert.deepEqual(
      clusters.map(({ label }) => label),
      ['a', 'b'],
    );
    assert.deepEqual(edges, [{ from: 'a', to: 'b' }]);
  });
  it('puts tasks of one kind into one box where there are many', () => {
    const lines = Array.from({ length: 10_000 }, (_, i) =>
      line(`t${i}`, 'pending', { name: `test-linux-${i % 9000}`, dependencies: i > 0 ? ['t0'] : [] }),
    );
    lines.push(line('build', 'completed', { name: 'build' }));
    const { clusters, isClustered } = clusteredGraph(lines);
    assert.equal(isClustered, true);
    assert.ok(clusters.length <= boxesMax);
    assert.deepEqual(
      clusters.map(({ label }) => label),
      ['test-linux × 10000', 'build'],
    );
  });
  it('knows a kind by its name without numbers', () => {
    assert.equal(kindOf('test-linux-17'), 'test-linux');
    assert.equal(kindOf('test 3 of 5'), 'test # of');
    assert.equal(kindOf('7'), '7');
  });
});

describe('the critical path of a group', () => {
  const at = (second: number) => `2026-01-05T10:00:${String(second).padStart(2, '0')}.000Z`;
  const ran = (taskId: string, [from, to]: [number, number], dependencies: string[] = []) =>
    line(taskId, 'completed', { scheduled: at(from), started: at(from), resolved: at(to), dependencies });
  const pathOf = (...lines: Line[]) => criticalPath(lines).map(({ taskId }) => taskId);

  it('leads back from what ended last by what each waited for longest', () => {
    const [slow, fast] = [ran('slow', [0, 20]), ran('fast', [0, 5])];
    const test = ran('test', [20, 30], ['fast', 'slow']);
    assert.deepEqual(pathOf(slow, fast, test, ran('docs', [0, 25])), ['slow', 'test']);
  });
  it('ends with what has run for longest where the group is not over', () => {
    const running = line('running', 'running', { scheduled: at(5), started: at(6), dependencies: ['first'] });
    const later = line('later', 'running', { scheduled: at(5), started: at(9) });
    const waiting = line('waiting', 'unscheduled', { dependencies: ['running'] });
    assert.deepEqual(pathOf(ran('first', [0, 5]), running, later, waiting), ['first', 'running']);
  });
  it('is nothing before anything has begun, and ends where tasks need each other', () => {
    assert.deepEqual(pathOf(line('a', 'unscheduled')), []);
    assert.deepEqual(pathOf(ran('a', [0, 1], ['b']), ran('b', [0, 2], ['a'])), ['a', 'b']);
  });
});

describe('loop-in-the-graph', () => {
  const chain = Array.from({ length: 5000 }, (_, i) =>
    line(`t${i}`, i === 0 ? 'failed' : 'unscheduled', {
      name: `step ${i}`,
      dependencies: i === 0 ? [] : [`t${i - 1}`],
    }),
  );
  const loop = line('loop', 'unscheduled', { dependencies: ['loop'] });

  it('is said of a task that waits for itself, and ends no drawing', () => {
    const { clusters, edges } = clusteredGraph([
      loop,
      line('after', 'unscheduled', { dependencies: ['loop'] }),
    ]);
    assert.deepEqual(
      clusters.map(({ label, waitsForItself }) => [label, waitsForItself]),
      [
        ['loop', true],
        ['after', false],
      ],
    );
    assert.deepEqual(edges, [{ from: 'loop', to: 'after' }]);
  });
  it('takes nothing from the causes: a task that failed is one though it names itself', () => {
    const failed = line('loop', 'failed', { dependencies: ['loop'] });
    assert.deepEqual(causes(failed, line('after', 'unscheduled', { dependencies: ['loop'] })), [['loop', 1]]);
  });
  it('leaves a chain of 5,000 what it is', () => {
    assert.deepEqual(causes(...chain, loop), [['t0', 4999]]);
    const { clusters } = clusteredGraph([...chain, loop]);
    assert.deepEqual(
      clusters.map(({ label, waitsForItself }) => [label, waitsForItself]),
      [
        ['step × 5000', false],
        ['loop', true],
      ],
    );
    const ran = chain.map((each) => ({
      ...each,
      state: 'completed' as const,
      runs: 1,
      resolved: each.taskId,
    }));
    assert.equal(
      criticalPath(ran.map((each, i) => ({ ...each, resolved: String(10_000 + i) }))).length,
      5000,
    );
  });
});
