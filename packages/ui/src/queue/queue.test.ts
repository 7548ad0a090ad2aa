import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Run, Task } from '@taskyard/client';
import { againRequest, quoted } from './again.ts';
import { storyOf } from './story.ts';
import { curvesOf, usageIn } from './usage.ts';

describe('the story of a run', () => {
  const run: Run = { runId: 0, state: 'pending', reasonCreated: 'scheduled', scheduled: '1' };
  it('tells what happened so far', () => {
    assert.deepEqual(
      storyOf(run).map(({ at }) => at),
      ['1'],
    );
    const ended: Run = {
      ...run,
      reasonResolved: 'claim-expired',
      started: '2',
      resolved: '3',
      workerGroup: 'g',
      workerId: 'w',
    };
    assert.deepEqual(storyOf(ended), [
      { at: '1', what: 'was ready, and waited for a worker' },
      { at: '2', what: 'was claimed by', worker: { workerGroup: 'g', workerId: 'w' } },
      { at: '3', what: 'was lost: its worker was not heard of any more' },
    ]);
  });
});

describe('a task that is created again', () => {
  it('has as long as it had', () => {
    const task = {
      provisionerId: 'a',
      workerType: 'b',
      taskQueueId: 'a/b',
      created: '2026-01-01T00:00:00.000Z',
      deadline: '2026-01-01T01:00:00.000Z',
    } as unknown as Task;
    assert.deepEqual(againRequest(task, new Date('2026-02-01T00:00:00Z')), {
      taskQueueId: 'a/b',
      created: '2026-02-01T00:00:00.000Z',
      deadline: '2026-02-01T01:00:00.000Z',
    });
  });
});

describe('a text for a shell', () => {
  it('is quoted where it needs it', () => {
    assert.equal(quoted('http://a/b'), 'http://a/b');
    assert.equal(quoted("it's"), "'it'\\''s'");
  });
});

describe('the use of memory and processors', () => {
  it('is drawn as MiB, and as the processors that were busy since the sample before', () => {
    const samples = [
      { seconds: 1, memoryBytes: 2 ** 20, cpuSeconds: 0.5 },
      { seconds: 3, memoryBytes: 2 ** 21, cpuSeconds: 4.5 },
      { seconds: 3, memoryBytes: 0, cpuSeconds: 4.5 },
    ];
    assert.deepEqual(curvesOf({ samples }), [
      [1, 3, 3],
      [1, 2, 0],
      [0.5, 2, 0],
    ]);
  });

  it('is read only as a worker writes it, since a task may write anything by that name', () => {
    const usage = {
      peakMemoryBytes: 2 ** 20,
      cpuSeconds: 1,
      samples: [{ seconds: 1, memoryBytes: 2 ** 20, cpuSeconds: 1 }],
    };
    assert.deepEqual(usageIn(JSON.stringify(usage)), usage);
    for (const wrong of [null, 1, [], {}, { ...usage, cpuSeconds: '1' }, { ...usage, samples: [null] }])
      assert.throws(() => usageIn(JSON.stringify(wrong)), /not what a worker writes/);
  });
});
