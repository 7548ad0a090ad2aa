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
    return { ...drained, note: `createTask, 64 at once: ${created.value.toFixed(0)} /s` };
  },
});

export const depthRows = [
  depthRow(0, '99'),
  depthRow(10_000, '74'),
  depthRow(100_000, '58'),
  depthRow(1_000_000, '47 (300,000)'),
];
