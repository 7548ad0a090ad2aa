interface Kept<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/** The approximate size of an entry without its key, in bytes. */
const entryBytes = 200;

/**
 * A cache that is bounded by bytes and drops the least recently used values. `bytesOf` returns the approximate size of a
 * value. A value that would fill more than an eighth of the cache is not kept.
 */
export class Recent<Value> {
  readonly #kept = new Map<string, Kept<Value>>();
  readonly #bytesMax: number;
  readonly #bytesOf: (value: Value) => number;
  #bytes = 0;

  constructor(bytesMax: number, bytesOf: (value: Value) => number) {
    this.#bytesMax = bytesMax;
    this.#bytesOf = bytesOf;
  }

  /** The approximate size of the cache now, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Value | undefined {
    const entry = this.#kept.get(key);
    if (entry === undefined) return undefined;
    // A map keeps the order of insertion, so a used entry moves to the end.
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    return entry.value;
  }

  /** Caches the value, unless it is too large, and returns it. */
  add(key: string, value: Value): Value {
    this.delete(key);
    const bytes = entryBytes + key.length + this.#bytesOf(value);
    if (bytes > this.#bytesMax / 8) return value;
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.delete(oldest);
    }
    return value;
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  delete(key: string): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
