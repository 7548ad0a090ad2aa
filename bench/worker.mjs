// What a worker adds to the commands that it runs, as ratios to the same done by hand in the same run.
//   node bench/worker.mjs                   all three, about 2 minutes
//   node bench/worker.mjs tasks artifacts   some of them
//   node bench/worker.mjs --quick           a tenth of each
//   node bench/worker.mjs --profile         CPU profiles of worker and server, summed up by function
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Queue } from '../packages/client/dist/index.js';
import { cpuOf } from './meters.mjs';
import { newFolder, removeFolder, root, startPlatform } from './platform.mjs';
import { printProfile } from './profile.mjs';
import { aTask, slugid } from './tasks.mjs';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const share = options.quick ? 0.1 : 1;
const isWanted = (name) => positionals.length === 0 || positionals.includes(name);

const taskQueueId = 'bench/worker';
const profiles = options.profile ? newFolder('profile') : undefined;
const nodeOptions = profiles ? ['--cpu-prof', `--cpu-prof-dir=${profiles}`] : [];
const platform = await startPlatform({ nodeOptions });
const { rootUrl, credentials } = platform;
const queue = new Queue({ rootUrl, credentials });
const workDir = newFolder('worker');

const startWorker = (capacity) => {
  const words = ['packages/cli/bin/taskyard.js', 'worker', '--engine', 'process', '--work-dir', workDir];
  const child = spawn(process.execPath, [...nodeOptions, ...words, '--capacity', String(capacity)], {
    cwd: root,
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
      TASKYARD_WORKER_TASK_QUEUE_ID: taskQueueId,
    },
  });
  const ended = once(child, 'exit');
  return {
    pid: child.pid,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
};

/** The most memory that a process has had, in MB. Its children are not counted. */
const peakMb = (pid) =>
  Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

const create = async (payload) => {
  const taskId = slugid();
  await queue.createTask(taskId, aTask(taskQueueId, { payload: { maxRunTime: 3600, ...payload } }));
  return taskId;
};

const completed = async (taskId) => {
  for (;;) {
    const { state, runs } = (await queue.status(taskId)).status;
    if (state === 'completed') return runs.at(-1);
    if (!['pending', 'running'].includes(state)) throw new Error(`${taskId} is ${state}`);
    // Seldom: what it costs the platform counts.
    await sleep(100);
  }
};

/** Runs tasks that are pending already; returns the seconds from the first start to the last end, and CPU seconds of the worker. */
const runAll = async (taskIds, capacity) => {
  const worker = startWorker(capacity);
  try {
    const runs = [];
    for (const taskId of taskIds) runs.push(await completed(taskId));
    const starts = runs.map(({ started }) => Date.parse(started));
    const ends = runs.map(({ resolved }) => Date.parse(resolved));
    const { worker: cpuSeconds } = cpuOf({ worker: worker.pid });
    const seconds = (Math.max(...ends) - Math.min(...starts)) / 1000;
    return { seconds, cpuSeconds, peakMb: peakMb(worker.pid) };
  } finally {
    await worker.stop();
  }
};

const timed = (act) => {
  const startedAt = performance.now();
  act();
  return (performance.now() - startedAt) / 1000;
};

/** CPU seconds of the platform since then. */
const servedSince = (before) => {
  const after = cpuOf(platform.pids);
  return Object.keys(after).reduce((sum, name) => sum + after[name] - before[name], 0);
};

const figure = (value) => value.toFixed(value < 10 ? 2 : 0);

const measureTasks = async () => {
  const count = Math.ceil(400 * share);
  const taskIds = await Promise.all(Array.from({ length: count }, () => create({ command: [['true']] })));
  const byHand = timed(() => {
    for (let i = 0; i < count; i++) spawnSync('true');
  });
  const before = cpuOf(platform.pids);
  const { seconds, cpuSeconds } = await runAll(taskIds, 8);
  const served = servedSince(before);
  const above = ((seconds - byHand) / count) * 1000;
  console.log(
    `tasks: ${figure(count / seconds)} a second, ${figure(above)} ms above \`true\` by hand (goal ≤ 15), ` +
      `${figure((cpuSeconds / count) * 1000)} ms of CPU of the worker and ${figure((served / count) * 1000)} ms of the platform for each`,
  );
};

const measureLog = async () => {
  const bytes = Math.ceil(1024 ** 3 * share);
  const print = `yes 'a line of the log that is repeated until there is a gigabyte of it' | head -c ${bytes}`;
  const byHand = timed(() => spawnSync('sh', ['-c', `${print} | cat | gzip -1 > /dev/null`]));
  const taskId = await create({ command: [['sh', '-c', print]] });
  const { seconds, cpuSeconds, peakMb: peak } = await runAll([taskId], 1);
  console.log(
    `log: ${figure(byHand / seconds)} of the speed of \`cat | gzip -1\` (goal ≥ 0.5), ` +
      `${figure(peak)} MB at most (goal < 120), ${figure(cpuSeconds)} s of CPU`,
  );
};

const measureArtifacts = async () => {
  const count = Math.ceil(10_000 * share);
  const make = `mkdir d; seq ${count} | while read i; do echo "artifact $i" > d/$i.txt; done`;
  const run = async (script, artifact) => {
    const taskId = await create({
      command: [['sh', '-c', script]],
      artifacts: [{ expires: undefined, ...artifact }],
    });
    return runAll([taskId], 1);
  };
  const packed = await run(`${make}; tar -cf d.tar d`, { type: 'file', path: 'd.tar', name: 'public/d.tar' });
  const before = cpuOf(platform.pids);
  const each = await run(make, { type: 'directory', path: 'd', name: 'public/d' });
  const served = servedSince(before);
  console.log(
    `artifacts: ${figure(each.seconds / packed.seconds)} times the time of one tar (goal ≤ 2), ` +
      `${figure(each.seconds)} s for ${count}, ${figure(each.cpuSeconds)} s of CPU of the worker, ${figure(served)} s of the platform`,
  );
};

try {
  if (isWanted('tasks')) await measureTasks();
  if (isWanted('log')) await measureLog();
  if (isWanted('artifacts')) await measureArtifacts();
} finally {
  await platform.stop();
  removeFolder(workDir);
}
if (profiles) {
  await printProfile(profiles);
  removeFolder(profiles);
}
