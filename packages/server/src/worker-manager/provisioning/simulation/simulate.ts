import { decide } from '../decide.ts';
import { type Decision, sum } from '../decision.ts';
import { floorOf, withoutOptions } from '../scaling.ts';
import { type Backlog, openBacklog } from './backlog.ts';
import { eventQueue } from './event-queue.ts';
import { type Fleet, openFleet, type SimulatedWorker } from './fleet.ts';
import { openPlace, type Place } from './market.ts';
import { type Outcome, type Recorder, recorder } from './outcome.ts';
import { exponential, logNormal, type Random, seeded } from './random.ts';
import type { Setup, SimulatedLaunchConfig } from './setup.ts';
import type { MarketChange, Trace } from './trace.ts';

const hourMs = 3_600_000;
/** The number of tasks from which the server tells how long tasks take. */
const tasksRememberedMax = 200;
/** A pool that runs nothing is given up this long after its last task has come. */
const patienceMs = 24 * hourMs;
/** A simulation whose tasks are always interrupted is given up once it has lasted this many times its longest task. */
const triesMax = 20;

type Event =
  | Happening<'boots'>
  | (Happening<'is taken away'> & { readonly threat: number })
  | (Happening<'ends'> & { readonly task: number })
  | (Happening<'asks'> & { readonly busyness: number });
interface Happening<What extends string> {
  readonly atMs: number;
  readonly what: What;
  readonly worker: SimulatedWorker;
}

interface World {
  readonly trace: Trace;
  readonly setup: Setup;
  readonly places: ReadonlyMap<string, Place>;
  readonly fleet: Fleet;
  readonly backlog: Backlog;
  readonly events: ReturnType<typeof eventQueue<Event>>;
  readonly record: Recorder;
  readonly random: Readonly<Record<'boot' | 'market' | 'turn' | 'decision', Random>>;
  /** Runs that are claimed. */
  claimed: number;
  /** How long tasks take, as the server remembers it, and by how many of them. */
  usual: { tasks: number; meanMs: number };
}

/** A pool, its tasks, and chance. */
export interface Simulation {
  readonly trace: Trace;
  readonly setup: Setup;
  /** How the market changes, in order of time. */
  readonly market?: readonly MarketChange[];
  readonly seed?: number;
}

/** The pool with the options that it has, and as the original would provision it: the same load, market and chance. */
export const compare = (simulation: Simulation): { readonly original: Outcome; readonly ours: Outcome } => ({
  original: simulate({ ...simulation, setup: asOriginal(simulation.setup) }),
  ours: simulate(simulation),
});

const asOriginal = (setup: Setup): Setup => ({
  ...setup,
  scaling: withoutOptions(setup.scaling),
  launchConfigs: setup.launchConfigs.map(
    ({ maxPricePerUtility: _most, minPricePerUtility: _least, ...config }): SimulatedLaunchConfig => config,
  ),
});

/** Replays a trace with a clock of its own: the function that decides is the one of the server, and knows as much. */
export const simulate = ({ trace, setup, market = [], seed = 1 }: Simulation): Outcome => {
  const { startsAtMs } = setup;
  const world: World = {
    trace: { ...trace, atMs: trace.atMs.map((atMs) => startsAtMs + atMs) },
    setup,
    places: new Map(
      setup.launchConfigs.map((config) => [config.launchConfigId, openPlace(config, startsAtMs)]),
    ),
    fleet: openFleet(setup.billedMsMin),
    backlog: openBacklog(),
    events: eventQueue<Event>(),
    record: recorder(startsAtMs),
    random: {
      boot: seeded(4 * seed),
      market: seeded(4 * seed + 1),
      turn: seeded(4 * seed + 2),
      decision: seeded(4 * seed + 3),
    },
    claimed: 0,
    usual: { tasks: 0, meanMs: 0 },
  };
  const endMs = run(
    world,
    market.map((change) => ({ ...change, atMs: startsAtMs + change.atMs })),
  );
  world.fleet.count(endMs);
  return world.record.outcome(world.fleet, endMs);
};

