// What a day of 10 million tasks asks of each part, minute by minute. Prints the tables of docs/operating/scale.md.
//   node bench/scale.mjs                  prints them
//   node bench/scale.mjs --write          puts them into the page
//   node bench/scale.mjs --tasks 1000000  another load (also --workers, --pools)
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    tasks: { type: 'string', default: '10000000' },
    workers: { type: 'string', default: '50000' },
    pools: { type: 'string', default: '200' },
  },
});
const load = { tasks: Number(options.tasks), workers: Number(options.workers), pools: Number(options.pools) };

/** Measured: docs/operating/performance.md and docs/operating/messages.md say how, and on what machine. */
const measured = {
  // Seconds of a processor for 1,000 whole life cycles: create, claim, reclaim, artifact, complete.
  lifeServer: 1.29,
  lifeDatabase: 0.62,
  // Cores of server and database together while 2,000 calls of claimWork wait.
  waitingCores: 0.059 / 2000,
  // 5 million resolved tasks take 8.6 GB.
  bytesOfTask: 8.6e9 / 5e6,
  bytesOfMessage: 1000,
  relayedPerSecond: 7800,
};

/** Assumed. Put your own here. */
const assumed = {
  taskSeconds: 240,
  artifacts: 3,
  bytesOfArtifacts: 1_000_000,
  retentionDays: 30,
  eventHours: 6,
  // Calls of a task: create, claim, report, and one for each artifact.
  calls: 6,
  // defined, pending, running, completed, and one for each artifact.
  messages: 7,
  connectionsOfProcess: 11,
  // As in packaging/systemd.
  filesOfProcess: 65_536,
  shareMax: 0.6,
  databaseCores: 16,
  databaseBytes: 4e12,
};

/** US dollars, as list prices of large clouds are about. */
const prices = {
  workerHour: 0.05,
  coreHour: 0.05,
  databaseCoreHour: 0.2,
  databaseGBMonth: 0.12,
  objectGBMonth: 0.023,
  millionPuts: 5,
};

/** Random numbers that are the same each time, by the generator "mulberry32". */
const randomFrom = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const minutesOfDay = 1440;
const daysOfMonth = 30;
const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

/** Work comes in the day: at its peak three times as much as at night. */
const tide = (minute) => 1 + 0.5 * Math.sin((2 * Math.PI * (minute - 480)) / minutesOfDay);

/** Pools of different sizes: the first is about ten times as large as the last. */
const shares = () => {
  const weights = Array.from({ length: load.pools }, (_, i) => 1 / (i + load.pools / 10));
  return weights.map((weight) => weight / sum(weights));
};

/** Arrivals of each minute of one pool: the tide, in bursts, as pushes make them. */
const arrivalsOf = (share, random) => {
  const rates = Array.from({ length: minutesOfDay }, (_, minute) => tide(minute) * (0.5 + random()));
  const scale = (load.tasks * share) / sum(rates);
  return rates.map((rate) => rate * scale);
};

/** A day of one pool: each minute as many runs are claimed as are pending and as its workers can take. */
const dayOf = (share, random) => {
  const capacity = (load.workers * share * 60) / assumed.taskSeconds;
  let pending = 0;
  return arrivalsOf(share, random).map((created) => {
    pending += created;
    const claimed = Math.min(pending, capacity);
    pending -= claimed;
    return { created, claimed, pending, busy: (claimed * assumed.taskSeconds) / 60 };
  });
};

const simulate = () => {
  const random = randomFrom(1);
  const pools = shares().map((share) => dayOf(share, random));
  const minutes = Array.from({ length: minutesOfDay }, (_, minute) => {
    const at = (field) => sum(pools.map((pool) => pool[minute][field]));
    const busy = at('busy');
    return { created: at('created') / 60, claimed: at('claimed') / 60, pending: at('pending'), busy };
  });
  const most = (of) => Math.max(...minutes.map(of));
  return {
    created: most(({ created }) => created),
    // A task is as much work when it is created as when it is claimed: the larger of both counts.
    lives: most(({ created, claimed }) => Math.max(created, claimed)),
    pending: most(({ pending }) => pending),
    busy: most(({ busy }) => busy),
    idle: most(({ busy }) => load.workers - busy),
    busyMean: sum(minutes.map(({ busy }) => busy)) / minutesOfDay,
  };
};

const count = (value, digits = 0) =>
  value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: digits });
const bytes = (value) => (value >= 1e12 ? `${count(value / 1e12, 1)} TB` : `${count(value / 1e9)} GB`);
const dollars = (value) => `$${count(value)}`;
const percent = (value) => `${count(100 * value)} %`;

const tableOf = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

const perSecond = (perDay) => perDay / 86_400;

/** What API processes have to do. A worker keeps a connection for its calls, and one for its live logs while it is busy. */
const apiOf = (peak) => {
  const { tasks, workers } = load;
  const cores = (peak.lives * measured.lifeServer) / 1000 + (peak.idle * measured.waitingCores) / 2;
  const connections = workers + peak.busy;
  const full = Math.max(cores, connections / assumed.filesOfProcess);
  const processes = Math.ceil(full / assumed.shareMax);
  const calls = `${count(tasks * assumed.calls)} calls, ${count(peak.lives * assumed.calls)} a second at the peak`;
  const part = {
    part: 'API processes',
    does: `${calls}; up to ${count(peak.idle / 20)} polls a second without work`,
    holds: `${count(connections)} connections of workers`,
    needs: `${count(cores, 2)} cores, ${count(connections)} open files: ${processes} processes`,
    share: full / processes,
    unit: 'what these can',
    money: processes * 24 * prices.coreHour,
  };
  return { part, processes };
};

