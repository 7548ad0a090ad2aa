import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aStatus } from '../testing/a-status.ts';
import { durationText } from './duration.ts';
import { GroupState, type TaskState } from './group-state.ts';
import { changeLine } from './presenter.ts';
import { bar, fit, renderTable } from './table.ts';

const plain = (_style: unknown, text: string): string => text;

const view = (states: Readonly<Record<string, TaskState>>) => {
  const group = new GroupState();
  for (const [label, state] of Object.entries(states)) {
    group.plan({ taskId: label, label });
    group.apply(aStatus(label, state));
  }
  const startedAt = new Date('2026-01-01T00:00:00Z');
  const now = new Date('2026-01-01T00:00:10Z');
  return { title: 'packages', group, startedAt, now, expectedMs: () => undefined as number | undefined };
};

describe('the table', () => {
  it('shows each task with its state, its time and a bar', () => {
    const states = { 'build:a': 'completed', 'test:a': 'running', report: 'unscheduled' } as const;
    const lines = renderTable(view(states), { columns: 100, rows: 30 }, plain).split('\n');
    assert.equal(lines[0], 'packages  1 running, 1 completed, 1 waiting  10.0s');
    assert.match(lines[1] ?? '', /^━{20}─{40} 1 of 3$/);
    assert.match(lines[2] ?? '', /^✔ build:a +━{20} +5\.0s completed$/);
    assert.match(lines[3] ?? '', /^▶ test:a +[━─]{20} +10\.0s running$/);
    assert.match(lines[4] ?? '', /^· report +waiting$/);
  });

  it('fills the bar of a running task by the time that it took before', () => {
    const half = { ...view({ a: 'running' }), expectedMs: () => 20_000 };
    assert.match(renderTable(half, { columns: 100, rows: 30 }, plain), /━{10}─{10} +10\.0s running/);
    const late = { ...half, expectedMs: () => 1000 };
    assert.match(renderTable(late, { columns: 100, rows: 30 }, plain), /━{19}─ +10\.0s running/);
  });

  it('says how an exception came about', () => {
    assert.match(
      renderTable(view({ a: 'exception' }), { columns: 100, rows: 30 }, plain),
      /✖ a .* canceled$/,
    );
  });

  for (const columns of [20, 39, 40, 71, 72, 80, 200]) {
    it(`fits into ${columns} columns`, () => {
      const long = view({ ['a-very-long-label-'.repeat(8)]: 'running', b: 'failed', c: 'pending' });
      for (const line of renderTable(long, { columns, rows: 30 }, plain).split('\n')) {
        assert.ok(line.length < columns, `${line.length}: ${line}`);
      }
    });
  }

  it('shows what matters of a thousand tasks, and counts the rest', () => {
    const states: Record<string, TaskState> = {};
    for (let at = 0; at < 1000; at++) states[`task${at}`] = at < 500 ? 'completed' : 'unscheduled';
    states.task600 = 'failed';
    states.task700 = 'running';
    const lines = renderTable(view(states), { columns: 80, rows: 12 }, plain).split('\n');
    assert.equal(lines.length, 10);
    assert.match(lines[2] ?? '', /^✖ task600/);
    assert.match(lines[3] ?? '', /^▶ task700/);
    assert.match(lines[4] ?? '', /^✔ task499/);
    assert.match(lines.at(-1) ?? '', /^… and 993 more: 495 completed, 498 waiting$/);
  });
});

describe('texts', () => {
  it('are cut and filled to a width', () => {
    assert.equal(fit('abc', 5), 'abc  ');
    assert.equal(fit('abcdef', 4), 'abc…');
    assert.equal(fit('宽宽宽', 4), '宽… ');
    assert.equal(fit('\u001b[31mred\u001b[0m\u0007', 4), 'red ');
  });

  it('tell durations', () => {
    assert.deepEqual([0, 3210, 59_940, 59_960, 65_000, 3_600_000, 7_620_000].map(durationText), [
      '0.0s',
      '3.2s',
      '59.9s',
      '1m00s',
      '1m05s',
      '1h00m',
      '2h07m',
    ]);
  });

  it('draw bars', () => {
    assert.equal(bar(0.5, 4), '━━──');
    assert.equal(bar(7, 2), '━━');
  });

  it('name a change in one line', () => {
    const group = new GroupState();
    group.plan({ taskId: 'x', label: 'build:lodash' });
    const change = group.apply(aStatus('x', 'completed'));
    assert.ok(change);
    assert.equal(changeLine(change, 12_300).join('  '), '   12.3s  completed  build:lodash');
  });
});