const run = (world: World, market: readonly MarketChange[]): number => {
  const { trace, setup, events, backlog } = world;
  const lastMs = trace.atMs.at(-1) ?? 0;
  const longestMs = trace.durationMs.reduce((longest, ms) => Math.max(longest, ms), 0);
  let [arrived, changed, roundAtMs] = [0, 0, setup.startsAtMs];
  for (;;) {
    const arrivalMs = trace.atMs[arrived] ?? Number.POSITIVE_INFINITY;
    const changeMs = market[changed]?.atMs ?? Number.POSITIVE_INFINITY;
    const nowMs = Math.min(arrivalMs, changeMs, events.nextAtMs(), roundAtMs);
    if (nowMs === changeMs) changeMarket(world, market[changed++] as MarketChange, nowMs);
    else if (nowMs === arrivalMs) arrive(world, arrived++, nowMs);
    else if (nowMs < roundAtMs) happen(world, events.take() as Event);
    else {
      decideAndAct(world, nowMs);
      roundAtMs += setup.roundMs;
      const isDone = arrived === trace.atMs.length && backlog.size() + world.claimed === 0;
      if (isDone && hasShrunk(world, nowMs)) return nowMs;
      const givenUpMs = lastMs + patienceMs + (world.claimed > 0 ? triesMax * longestMs : 0);
      if (nowMs > givenUpMs) return nowMs;
    }
  }
};

/** Whether the pool has ended the workers of its last tasks; it gets at most an hour for that. */
const hasShrunk = ({ fleet, setup, trace }: World, nowMs: number): boolean => {
  return (
    capacityOf(fleet) <= floorOf(setup.scaling, nowMs).capacity || nowMs > (trace.atMs.at(-1) ?? 0) + hourMs
  );
};

const capacityOf = ({ workers }: Fleet): number => sum(workers, ({ capacity }) => capacity);

const changeMarket = (world: World, change: MarketChange, nowMs: number): void => {
  const place = world.places.get(change.launchConfigId);
  if (!place) return;
  const before = place.interruptionsPerHour;
  place.change(change, nowMs);
  if (before === place.interruptionsPerHour) return;
  for (const worker of world.fleet.workers) {
    if (worker.place === place && worker.state === 'running') threaten(world, worker, nowMs);
  }
};

/** Draws the time at which an instance is interrupted. It is drawn again when the market changes: chance does not remember. */
const threaten = ({ random, events }: World, worker: SimulatedWorker, nowMs: number): void => {
  const { interruptionsPerHour } = worker.place;
  worker.threats += 1;
  if (interruptionsPerHour === 0) return;
  const atMs = nowMs + exponential(random.market, hourMs / interruptionsPerHour);
  events.add({ atMs, what: 'is taken away', worker, threat: worker.threats });
};

const arrive = (world: World, task: number, nowMs: number): void => {
  const worker = world.backlog.size() === 0 ? world.fleet.anyFree(world.random.turn) : undefined;
  if (worker) begin(world, { worker, task, waitedMs: 0 }, nowMs);
  else world.backlog.add(task, nowMs);
};

const begin = (
  world: World,
  { worker, task, waitedMs }: { worker: SimulatedWorker; task: number; waitedMs: number },
  nowMs: number,
): void => {
  world.fleet.assign(worker, task, nowMs);
  world.claimed += 1;
  world.record.waited(waitedMs);
  world.events.add({ atMs: nowMs + (world.trace.durationMs[task] ?? 0), what: 'ends', worker, task });
};

