import { type Clock, seconds } from './clock.ts';
import type { Signal } from './signal.ts';

/** A value is read again after this time, since a wake-up may be lost. */
const knownMs = seconds(10);
const keysMax = 10_000;

interface Known<Value> {
  readonly value: Promise<Value>;
  /** By {@link Clock.elapsed}. */
  readonly readAt: number;
}

/** Keeps in memory what is read often and changes rarely, until a wake-up names it, for at most ten seconds. */
export class BrieflyKnown<Value> {
  readonly #clock: Clock;
  readonly #read: (key: string) => Promise<Value>;
  readonly #known = new Map<string, Known<Value>>();

  /** `changed` is woken with the keys of what has changed, or without keys when anything may have. */
  constructor({ clock, changed }: { clock: Clock; changed: Signal }, read: (key: string) => Promise<Value>) {
    this.#clock = clock;
    this.#read = read;
    changed.each((keys) => {
      if (keys.length === 0) this.#known.clear();
      for (const key of keys) this.#known.delete(key);
    });
  }

  /** The value that `read` returns for this key, or returned some seconds ago. */
  of(key: string): Promise<Value> {
    const there = this.#known.get(key);
    const isFresh = there && this.#clock.elapsed() - there.readAt < knownMs;
    return (isFresh ? there : this.#learn(key)).value;
  }

  #learn(key: string): Known<Value> {
    const fresh = { value: this.#read(key), readAt: this.#clock.elapsed() };
    this.#known.delete(key);
    this.#known.set(key, fresh);
    // A map keeps the order of insertion, so the oldest read is removed first.
    if (this.#known.size > keysMax) this.#known.delete(this.#known.keys().next().value as string);
    fresh.value.catch(() => {
      if (this.#known.get(key) === fresh) this.#known.delete(key);
    });
    return fresh;
  }
}
