import { type Loop, localSignal, minutes, type Signal, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { type ProvisioningRound, provision } from './service/index.ts';
import type { Timings } from './subscription.ts';

/** The shortest time between two rounds: a burst of tasks is decided about together. */
const betweenRoundsMs = seconds(1);
/** How often all pools are looked at, in case a wake-up was lost. */
const wholeEveryMs = minutes(1);

/**
 * Which pools this process decides about, and when: every ten seconds those that something has happened to, or that wait
 * for a time; at once those in which a task has become pending, or which were changed; once a minute all of them. For
 * the others no statement is sent. A wake-up decides only how soon a pool is looked at.
 *
 * A pool rests when its last round has found nothing to do, until the time that this round has named
 * ({@link ProvisioningRound.resting}), or until it is woken.
 */
export class Rounds {
  readonly #context: Context;
  readonly #timings: Timings;
  readonly #due: Signal = localSignal();
  /** All that are decided about at some time, and whether it counts how long their tasks take. */
  readonly #known = new Map<string, { readonly isTimed: boolean }>();
  /** Until when pools are left alone, in milliseconds since 1970. */
  readonly #resting = new Map<string, number>();
  /** To be decided about at once. */
  readonly #wanted = new Set<string>();
  /** To be looked at in the next round: kept apart from those that rest, since a round may be in progress. */
  readonly #touched = new Set<string>();
  #isWaking = false;
  #isDeciding = false;
  #lastMs = 0;
  #wholeMs = Number.NEGATIVE_INFINITY;
  #isListening = false;

  constructor(context: Context, timings: Timings) {
    this.#context = context;
    this.#timings = timings;
  }

  /** Not before the first step: a process without loops decides about nothing, and would keep all that it hears. */
  #listen(): void {
    if (this.#isListening) return;
    this.#isListening = true;
    const context = this.#context;
    context.pendingChanged.each((ids) => this.#want(this.#among(ids)));
    context.poolsChanged.each((ids) => this.#change(ids));
    context.poolsTouched.each((ids) => this.#touch(this.#among(ids)));
    context.quarantinesChanged.each(() => this.#touch(this.#among([])));
  }

  /** The loop that decides about pools. */
  get loop(): Loop {
    return {
      name: 'provision',
      everyMs: seconds(10),
      limit: 200,
      wakeBy: this.#due,
      step: (limit) => this.#step(limit),
    };
  }

  /**
   * A wake-up without ids is for all: some were missed. Task queues without a pool, and garbled names, are left out; but
   * a round in progress may be finding a pool that is not known yet.
   */
  #among(ids: readonly string[]): readonly string[] {
    if (ids.length === 0) return [...this.#known.keys()];
    return ids.filter((id) => this.#isDeciding || this.#known.has(id));
  }

  #want(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#wanted.add(id);
    this.#wakeSoon();
  }

  #touch(ids: readonly string[]): void {
    for (const id of ids) this.#touched.add(id);
  }

  #change(ids: readonly string[]): void {
    // A pool that nobody here knows yet is found by looking at all.
    if (ids.length === 0 || ids.some((id) => !this.#known.has(id))) this.#wholeMs = Number.NEGATIVE_INFINITY;
    for (const id of ids) this.#wanted.add(id);
    this.#wakeSoon();
  }

  #wakeSoon(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    const { clock } = this.#context;
    const agoMs = clock.now().getTime() - this.#lastMs;
    // A clock that was set back is no reason to wait for longer.
    clock.after(Math.min(betweenRoundsMs, Math.max(0, betweenRoundsMs - agoMs)), () => {
      this.#isWaking = false;
      this.#due.wake();
    });
  }

  async #step(limit: number): Promise<number> {
    this.#listen();
    const nowMs = this.#context.clock.now().getTime();
    this.#lastMs = nowMs;
    const atOnce = [...this.#wanted];
    this.#wanted.clear();
    this.#rouse([...atOnce, ...this.#touched], nowMs);
    this.#touched.clear();
    // A clock that was set back is no reason to wait.
    const isWhole = nowMs - this.#wholeMs >= wholeEveryMs || nowMs < this.#wholeMs;
    const among = isWhole ? null : [...this.#known.keys()].filter((id) => !this.#resting.has(id));
    if (among?.length === 0) return 0;
    if (isWhole) {
      this.#wholeMs = nowMs;
      this.#resting.clear();
    }
    this.#isDeciding = true;
    try {
      const round = await this.#decide({ among, atOnce, limit });
      this.#learn(round, among);
      return round.count;
    } finally {
      this.#isDeciding = false;
    }
  }

  /** Ends the rest of these pools, and of those whose time has come. */
  #rouse(ids: readonly string[], nowMs: number): void {
    for (const id of ids) this.#resting.delete(id);
    for (const [id, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(id);
  }

  async #decide(asked: {
    readonly among: readonly string[] | null;
    readonly atOnce: readonly string[];
    readonly limit: number;
  }): Promise<ProvisioningRound> {
    try {
      return await provision(this.#context, asked);
    } catch (error) {
      // The step is repeated: nothing that it was to look at is forgotten.
      for (const id of asked.atOnce) this.#wanted.add(id);
      if (asked.among === null) this.#wholeMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  #learn({ pools, resting }: ProvisioningRound, among: readonly string[] | null): void {
    const found = new Set(pools.map(({ workerPoolId }) => workerPoolId));
    for (const id of among ?? [...this.#known.keys()]) if (!found.has(id)) this.#forget(id);
    for (const { workerPoolId, isTimed } of pools) this.#known.set(workerPoolId, { isTimed });
    for (const [id, untilMs] of resting) this.#resting.set(id, untilMs);
    const timed = [...this.#known].flatMap(([id, { isTimed }]) => (isTimed ? [id] : []));
    this.#timings.follow(timed.toSorted());
  }

  #forget(workerPoolId: string): void {
    this.#known.delete(workerPoolId);
    this.#resting.delete(workerPoolId);
  }
}
