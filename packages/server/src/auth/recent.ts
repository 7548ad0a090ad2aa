/** Remembers values by key; the one not used for longest makes room for a new one. */
export class Recent<Value> {
  private readonly values = new Map<string, Value>();
  private readonly sizeMax: number;

  constructor(sizeMax: number) {
    this.sizeMax = sizeMax;
  }

  get(key: string): Value | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    // A map keeps the order of insertion: what is used goes to the end.
    this.values.delete(key);
    this.values.set(key, value);
    return value;
  }

  /** Keeps the value, and answers it. */
  add(key: string, value: Value): Value {
    this.values.set(key, value);
    if (this.values.size > this.sizeMax) this.values.delete(this.values.keys().next().value as string);
    return value;
  }

  clear(): void {
    this.values.clear();
  }

  delete(key: string): void {
    this.values.delete(key);
  }
}
