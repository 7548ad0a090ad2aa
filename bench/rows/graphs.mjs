import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, jsonOf } from '../http.mjs';
import { times } from '../load.mjs';
import { measure } from '../meters.mjs';
import { aTask, slugid } from '../tasks.mjs';

const oneByOneRow = {
  name: 'graph-one-by-one',
  title: 'a graph of 2,000, one request a task, 16 at once',
  unit: 's',
  isTime: true,
  original: '8–11',
  goal: '–',
  run: async (load) => {
    const taskGroupId = slugid();
    const taskId = slugid();
    const create = (id, dependencies) =>
      load.requests.create('bench/one-by-one', { taskId: id, taskGroupId, dependencies });
    const dependents = times(1998, slugid);
    const prepared = dependents.map((id) => create(id, [taskId]));
    const last = create(slugid(), dependents);
    const measured = await measure(load.pids, async () => {
      await load.send([create(taskId, [])], 1);
      await load.send(prepared, 16);
      await load.send([last], 1);
      return 2000;
    });
    return { value: measured.seconds, cpuPer1000: measured.cpuPer1000 };
  },
};

/** 10,000 tasks in layers of 100, each of which depends on three of the layer before. */
const layeredGraph = () => {
  const taskIds = times(10_000, slugid);
  return taskIds.map((taskId, i) => {
    const layer = Math.floor(i / 100) * 100;
    const before = (step) => taskIds[layer - 100 + ((i + step) % 100)];
    // The first layer's share of the 30,000 falls to the second.
    const width = layer === 0 ? 0 : layer === 100 ? 6 : 3;
    const dependencies = times(width, before);
    return { taskId, task: aTask('bench/whole', { dependencies }) };
  });
};

const wholeRow = {
  name: 'graph-whole',
  title: 'a graph of 10,000 tasks and 30,000 dependencies, one request',
  unit: 's',
  isTime: true,
  original: 'cannot',
  goal: '≤ 1.5',
  run: async (load, { share }) => {
    const seconds = [];
    const cpu = [];
    for (let i = 0; i < Math.ceil(share * 3); i++) {
      const prepared = load.requests.createGraph(slugid(), layeredGraph());
      const measured = await measure(load.pids, async () => {
        await load.send([prepared], 1);
        return 10_000;
      });
      seconds.push(measured.seconds);
      cpu.push(measured.cpuPer1000);
    }
    const middle = Math.floor(seconds.length / 2);
    return { value: seconds.sort((a, b) => a - b)[middle], cpuPer1000: cpu[middle] };
  },
};

/** Checks every few milliseconds the age of the oldest open transaction of the server; returns the longest. */
const watchTransactions = ({ db }) => {
  let isWatching = true;
  let longest = 0;
  const watching = (async () => {
    while (isWatching) {
      const [row] = await db`
        select coalesce(max(extract(epoch from clock_timestamp() - xact_start) * 1000), 0)::float8 as ms
          from pg_stat_activity
         where application_name = 'taskyard' and pid <> pg_backend_pid() and state <> 'idle'`;
      longest = Math.max(longest, row.ms);
      await sleep(4);
    }
  })();
  return async () => {
    isWatching = false;
    await watching;
    return longest;
  };
};

const fanOut = async (load, dependents) => {
  const { requests } = load;
  const name = slugid().replaceAll(/[-_]/g, '').toLowerCase();
  const [roots, others] = [`bench/root-${name}`, `bench/fan-${name}`];
  const taskId = slugid();
  const graph = [
    { taskId, task: aTask(roots) },
    ...times(dependents, () => ({ taskId: slugid(), task: aTask(others, { dependencies: [taskId] }) })),
  ];
  await load.send([requests.createGraph(slugid(), graph)], 1);
  const [claim] = (await load.ask(requests.claim(roots, 1))).tasks;
  const [reporter, worker, counter] = load.open(3);
  const start = performance.now();
  const since = () => performance.now() - start;
  const firstClaimed = worker.exchange(requests.claim(others, 1)).then(since);
  const longestTransaction = watchTransactions(load);
  // The waiting call must have arrived before the report does.
  await sleep(200);
  const reported = since();
  bodyOf(await reporter.exchange(requests.complete(claim)));
  for (let pending = 0; pending < dependents - 1; ) {
    await sleep(10);
    pending = jsonOf(await counter.exchange(requests.counts(others))).pendingTasks;
  }
  const all = since() - reported;
  const first = (await firstClaimed) - reported;
  for (const connection of [reporter, worker, counter]) connection.close();
  return { first, all, longest: await longestTransaction() };
};

const fanOutRow = (dependents, row) => ({
  name: `fan-out-${dependents}`,
  title: `one root resolved → ${dependents} dependents pending`,
  unit: 'ms',
  isTime: true,
  ...row,
  run: async (load) => {
    const { pids } = load;
    let figures;
    const measured = await measure(pids, async () => {
      figures = await fanOut(load, dependents);
      return dependents;
    });
    const note =
      `first claimed after ${figures.first.toFixed(0)} ms; ` +
      `longest transaction seen ${figures.longest.toFixed(0)} ms; CPU with the creation of the graph`;
    return { value: figures.all, cpuPer1000: measured.cpuPer1000, note };
  },
});

export const graphRows = [
  oneByOneRow,
  wholeRow,
  fanOutRow(1998, { original: 'first 1,400–4,100, all 11,900', goal: 'first ≤ 20, all ≤ 500' }),
  fanOutRow(10_000, { original: '–', goal: '≤ 2,000, no transaction over 100' }),
];
