// Workers that wait for something to do.
import { setTimeout as sleep } from 'node:timers/promises';
import { bodyOf, jsonOf } from '../http.mjs';
import { latencies, measure } from '../meters.mjs';
import { slugid } from '../tasks.mjs';

/** Workers that call claimWork again and again, each on its queue. `took` hears of every task. */
export const startWorkers = (load, { workers, queueOf, took }) => {
  let isOver = false;
  const connections = load.open(workers);
  const loops = connections.map(async (connection, i) => {
    while (!isOver) {
      const answer = await connection
        .exchange(load.requests.claim(queueOf(i), 1, `w${i}`))
        .catch(() => undefined);
      const now = performance.now();
      if (!answer || isOver) return;
      for (const { status } of jsonOf(answer).tasks) took(status.taskId, now);
    }
  });
  return async () => {
    isOver = true;
    // A waiting call would wait for 20 seconds.
    for (const connection of connections) connection.close();
    await Promise.race([Promise.all(loops), sleep(50)]);
  };
};

const wakeRow = ({ workers, queues, ...row }) => ({
  unit: 'ms (p50)',
  isTime: true,
  ...row,
  run: async (load, { share }) => {
    const waiting = new Map();
    const queueOf = (i) => `bench/wait-${workers}-${i % queues}`;
    const took = (taskId, at) => waiting.get(taskId)?.(at);
    const stop = startWorkers(load, { workers, queueOf, took });
    await sleep(1000);
    const [connection] = load.open(1);
    const latency = latencies();
    const count = Math.ceil(share * 200);
    const one = async () => {
      const taskId = slugid();
      const request = load.requests.create(queueOf(Math.floor(Math.random() * queues)), { taskId });
      const taken = new Promise((resolve) => waiting.set(taskId, resolve));
      const sent = performance.now();
      bodyOf(await connection.exchange(request));
      latency.add((await taken) - sent);
      // The worker must be waiting again.
      await sleep(20 + Math.random() * 40);
    };
    const measured = await measure(load.pids, async () => {
      for (let i = 0; i < count; i++) await one();
      return count;
    });
    connection.close();
    await stop();
    return { value: latency.p50(), p50: latency.p50(), p99: latency.p99(), cpuPer1000: measured.cpuPer1000 };
  },
});

const idleRow = {
  name: 'idle',
  title: 'idle, 2,000 waiting on 200 queues',
  unit: 'cores',
  isTime: true,
  original: '0.10 (200 on 50)',
  goal: '≤ 0.02',
  run: async (load, { share }) => {
    const stop = startWorkers(load, {
      workers: 2000,
      queueOf: (i) => `bench/idle-${i % 200}`,
      took: () => {},
    });
    await sleep(3000);
    // Each call waits for 20 seconds: whole rounds are measured.
    const measured = await measure(load.pids, async () => {
      await sleep(share < 1 ? 20_000 : 40_000);
      return 1;
    });
    await stop();
    const { server, postgres } = measured.cpu;
    const cores = (seconds) => seconds / measured.seconds;
    return {
      value: cores(server + postgres),
      note: `server ${cores(server).toFixed(4)}, PostgreSQL ${cores(postgres).toFixed(4)}`,
    };
  },
};

export const waitingRows = [
  wakeRow({
    name: 'wake-1',
    title: 'createTask sent → a waiting claimWork has it, 1 worker',
    workers: 1,
    queues: 1,
    original: 'p50 554, p99 1,013',
    goal: 'p50 ≤ 3, p99 ≤ 10',
  }),
  wakeRow({
    name: 'wake-200',
    title: 'the same, 200 waiting on 50 queues',
    workers: 200,
    queues: 50,
    original: 'p50 616, p99 1,187',
    goal: 'p99 ≤ 15',
  }),
  idleRow,
];
