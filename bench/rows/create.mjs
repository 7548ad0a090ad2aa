import { times } from '../load.mjs';
import { slugid } from '../tasks.mjs';

const createRow = (concurrency, row) => ({
  name: `create-${concurrency}`,
  title: `createTask, ${concurrency} at a time`,
  unit: '/s',
  ...row,
  run: async (load, { share }) => {
    const taskQueueId = `bench/create-${concurrency}`;
    const taskGroupId = slugid();
    const count = Math.ceil(share * (concurrency === 1 ? 2000 : 16_000));
    const prepare = (size) => times(size, () => load.requests.create(taskQueueId, { taskGroupId }));
    await load.send(prepare(concurrency * 20), concurrency);
    return load.rateOf(prepare(count), concurrency);
  },
});

export const createRows = [
  createRow(1, { original: '109–152', goal: 'p50 ≤ 2 ms', raw: 'insert1' }),
  createRow(16, { original: '188–382', goal: '≥ 2,500', raw: 'insert16' }),
  createRow(64, { original: '211–309', goal: '≥ 3,000', raw: 'insert16' }),
];
