// What a graph of 20,000 tasks in one request costs those who share its process: the longest wait of the server's event loop,
// the longest answer to another caller meanwhile, and the memory that is left a minute later.
//   node bench/large-graph.mjs                    both methods, each on a server of its own, 3 minutes
//   node bench/large-graph.mjs --tasks 5000
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openConnection, requestsTo } from './http.mjs';
import { fileOf } from './loop-watch.mjs';
import { startPlatform } from './platform.mjs';
import { aTask, slugid } from './tasks.mjs';

const { values: options } = parseArgs({ options: { tasks: { type: 'string', default: '20000' } } });
const size = Number(options.tasks);

/** Layers of 100 tasks, each of which depends on three of the layer before. */
const layers = () => {
  const taskIds = Array.from({ length: size }, slugid);
  return taskIds.map((taskId, i) => {
    const layer = Math.floor(i / 100) * 100;
    const before = [0, 1, 2].map((step) => taskIds[layer - 100 + ((i + step) % 100)]);
    return { taskId, needs: layer === 0 ? [] : before };
  });
};

const methods = {
  createTaskGroupTasks: () => ({
    method: 'POST',
    path: `/api/queue/v1/task-group/${slugid()}/tasks`,
    body: {
      tasks: layers().map(({ taskId, needs }) => ({
        taskId,
        task: aTask('bench/large-graph', { dependencies: needs }),
      })),
    },
  }),
  createTaskGraph: () => ({
    method: 'PUT',
    path: `/api/scheduler/v1/task-graph/${slugid()}`,
    body: {
      scopes: ['*'],
      metadata: {
        name: 'bench',
        description: 'a large graph',
        owner: 'bench@example.com',
        source: 'https://example.com/',
      },
      tasks: layers().map(({ taskId, needs }) => {
        const { schedulerId: _, ...task } = aTask('bench/large-graph');
        return { taskId, requires: needs, task };
      }),
    },
  }),
};

const residentMb = (pid) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

/** How long a server's event loop stood still at most since this was asked last, in ms. */
const longestWait = async (pid) => {
  const file = fileOf(pid);
  rmSync(file, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8'));
    } catch {
      await sleep(20);
    }
  }
};

/** Asks something small again and again; `stop` returns the longest time that an answer took, in ms. */
const askMeanwhile = (platform, request) => {
  const connection = openConnection(platform.rootUrl);
  let isOver = false;
  let longestMs = 0;
  const asking = (async () => {
    while (!isOver) {
      const { credentials } = platform;
      const prepared = request('GET', '/api/queue/v1/task-queues?limit=1', { credentials });
      const startedAt = performance.now();
      await connection.exchange(prepared);
      longestMs = Math.max(longestMs, performance.now() - startedAt);
      await sleep(5);
    }
    connection.close();
  })();
  return async () => {
    isOver = true;
    await asking;
    return longestMs;
  };
};

/** Sends one request and returns the status of its answer once all of that has come: pieces of it are not looked at. */
const sendLarge = async (rootUrl, request) => {
  const { hostname, port } = new URL(rootUrl);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(request);
  let head = '';
  let received = 0;
  for await (const chunk of socket) {
    if (!head.includes('\r\n\r\n')) head += chunk.toString('latin1');
    received += chunk.length;
    const end = head.indexOf('\r\n\r\n');
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
    if (end >= 0 && received >= end + 4 + length) break;
  }
  return { status: Number(head.slice(9, 12)), text: head.slice(0, 1000) };
};

const measure = async (name) => {
  const platform = await startPlatform({
    nodeOptions: ['--import', new URL('loop-watch.mjs', import.meta.url).href],
  });
  try {
    const { server } = platform.pids;
    const request = requestsTo(platform.rootUrl);
    const { method, path, body } = methods[name]();
    const prepared = request(method, path, { body, credentials: platform.credentials });
    const connection = openConnection(platform.rootUrl);
    await connection.exchange(request('GET', '/api/queue/v1/ping'));
    await sleep(2000);
    const before = residentMb(server);
    await longestWait(server);
    const stop = askMeanwhile(platform, request);
    const startedAt = performance.now();
    const { status, text } = await sendLarge(platform.rootUrl, prepared);
    const seconds = (performance.now() - startedAt) / 1000;
    if (status !== 200) throw new Error(`${name} answered ${status}: ${text}`);
    await sleep(3000);
    const answerMs = await stop();
    const { longestMs, longestCpuMs } = await longestWait(server);
    const after = residentMb(server);
    await sleep(60_000);
    const figures = {
      megabytes: prepared.length / 2 ** 20,
      seconds,
      longestMs,
      longestCpuMs,
      answerMs,
      before,
      after,
    };
    connection.close();
    return { ...figures, aMinuteLater: residentMb(server) };
  } finally {
    rmSync(fileOf(platform.pids.server), { force: true });
    await platform.stop();
  }
};

console.log(
  `| ${size} tasks by | MB | seconds | longest wait of the loop | of it on the processor | longest other answer | MB before | after | a minute later |`,
);
console.log('|---|---|---|---|---|---|---|---|---|');
for (const name of Object.keys(methods)) {
  const { megabytes, seconds, longestMs, longestCpuMs, answerMs, before, after, aMinuteLater } =
    await measure(name);
  const cells = [
    megabytes.toFixed(1),
    seconds.toFixed(2),
    `${longestMs.toFixed(0)} ms`,
    `${longestCpuMs.toFixed(0)} ms`,
    `${answerMs.toFixed(0)} ms`,
    ...[before, after, aMinuteLater].map((mb) => mb.toFixed(0)),
  ];
  console.log(`| ${name} | ${cells.join(' | ')} |`);
}
