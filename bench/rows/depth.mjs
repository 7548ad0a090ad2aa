// Claims from a task queue in which ever more tasks are pending, and creation beside them.
import { fillTasks } from '../fill.mjs';
import { times } from '../load.mjs';
import { slugid } from '../tasks.mjs';
import { drain } from './work.mjs';

const taskQueueId = 'bench/deep';
let depth = 0;

const deepen = async (load, wanted) => {
  if (wanted > depth) {
    await fillTasks(load.db, { count: wanted - depth, state: 'pending', taskQueueId, queued: true });
    depth = wanted;
    // What so many rows at once give autovacuum to do must not be counted as the cost of claims.
    await load.db`vacuum (analyze) pending, task_status, tasks, task_groups`;
    await load.db`checkpoint`;
  }
};

const asWords = (count) => (count >= 1e6 ? `${count / 1e6} million` : count.toLocaleString('en'));

const depthRow = (pending, original) => ({
  name: `depth-${pending}`,
  title: `claim of 1 + reportCompleted, ${asWords(pending)} pending in the same queue`,
  unit: 'tasks/s',
  original,
  goal: 'within 1.2× of none',
  isLarge: pending > 100_000,
  run: async (load, { share }) => {
    await deepen(load, pending);
    const count = Math.ceil(share * 2000);
    // As many as will be taken, so that the queue is as deep after as before.
    await load.fill(taskQueueId, count);
    const drained = await drain(load, { taskQueueId, count, claimed: 1 });
    const taskGroupId = slugid();
    const prepared = times(count, () => load.requests.create(taskQueueId, { taskGroupId }));
    const created = await load.rateOf(prepared, 64);
    await drain(load, { taskQueueId, count, claimed: 32 });
    // Machines change their pace from one minute to the next: this is the pace of this one.
    const emptyQueueId = `bench/not-deep-${pending}`;
    await load.fill(emptyQueueId, count);
    const beside = await drain(load, { taskQueueId: emptyQueueId, count, claimed: 1 });
    const note =
      `just after, a queue with nothing else in it: ${beside.value.toFixed(0)} tasks/s, ` +
      `PostgreSQL ${beside.cpuPer1000.postgres.toFixed(2)}; createTask, 64 at once: ${created.value.toFixed(0)} /s`;
    return { ...drained, note };
  },
});

export const depthRows = [
  depthRow(0, '99'),
  depthRow(10_000, '74'),
  depthRow(100_000, '58'),
  depthRow(1_000_000, '47 (300,000)'),
];