/** A worker with free places asks for work. */
const askForWork = (world: World, worker: SimulatedWorker, nowMs: number): void => {
  while (worker.freeAt >= 0) {
    const next = world.backlog.take(nowMs);
    if (!next) break;
    begin(world, { worker, ...next }, nowMs);
  }
  if (worker.runningTasks === 0 && !worker.isGone) {
    const { busyness } = worker;
    world.events.add({ atMs: nowMs + world.setup.idleTimeoutMs, what: 'asks', worker, busyness });
  }
};

const happen = (world: World, event: Event): void => {
  const { worker, atMs } = event;
  if (worker.isGone) return;
  if (event.what === 'boots') {
    worker.place.booted(atMs - worker.createdAtMs);
    world.fleet.register(worker, atMs);
    threaten(world, worker, atMs);
    askForWork(world, worker, atMs);
  } else if (event.what === 'ends') {
    world.fleet.finish(worker, event.task, atMs);
    world.claimed -= 1;
    world.record.finished();
    rememberTime(world.usual, world.trace.durationMs[event.task] ?? 0);
    askForWork(world, worker, atMs);
  } else if (event.what === 'is taken away') {
    if (worker.threats === event.threat) lose(world, worker, atMs);
  } else if (worker.busyness === event.busyness) {
    if (worker.mayLeave) world.fleet.end(worker, atMs);
    else askForWork(world, worker, atMs);
  }
};

const rememberTime = (usual: World['usual'], ms: number): void => {
  const weight = Math.min(usual.tasks, tasksRememberedMax);
  usual.meanMs = (weight * usual.meanMs + ms) / (weight + 1);
  usual.tasks = weight + 1;
};

/** The tasks of a worker that is taken away wait again, from their beginning. */
const lose = (world: World, worker: SimulatedWorker, nowMs: number): void => {
  world.record.interrupted();
  worker.place.interrupted();
  world.fleet.end(worker, nowMs);
  world.claimed -= worker.runningTasks;
  for (const task of worker.tasks) arrive(world, task, nowMs);
};

const decideAndAct = (world: World, nowMs: number): void => {
  const { fleet, backlog, places, claimed, setup, usual } = world;
  const facts = {
    workerPoolId: 'simulated/pool',
    scaling: setup.scaling,
    launchConfigs: [...places.values()].map((place) => place.facts(nowMs)),
    pending: backlog.byAge(nowMs),
    claimed,
    workers: fleet.workers,
    taskMs: usual.tasks > 0 ? usual.meanMs : undefined,
  };
  for (const decision of decide(facts, { nowMs, random: world.random.decision })) act(world, decision, nowMs);
  world.record.round({ atMs: nowMs, pending: backlog.size(), claimed, capacity: capacityOf(fleet) });
};

const act = (world: World, decision: Decision, nowMs: number): void => {
  const { action } = decision;
  if (action === 'wait') return;
  if (action === 'launch') {
    launch(world, decision, nowMs);
    return;
  }
  const worker = world.fleet.find(decision.worker.workerId);
  if (!worker) return;
  if (action === 'may-leave' || action === 'stay') worker.mayLeave = action === 'may-leave';
  else if (action === 'terminate') {
    if (worker.runningTasks === 0) world.fleet.end(worker, nowMs);
  } else {
    world.fleet.setDraining(worker, action === 'drain');
    if (action === 'resume') askForWork(world, worker, nowMs);
  }
};

const launch = (
  world: World,
  { launchConfigId, count }: { launchConfigId: string; count: number },
  nowMs: number,
): void => {
  const place = world.places.get(launchConfigId);
  if (!place) return;
  const { bootP50Ms, bootP95Ms } = place.config;
  const started = Math.min(count, Math.max(0, place.instancesMax - place.instances));
  if (started < count) place.failed(nowMs);
  for (let i = 0; i < started; i++) {
    const worker = world.fleet.start(place, nowMs);
    const atMs = nowMs + logNormal(world.random.boot, bootP50Ms, bootP95Ms);
    world.events.add({ atMs, what: 'boots', worker });
  }
};