const databaseOf = (peak, processes) => {
  const { tasks } = load;
  const cores = (peak.lives * measured.lifeDatabase) / 1000 + (peak.idle * measured.waitingCores) / 2;
  const stored = tasks * assumed.retentionDays * measured.bytesOfTask;
  const outbox = (tasks * assumed.messages * measured.bytesOfMessage * assumed.eventHours) / 24;
  return [
    {
      part: 'PostgreSQL, processor',
      does: `${count(peak.lives)} life cycles a second at the peak`,
      holds: `${count((processes + 1) * assumed.connectionsOfProcess)} connections`,
      needs: `${count(cores, 2)} cores`,
      share: cores / assumed.databaseCores,
      unit: `a primary of ${assumed.databaseCores} cores`,
      money: assumed.databaseCores * 24 * prices.databaseCoreHour,
    },
    {
      part: 'PostgreSQL, disk',
      does: `${count(tasks)} tasks and ${bytes(tasks * measured.bytesOfTask)} a day in, as many out`,
      holds: `${count(tasks * assumed.retentionDays)} tasks, ${bytes(stored)}; outbox ${bytes(outbox)}`,
      needs: bytes(stored + outbox),
      share: (stored + outbox) / assumed.databaseBytes,
      unit: bytes(assumed.databaseBytes),
      money: ((stored + outbox) / 1e9 / daysOfMonth) * prices.databaseGBMonth,
    },
  ];
};

const relayOf = (peak) => {
  const messages = load.tasks * assumed.messages;
  const atPeak = peak.lives * assumed.messages;
  return {
    part: 'relay to RabbitMQ',
    does: `${count(messages)} messages, ${count(perSecond(messages))} a second on average`,
    holds: 'one place in the outbox',
    needs: `${count(atPeak)} messages a second at the peak`,
    share: atPeak / measured.relayedPerSecond,
    unit: `the one relay that works at a time, ${count(measured.relayedPerSecond)} a second`,
    money: 0,
  };
};

const storageOf = () => {
  const puts = load.tasks * assumed.artifacts;
  const daily = load.tasks * assumed.bytesOfArtifacts;
  const objects = daily * assumed.retentionDays;
  return {
    part: 'object storage',
    does: `${count(puts)} uploads, ${bytes(daily)} a day`,
    holds: bytes(objects),
    needs: `${count(perSecond(puts))} uploads a second on average`,
    share: undefined,
    unit: 'the store',
    money: (puts / 1e6) * prices.millionPuts + (objects / 1e9 / daysOfMonth) * prices.objectGBMonth,
  };
};

const workersOf = (peak) => ({
  part: 'workers',
  does: `${count(peak.busyMean)} busy on average, ${count(peak.busy)} at the peak`,
  holds: `up to ${count(peak.pending)} pending runs`,
  needs: `${count(load.workers)} machines`,
  share: peak.busy / load.workers,
  unit: 'all of them',
  money: load.workers * 24 * prices.workerHour,
});

/** What each part has to do, and how much of one unit of it that takes at the peak. The workers come last. */
const partsOf = (peak) => {
  const { part, processes } = apiOf(peak);
  return [part, ...databaseOf(peak, processes), relayOf(peak), storageOf(), workersOf(peak)];
};

const report = () => {
  const peak = simulate();
  const parts = partsOf(peak);
  const { tasks, workers, pools } = load;
  const own = parts.filter(({ part }) => part !== 'workers');
  const single = own.filter(({ part, share }) => share !== undefined && part !== 'API processes');
  const [first] = [...single].sort((a, b) => b.share - a.share);
  return [
    `${count(tasks)} tasks a day, ${count(workers)} workers, ${count(pools)} pools; ${count(perSecond(tasks))} tasks a second on average, ` +
      `${count(peak.created)} created a second at the peak.`,
    '',
    tableOf(
      ['part', 'does in a day', 'holds', 'needs', 'share of its unit', 'a day'],
      parts.map(({ part, does, holds, needs, share, unit, money }) => [
        part,
        does,
        holds,
        needs,
        share === undefined ? '–' : `${percent(share)} of ${unit}`,
        dollars(money),
      ]),
    ),
    '',
    `Without the workers ${dollars(sum(own.map(({ money }) => money)))} a day; the workers cost ${dollars(parts.at(-1).money)}.`,
    '',
    `**The first part that breaks: ${first.part}.** API processes are added as needed. Of the parts that exist once it is the fullest, ` +
      `with ${percent(first.share)} of ${first.unit}: it is full at ${count(tasks / first.share / 1e6, 1)} million tasks a day of this shape.`,
  ].join('\n');
};

const page = fileURLToPath(new URL('../docs/operating/scale.md', import.meta.url));
const marks = ['<!-- made by bench/scale.mjs -->', '<!-- end -->'];

const text = report();
if (options.write) {
  const [before, rest] = readFileSync(page, 'utf8').split(marks[0]);
  const [, after] = rest.split(marks[1]);
  writeFileSync(page, `${before}${marks[0]}\n${text}\n${marks[1]}${after}`);
} else console.log(text);
