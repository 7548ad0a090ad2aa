import type { Clock } from './clock.ts';
import type { Slots } from './slots.ts';

/** Knows for how long a worker has had no task. */
export class Idleness {
  readonly #clock: Clock;
  readonly #slots: Slots;
  readonly #timeoutMs: number;
  #since: number;
  #isWatching = false;

  constructor(timeoutMs: number, { clock, slots }: { clock: Clock; slots: Slots }) {
    this.#clock = clock;
    this.#slots = slots;
    this.#timeoutMs = timeoutMs;
    this.#since = clock.now().getTime();
  }

  /** Counts again from now. */
  restart(): void {
    this.#since = this.#clock.now().getTime();
  }

  /** To be called when tasks have begun: the time counts from the end of the last of them. */
  interrupt(): void {
    // One watch for all: a worker may have tasks for weeks without a pause.
    if (this.#isWatching) return;
    this.#isWatching = true;
    void this.#slots.emptied().then(() => {
      this.#isWatching = false;
      this.restart();
      // Others may have begun just now.
      if (this.#slots.occupations.length > 0) this.interrupt();
    });
  }

  /** Whether the worker has had no task for as long as it may. */
  isOver(): boolean {
    if (this.#slots.occupations.length > 0) return false;
    return this.#clock.now().getTime() - this.#since >= this.#timeoutMs;
  }
}
