// Callers of Taskyard's API, in a process of their own: what they cost is not the server's.
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, jsonOf } from '../../http.mjs';
import { loadOn, times } from '../../load.mjs';
import { startWorkers } from '../../rows/waiting.mjs';
import { drain, lifeCycle, reportEach, reportTogether } from '../../rows/work.mjs';
import { aTask, slugid } from '../../tasks.mjs';
import { addSingly, measureStarts, secondsSince, serve } from './protocol.mjs';

const load = loadOn({ ...JSON.parse(process.env.PLATFORM), pids: {} });
const { requests } = load;
const queue = 'bench/peers';
/** What is called when a worker has a task. */
const hearers = new Map();
let stopWorkers = async () => {};

/** What work rows measure, without the CPU, which is not this process's to see. */
const timed = ({ value, p50, p99 }, count) => ({ count, seconds: count / value, p50, p99 });

const ways = {
  single: { claimed: 1, report: reportEach },
  batch: { claimed: 32, report: reportEach },
  report: { claimed: 32, report: reportTogether },
};

/** Works off this many tasks of a graph, of which some become pending when others complete. */
const workOff = async (taskQueueId, count) => {
  const connections = load.open(16);
  let left = count;
  const work = async (connection, i) => {
    while (left > 0) {
      const { tasks } = jsonOf(await connection.exchange(requests.claim(taskQueueId, 32, `w${i}`)));
      await reportEach(load, connection, { claims: tasks });
      left -= tasks.length;
    }
  };
  // Some still wait for tasks when all are done: they are not waited for.
  await Promise.any(connections.map(work));
  for (const connection of connections) connection.close();
};

serve({
  setup: () => {},
  add: async ({ callers, count }) => {
    const taskGroupId = slugid();
    const prepared = times(count, () => requests.create(queue, { taskGroupId }));
    const connections = load.open(callers);
    const free = [...connections];
    const added = await addSingly({ callers, count }, async (i) => {
      const connection = free.pop();
      bodyOf(await connection.exchange(prepared[i]));
      free.push(connection);
    });
    for (const connection of connections) connection.close();
    return added;
  },
  addAll: async ({ count }) => {
    const request = requests.createGraph(
      slugid(),
      times(count, () => ({ taskId: slugid(), task: aTask(queue) })),
    );
    const started = performance.now();
    await load.send([request], 1);
    return { count, seconds: secondsSince(started) };
  },
  work: async ({ mode, count }) =>
    timed(await drain(load, { taskQueueId: queue, count, ...ways[mode] }), count),
  live: async ({ count }) => timed(await lifeCycle(load, { taskQueueId: 'bench/life', count }), count),
  wait: async () => {
    const took = (taskId) => hearers.get(taskId)?.();
    stopWorkers = startWorkers(load, { workers: 1, queueOf: () => 'bench/woken', took });
    await sleep(500);
  },
  starts: async (wanted) => {
    const [connection] = load.open(1);
    const measured = await measureStarts(wanted, async (began) => {
      const taskId = slugid();
      hearers.set(taskId, began);
      bodyOf(await connection.exchange(requests.create('bench/woken', { taskId })));
    });
    connection.close();
    return measured;
  },
  rest: () => stopWorkers(),
  crowd: async ({ count }) => {
    stopWorkers = startWorkers(load, {
      workers: count,
      queueOf: (i) => `bench/idle-${i % 200}`,
      took: () => {},
    });
    await sleep(3000);
  },
  fanOut: async ({ count }) => {
    const [first, last, ...middle] = times(count + 2, slugid);
    const of = (taskId, dependencies) => ({ taskId, task: aTask('bench/graph', { dependencies }) });
    const graph = [of(first, []), ...middle.map((taskId) => of(taskId, [first])), of(last, middle)];
    const request = requests.createGraph(slugid(), graph);
    const started = performance.now();
    await load.send([request], 1);
    await workOff('bench/graph', graph.length);
    return { count: graph.length, seconds: secondsSince(started) };
  },
});
