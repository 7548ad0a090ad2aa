import { bodyOf } from '../http.mjs';
import { times } from '../load.mjs';
import { latencies, measure } from '../meters.mjs';
import { slugid } from '../tasks.mjs';

const groupSize = 2000;
let known;

/** A group of tasks to read, made once. */
const aGroup = async (load) => {
  if (known) return known;
  const taskGroupId = slugid();
  const taskIds = times(groupSize, slugid);
  const prepared = taskIds.map((taskId) => load.requests.create('bench/reads', { taskId, taskGroupId }));
  await load.send(prepared, 32);
  known = { taskGroupId, taskIds };
  return known;
};

const readRow = (verb, row) => ({
  name: verb,
  title: `${verb}, 16 at once`,
  unit: '/s',
  ...row,
  run: async (load, { share }) => {
    const { taskIds } = await aGroup(load);
    const any = () => taskIds[Math.floor(Math.random() * taskIds.length)];
    const prepare = (count) => times(count, () => load.requests[verb](any()));
    await load.send(prepare(500), 16);
    return load.rateOf(prepare(Math.ceil(share * 30_000)), 16);
  },
});

const listingRow = {
  name: 'listing',
  title: `list a group of ${groupSize} tasks`,
  unit: 'ms',
  isTime: true,
  original: '2,000',
  goal: '≤ 100',
  run: async (load, { share }) => {
    const { taskGroupId } = await aGroup(load);
    const whole = latencies();
    const count = Math.ceil(share * 20);
    const [connection] = load.open(1);
    const list = async () => {
      for (let token; ; ) {
        const answer = bodyOf(await connection.exchange(load.requests.group(taskGroupId, token))).toString();
        // Parsing two megabytes would be counted as the server's time; the token is at the beginning or the end.
        token = /"continuationToken":"([^"]+)"/.exec(answer)?.[1];
        if (!token) return;
      }
    };
    await list();
    const measured = await measure(load.pids, async () => {
      for (let i = 0; i < count; i++) await whole.time(list);
      return count;
    });
    connection.close();
    return { value: whole.p50(), p99: whole.p99(), cpuPer1000: measured.cpuPer1000 };
  },
};

const pingRow = {
  name: 'ping',
  title: 'ping, 16 at once (floor of HTTP)',
  unit: '/s',
  original: '3,587',
  goal: '≥ 10,000',
  run: async (load, { share }) => {
    await load.send(times(1000, load.requests.ping), 16);
    return load.rateOf(times(Math.ceil(share * 50_000), load.requests.ping), 16);
  },
};

export const readRows = [
  readRow('status', { original: '547', goal: '≥ 6,000' }),
  readRow('task', { original: '571', goal: '≥ 6,000' }),
  listingRow,
  pingRow,
];
