import { Logger, makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { addSingly, measureStarts, payload, secondsSince, serve, until } from './protocol.mjs';

const logger = new Logger(() => () => {});
const pgPool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
// Connections of a database that is being stopped break; the library wants that heeded in both places.
pgPool.on('error', () => {});
pgPool.on('connect', (client) => client.on('error', () => {}));
let utils;
let runner;
let handled = 0;
let hear = () => {};
const taskList = {
  noop: () => {
    handled++;
    hear();
  },
};
const start = (worker) =>
  run({
    preset: { worker: { pgPool, logger, pollInterval: 1000, ...worker } },
    taskList,
    noHandleSignals: true,
  });
const unfinished = async () => {
  const { rows } = await pgPool.query('select count(*)::int as count from graphile_worker._private_jobs');
  return rows[0].count;
};

const workOptions = {
  single: { concurrentJobs: 16 },
  // The fastest that its documentation knows: jobs are fetched, and their ends written, in sets.
  batch: { concurrentJobs: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0 },
};

serve({
  setup: async () => {
    utils = await makeWorkerUtils({ pgPool, logger });
    await utils.migrate();
  },
  add: (wanted) => addSingly(wanted, () => utils.addJob('noop', payload)),
  addAll: async ({ count }) => {
    const jobs = Array.from({ length: count }, () => ({ identifier: 'noop', payload }));
    const started = performance.now();
    await utils.addJobs(jobs);
    return { count, seconds: secondsSince(started) };
  },
  work: async ({ mode, count }) => {
    const left = (await unfinished()) - count;
    handled = 0;
    const started = performance.now();
    const working = await start(workOptions[mode]);
    await until(() => handled >= count);
    await until(async () => (await unfinished()) <= left);
    const seconds = secondsSince(started);
    await working.stop();
    return { count, seconds };
  },
  wait: async () => {
    runner = await start({ concurrentJobs: 1 });
  },
  starts: (wanted) =>
    measureStarts(wanted, async (began) => {
      hear = began;
      await utils.addJob('noop', payload);
    }),
  rest: async () => {
    hear = () => {};
    await runner.stop();
  },
});
