// Workers take tasks and report them done, by the credentials that come with each claim.

import { bodyOf, jsonOf } from '../http.mjs';
import { times } from '../load.mjs';
import { latencies, measure } from '../meters.mjs';
import { slugid } from '../tasks.mjs';

const concurrency = 16;

/** Reports claims one after the other. */
export const reportEach = async ({ requests }, connection, { claims }) => {
  for (const claim of claims) bodyOf(await connection.exchange(requests.complete(claim)));
};

/** Reports claims in one call, all of which must be taken. */
export const reportTogether = async ({ requests }, connection, { taskQueueId, claims }) => {
  const { reports } = jsonOf(await connection.exchange(requests.completeAll(taskQueueId, claims)));
  const refused = reports.find(({ error }) => error);
  if (refused) throw new Error(`A report was refused: ${refused.error.message}`);
};

/** Empties a task queue of this many tasks: each caller claims some, and reports one after the other unless told otherwise. */
export const drain = async (load, { taskQueueId, count, claimed: perClaim, report = reportEach }) => {
  const { requests } = load;
  const claiming = latencies();
  // More claims than needed would wait for tasks that never come: each call asks for its own share.
  const shares = times(Math.ceil(count / perClaim), (i) => Math.min(perClaim, count - i * perClaim));
  const prepared = shares.map((share, i) => requests.claim(taskQueueId, share, `w${i % concurrency}`));
  const measured = await measure(load.pids, async () => {
    let done = 0;
    await load.spread(prepared.length, {
      at: concurrency,
      each: async (connection, i) => {
        const { tasks } = jsonOf(await claiming.time(() => connection.exchange(prepared[i])));
        await report(load, connection, { taskQueueId, claims: tasks });
        done += tasks.length;
      },
    });
    return done;
  });
  return {
    value: measured.rate,
    p50: claiming.p50(),
    p99: claiming.p99(),
    cpuPer1000: measured.cpuPer1000,
  };
};

const drainRow = (perClaim, { report, ...row }) => ({
  name: `drain-${perClaim}`,
  title: `claimWork of ${perClaim} + reportCompleted, 16 at once`,
  unit: 'tasks/s',
  ...row,
  run: async (load, { share }) => {
    const taskQueueId = `bench/${row.name ?? `drain-${perClaim}`}`;
    const count = Math.ceil(share * 6000);
    await load.fill(taskQueueId, count);
    return drain(load, { taskQueueId, count, claimed: perClaim, report });
  },
});

/** Create, claim, reclaim, artifact, complete: five calls in a row. */
export const lifeCycle = async (load, { taskQueueId, count }) => {
  const { requests } = load;
  const taskGroupId = slugid();
  const whole = latencies();
  const prepared = times(count, (i) => ({
    create: requests.create(taskQueueId, { taskGroupId }),
    claim: requests.claim(taskQueueId, 1, `w${i % concurrency}`),
  }));
  const live = async (connection, { create, claim }) => {
    bodyOf(await connection.exchange(create));
    const [taken] = jsonOf(await connection.exchange(claim)).tasks;
    if (!taken) throw new Error('claimWork gave nothing although tasks are pending.');
    const reclaimed = jsonOf(await connection.exchange(requests.reclaim(taken)));
    const held = { ...taken, credentials: reclaimed.credentials };
    bodyOf(await connection.exchange(requests.addArtifact(held)));
    bodyOf(await connection.exchange(requests.complete(held)));
  };
  const measured = await measure(load.pids, async () => {
    await load.spread(count, {
      at: concurrency,
      each: (connection, i) => whole.time(() => live(connection, prepared[i])),
    });
    return count;
  });
  return { value: measured.rate, p50: whole.p50(), p99: whole.p99(), cpuPer1000: measured.cpuPer1000 };
};

const lifeRow = {
  name: 'life',
  title: 'create, claim, reclaim, artifact, complete, 16 at once',
  unit: 'tasks/s',
  original: '42–58',
  goal: '≥ 600',
  raw: 'cycle16',
  run: async (load, { share }) => {
    const taskQueueId = 'bench/life';
    await load.fill(taskQueueId, 100);
    await lifeCycle(load, { taskQueueId, count: 300 });
    return lifeCycle(load, { taskQueueId, count: Math.ceil(share * 5000) });
  },
};

export const workRows = [
  drainRow(1, { original: '67–122', goal: '≥ 1,500', raw: 'claimAndComplete16' }),
  drainRow(32, { original: '130–193', goal: '≥ 3,000', raw: 'claimAndComplete16' }),
  drainRow(32, {
    name: 'report-32',
    title: 'claimWork of 32 + reportRuns of 32, 16 at once',
    original: '–',
    goal: '≤ 0.25 × 62a5a1e',
    raw: 'claimAndComplete16',
    report: reportTogether,
  }),
  lifeRow,
];
