interface Kept<Value> {
  readonly value: Value;
  readonly bytes: number;
}

/** What an entry costs besides its key: a value, and its place in a map. */
const entryBytes = 200;

/**
 * Remembers values by key, up to a number of bytes; those not used for longest make room for new ones. `bytesOf` says
 * about how much memory a value takes. A value that would fill more than an eighth by itself is not kept.
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

  /** About how many bytes are kept now. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): Value | undefined {
    const entry = this.#kept.get(key);
    if (entry === undefined) return undefined;
    // A map keeps the order of insertion: what is used goes to the end.
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    return entry.value;
  }

  /** Keeps the value, if it is not too large, and returns it. */
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
