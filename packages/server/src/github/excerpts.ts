import type { Excerpt } from './excerpt.ts';

const excerptsMax = 200;

/** Lines of logs that were found lately, by task and run: a log does not change, and may have gigabytes. */
export class Excerpts {
  readonly #found = new Map<string, Excerpt>();

  /** What is known of a run, or what reading brings; where there are no lines, or none can be read, it is read again. */
  async of(run: string, read: () => Promise<Excerpt | undefined>): Promise<Excerpt | undefined> {
    const known = this.#found.get(run);
    if (known) return known;
    const found = await read();
    if (!found?.lines.length) return found;
    this.#found.set(run, found);
    const [oldest] = this.#found.keys();
    if (oldest !== undefined && this.#found.size > excerptsMax) this.#found.delete(oldest);
    return found;
  }
}
