// CPU time of deciding about 1,000 pools with 50,000 workers and a million tasks that wait, without any database.
// node bench/decide.mjs, after npm run build
const { decide, figuresOf, readScaling } = await import(
  '../packages/server/dist/worker-manager/provisioning/index.js'
);

const [pools, workersOfEach, tasksOfEach] = [1000, 50, 1000];
const nowMs = Date.parse('2026-01-05T10:00:00Z');
const kinds = {
  'as the original': {},
  'with all options': {
    aimedPendingSeconds: 120,
    scaleIn: { idleSeconds: 60, packing: true },
    warm: [{ capacity: 10, start: '0 8 * * 1-5', seconds: 36_000 }],
    priceSensitivity: 3,
  },
};

const launchConfig = (id) => ({
  launchConfigId: `lc-${id}`,
  capacityPerInstance: 4,
  initialWeight: 1,
  errorsLately: id,
  usdPerHour: 0.1 + id / 50,
  boot: { p50Ms: 60_000, p95Ms: 120_000 },
});

/** A third each runs nothing, a part and all that it can; some boot. */
const worker = (pool, i) => {
  const state = i % 10 === 9 ? 'requested' : 'running';
  const runningTasks = state === 'running' ? [0, 2, 4][i % 3] : 0;
  return {
    workerGroup: 'region',
    workerId: `i-${pool}-${i}`,
    launchConfigId: `lc-${i % 3}`,
    state,
    capacity: 4,
    runningTasks,
    createdAtMs: nowMs - 60_000 * i,
    idleSinceMs: state === 'running' && runningTasks === 0 ? nowMs - 30_000 * (i % 5) : undefined,
    isQuarantined: false,
    isDraining: false,
    mayLeave: false,
  };
};

/** Tasks that wait come by age in steps that double, as the queue counts them; every second pool has none. */
const pendingOf = (pool) =>
  pool % 2 === 0
    ? []
    : Array.from({ length: 10 }, (_, i) => ({
        ageMs: 1000 * 2 ** (10 - i),
        count: (2 * tasksOfEach) / 10,
      }));

for (const [name, provisioning] of Object.entries(kinds)) {
  const scaling = readScaling({ minCapacity: 0, maxCapacity: 2000, provisioning });
  const facts = Array.from({ length: pools }, (_, pool) => {
    const workers = Array.from({ length: workersOfEach }, (__, i) => worker(pool, i));
    return {
      workerPoolId: `prov/pool-${pool}`,
      scaling,
      launchConfigs: [0, 1, 2].map(launchConfig),
      pending: pendingOf(pool),
      claimed: workers.reduce((sum, { runningTasks }) => sum + runningTasks, 0),
      workers,
      taskMs: 300_000,
    };
  });
  const round = () => {
    let decisions = 0;
    for (const each of facts) {
      const moment = { nowMs, random: Math.random };
      decisions += decide(each, moment).length;
      figuresOf(each, moment);
    }
    return decisions;
  };
  for (const part of ['first round', 'later round']) {
    const before = process.cpuUsage();
    const decisions = round();
    const { user, system } = process.cpuUsage(before);
    console.log(`${name}, ${part}: ${Math.round((user + system) / 1000)} ms of CPU, ${decisions} decisions`);
  }
}
