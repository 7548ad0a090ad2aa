import type { WorkerFacts } from '../facts.ts';
import type { Place } from './market.ts';
import type { Random } from './random.ts';

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

/** A worker as the simulation sees it. The decider sees the part that it knows. */
export interface SimulatedWorker extends Changing<WorkerFacts> {
  readonly place: Place;
  readonly tasks: Set<number>;
  isGone: boolean;
  /** Changes with each task that it takes: an older look at its idleness is void. */
  busyness: number;
  /** Changes each time the moment of its interruption is drawn again. */
  threats: number;
  /** Up to when its time and money are counted. */
  countedUntilMs: number;
  countedUsd: number;
  /** Its index in the list of all workers, and in that of workers with a free place; -1 where it is in none. */
  allAt: number;
  freeAt: number;
}

/** Time and money of all workers, by purpose. Times are those of places: a worker of four counts four times. */
export interface Spending {
  usd: number;
  idleUsd: number;
  bootUsd: number;
  placeMs: number;
  idleMs: number;
  bootMs: number;
}

type Index = 'allAt' | 'freeAt';

const put = (list: SimulatedWorker[], worker: SimulatedWorker, index: Index): void => {
  if (worker[index] >= 0) return;
  worker[index] = list.length;
  list.push(worker);
};

/** The last one takes the place of the one that leaves. */
const cut = (list: SimulatedWorker[], worker: SimulatedWorker, index: Index): void => {
  const at = worker[index];
  if (at < 0) return;
  const last = list.pop();
  if (last && last !== worker) {
    list[at] = last;
    last[index] = at;
  }
  worker[index] = -1;
};

/** The workers of a pool. */
export interface Fleet {
  readonly workers: readonly SimulatedWorker[];
  readonly spending: Spending;
  /** How many workers there have been. */
  started(): number;
  find(workerId: string): SimulatedWorker | undefined;
  start(place: Place, nowMs: number): SimulatedWorker;
  register(worker: SimulatedWorker, nowMs: number): void;
  /** Any worker with a free place: the first one that asks gets the task. */
  anyFree(random: Random): SimulatedWorker | undefined;
  assign(worker: SimulatedWorker, task: number, nowMs: number): void;
  finish(worker: SimulatedWorker, task: number, nowMs: number): void;
  setDraining(worker: SimulatedWorker, isDraining: boolean): void;
  end(worker: SimulatedWorker, nowMs: number): void;
  /** Counts all up to now. */
  count(nowMs: number): void;
}

const countUp = (spending: Spending, worker: SimulatedWorker, nowMs: number): void => {
  const usd = worker.place.usdUntil(nowMs);
  const [paid, ms] = [usd - worker.countedUsd, nowMs - worker.countedUntilMs];
  const { capacity } = worker;
  spending.usd += paid;
  spending.placeMs += ms * capacity;
  if (worker.state === 'requested') {
    spending.bootUsd += paid;
    spending.bootMs += ms * capacity;
  } else {
    spending.idleUsd += paid * (1 - worker.runningTasks / capacity);
    spending.idleMs += ms * (capacity - worker.runningTasks);
  }
  worker.countedUntilMs = nowMs;
  worker.countedUsd = usd;
};

const newWorker = (place: Place, { number, nowMs }: { number: number; nowMs: number }): SimulatedWorker => ({
  workerGroup: 'simulated',
  workerId: String(number),
  launchConfigId: place.config.launchConfigId,
  state: 'requested',
  capacity: place.config.capacityPerInstance,
  runningTasks: 0,
  createdAtMs: nowMs,
  idleSinceMs: undefined,
  isQuarantined: false,
  isDraining: false,
  mayLeave: false,
  place,
  tasks: new Set(),
  isGone: false,
  busyness: 0,
  threats: 0,
  countedUntilMs: nowMs,
  countedUsd: place.usdUntil(nowMs),
  allAt: -1,
  freeAt: -1,
});

class SimulatedFleet implements Fleet {
  readonly workers: SimulatedWorker[] = [];
  readonly spending: Spending = { usd: 0, idleUsd: 0, bootUsd: 0, placeMs: 0, idleMs: 0, bootMs: 0 };
  readonly #billedMsMin: number;
  readonly #free: SimulatedWorker[] = [];
  readonly #byId = new Map<string, SimulatedWorker>();
  #started = 0;

  constructor(billedMsMin: number) {
    this.#billedMsMin = billedMsMin;
  }

  started(): number {
    return this.#started;
  }

  find(workerId: string): SimulatedWorker | undefined {
    return this.#byId.get(workerId);
  }

  start(place: Place, nowMs: number): SimulatedWorker {
    this.#started += 1;
    const worker = newWorker(place, { number: this.#started, nowMs });
    place.instances += 1;
    put(this.workers, worker, 'allAt');
    this.#byId.set(worker.workerId, worker);
    return worker;
  }

  register(worker: SimulatedWorker, nowMs: number): void {
    countUp(this.spending, worker, nowMs);
    worker.state = 'running';
    worker.idleSinceMs = nowMs;
    this.#sortIn(worker);
  }

  anyFree(random: Random): SimulatedWorker | undefined {
    return this.#free[Math.floor(random() * this.#free.length)];
  }

  assign(worker: SimulatedWorker, task: number, nowMs: number): void {
    countUp(this.spending, worker, nowMs);
    worker.tasks.add(task);
    worker.runningTasks += 1;
    worker.busyness += 1;
    worker.idleSinceMs = undefined;
    this.#sortIn(worker);
  }

  finish(worker: SimulatedWorker, task: number, nowMs: number): void {
    countUp(this.spending, worker, nowMs);
    worker.tasks.delete(task);
    worker.runningTasks -= 1;
    if (worker.runningTasks === 0) worker.idleSinceMs = nowMs;
    this.#sortIn(worker);
  }

  setDraining(worker: SimulatedWorker, isDraining: boolean): void {
    worker.isDraining = isDraining;
    this.#sortIn(worker);
  }

  end(worker: SimulatedWorker, nowMs: number): void {
    countUp(this.spending, worker, nowMs);
    const unusedMs = Math.max(0, this.#billedMsMin - (nowMs - worker.createdAtMs));
    const unusedUsd = (worker.place.usdPerHour() * unusedMs) / 3_600_000;
    this.spending.usd += unusedUsd;
    this.spending.idleUsd += unusedUsd;
    worker.isGone = true;
    worker.place.instances -= 1;
    worker.place.ran(nowMs - worker.createdAtMs);
    cut(this.workers, worker, 'allAt');
    this.#byId.delete(worker.workerId);
    this.#sortIn(worker);
  }

  count(nowMs: number): void {
    for (const worker of this.workers) countUp(this.spending, worker, nowMs);
  }

  #sortIn(worker: SimulatedWorker): void {
    const hasRoom = worker.state === 'running' && !worker.isDraining && worker.runningTasks < worker.capacity;
    if (hasRoom && !worker.isGone) put(this.#free, worker, 'freeAt');
    else cut(this.#free, worker, 'freeAt');
  }
}

/** An empty fleet. Each of its instances is paid for at least this many milliseconds. */
export const openFleet = (billedMsMin: number): Fleet => new SimulatedFleet(billedMsMin);
