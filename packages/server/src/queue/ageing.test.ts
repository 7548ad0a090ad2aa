import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hours, later, minutes, slugid } from '../base/index.ts';
import { ageingPattern, readAgeing } from './ageing.ts';
import { anybody, aTask, claimLockings, type TestQueue, testQueue } from './testing.ts';

describe('ageing rules', () => {
  it('apply to a queue or to all with a prefix; the first match counts', () => {
    const ageing = readAgeing('project/linux=60,project/*=600');
    assert.equal(ageing('project/linux'), 60);
    assert.equal(ageing('project/mac'), 600);
    assert.equal(ageing('other/linux'), undefined);
  });
  it('are absent by default', () => {
    assert.equal(readAgeing(undefined)('project/linux'), undefined);
  });
  it('have a pattern by which a configuration is validated', () => {
    const form = new RegExp(ageingPattern);
    assert.ok(form.test('project/*=600,other/linux=300'));
    for (const wrong of ['', 'project/*', 'project/*=0', 'project/*=x', 'a b=1', 'a/b=1,'])
      assert.ok(!form.test(wrong));
  });
});

for (const claimLocking of claimLockings)
  describe(`a queue with ageing: ${claimLocking}`, () => {
    let t: TestQueue;
    before(async () => {
      t = await testQueue({ claimLocking, ageing: readAgeing('prov/aged=60') });
    });
    after(() => t.close());

    const create = async (workerType: string, priority: 'lowest' | 'high'): Promise<string> => {
      const taskId = slugid();
      const request = aTask(t.clock.now(), {
        workerType,
        priority,
        deadline: later(t.clock.now(), hours(2)).toJSON(),
      });
      await t.queue.createTasks.one({ taskId, request, authorize: anybody });
      return taskId;
    };
    const claim = async (workerType: string, count: number): Promise<string[]> => {
      const worker = { workerGroup: 'group', workerId: 'worker' };
      const gone = new AbortController().signal;
      const claims = await t.queue.claimWork({ taskQueueId: `prov/${workerType}`, worker, count, gone });
      return claims.map((text) => (JSON.parse(text) as { status: { taskId: string } }).status.taskId);
    };

    it('prefers a task that has waited long to a newer one of higher priority', async () => {
      const [old, oldWithout] = [await create('aged', 'lowest'), await create('plain', 'lowest')];
      t.clock.advance(minutes(3));
      const [middle] = [await create('aged', 'lowest')];
      t.clock.advance(minutes(3));
      const [urgent, urgentWithout] = [await create('aged', 'high'), await create('plain', 'high')];
      // Six minutes are six priorities, more than the four between them; three are not.
      assert.deepEqual(await claim('aged', 1), [old]);
      assert.deepEqual(await claim('aged', 1), [urgent]);
      assert.deepEqual(await claim('aged', 1), [middle]);
      assert.deepEqual(await claim('plain', 1), [urgentWithout]);
      assert.deepEqual(await claim('plain', 1), [oldWithout]);
    });

    it('gives out no more than is asked for, and leaves the rest in line', async () => {
      const made = await Promise.all([1, 2, 3].map(() => create('aged', 'high')));
      const first = await claim('aged', 2);
      const second = await claim('aged', 2);
      assert.equal(first.length, 2);
      assert.deepEqual([...first, ...second].sort(), made.sort());
    });
  });
