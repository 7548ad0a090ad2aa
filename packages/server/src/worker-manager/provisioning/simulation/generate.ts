import { exponential, logNormal, poisson, type Random } from './random.ts';
import { type MarketChange, type Trace, traceOf } from './trace.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

type Task = readonly [atMs: number, durationMs: number];

interface Stream {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly perHour: number;
  readonly duration: () => number;
}

const stream = (random: Random, { fromMs, untilMs, perHour, duration }: Stream): Task[] => {
  const tasks: Task[] = [];
  for (let at = fromMs + exponential(random, hourMs / perHour); at < untilMs; ) {
    tasks.push([at, duration()]);
    at += exponential(random, hourMs / perHour);
  }
  return tasks;
};

/** A steady load: tasks of about five minutes at random, as many in every hour. */
export const steadyTrace = (random: Random, { tasks = 500_000, days = 7 } = {}): Trace =>
  traceOf(
    stream(random, {
      fromMs: 0,
      untilMs: days * dayMs,
      perHour: tasks / days / 24,
      duration: () => logNormal(random, 240 * secondMs, 900 * secondMs),
    }),
  );

/** One push: its tasks become pending within two minutes, as its graph unfolds. */
const push = (random: Random, atMs: number, size: number): Task[] =>
  Array.from({ length: size }, () => [
    atMs + 120 * secondMs * random(),
    logNormal(random, 420 * secondMs, 1800 * secondMs),
  ]);

/** A working day: some tasks at any time, many from 8 to 18 o'clock, and then now and then a push of 2,000 tasks. */
export const workingDayTrace = (random: Random, { pushes = 9, days = 1, pushSize = 2000 } = {}): Trace => {
  const tasks: Task[] = [];
  for (let day = 0; day < days; day++) {
    const fromMs = day * dayMs;
    const duration = () => logNormal(random, 300 * secondMs, 1200 * secondMs);
    const [opens, closes] = [fromMs + 8 * hourMs, fromMs + 18 * hourMs];
    tasks.push(...stream(random, { fromMs, untilMs: fromMs + dayMs, perHour: 60, duration }));
    tasks.push(...stream(random, { fromMs: opens, untilMs: closes, perHour: 600, duration }));
    for (let i = 0; i < pushes; i++) {
      tasks.push(...push(random, opens + random() * (closes - opens), pushSize));
    }
  }
  return traceOf(tasks);
};

/** Two days of work for spot machines: a load that swells and ebbs, and a few pushes of 500. */
export const spotTrace = (random: Random, { days = 2 } = {}): Trace => {
  const tasks: Task[] = [];
  for (let hour = 0; hour < 24 * days; hour++) {
    const swell = 1 - Math.cos((2 * Math.PI * hour) / 24);
    const duration = () => logNormal(random, 480 * secondMs, 2400 * secondMs);
    const fromMs = hour * hourMs;
    tasks.push(...stream(random, { fromMs, untilMs: fromMs + hourMs, perHour: 120 + 400 * swell, duration }));
    if (random() < 0.25) tasks.push(...push(random, fromMs + random() * hourMs, 500));
  }
  return traceOf(tasks);
};

/** Where spot machines are had in that market. The larger ones hold four tasks. */
const spotPools = [
  { launchConfigId: 'small-a', usdPerHour: 0.06, volatility: 0.05, interruptionsPerHour: 0.03 },
  { launchConfigId: 'small-b', usdPerHour: 0.07, volatility: 0.05, interruptionsPerHour: 0.05 },
  { launchConfigId: 'small-c', usdPerHour: 0.05, volatility: 0.25, interruptionsPerHour: 0.25 },
  { launchConfigId: 'large-a', usdPerHour: 0.22, volatility: 0.1, interruptionsPerHour: 0.05 },
  { launchConfigId: 'large-b', usdPerHour: 0.26, volatility: 0.2, interruptionsPerHour: 0.15 },
];

/** Prices wander from hour to hour; where the price is high, machines are few and often taken away. */
export const spotMarket = (random: Random, { days = 2 } = {}): MarketChange[] => {
  const tensions = new Map<string, number>();
  return Array.from({ length: 24 * days }, (_, hour) =>
    spotPools.map((place): MarketChange => {
      const before = tensions.get(place.launchConfigId) ?? 0;
      const tension = 0.8 * before + place.volatility * (random() * 4 - 2);
      tensions.set(place.launchConfigId, tension);
      const strain = Math.exp(tension);
      return {
        atMs: hour * hourMs,
        launchConfigId: place.launchConfigId,
        usdPerHour: Number((place.usdPerHour * strain).toFixed(4)),
        interruptionsPerHour: Number((place.interruptionsPerHour * strain ** 2).toFixed(4)),
        instancesMax: Math.max(0, Math.round((120 + poisson(random, 80)) / strain ** 2)),
      };
    }),
  ).flat();
};
