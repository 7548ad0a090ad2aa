import type { Queue } from '@taskyard/client';

const namesKeptMax = 10_000;

/** Finds the names of tasks, and reads each only once. Undefined for a task that the caller may not see. */
export class TaskNames {
  readonly #queue: Queue;
  readonly #names = new Map<string, Promise<string | undefined>>();

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  of(taskId: string): Promise<string | undefined> {
    const known = this.#names.get(taskId);
    if (known) return known;
    if (this.#names.size >= namesKeptMax) this.#names.clear();
    const found = this.#queue.task(taskId).then(
      ({ metadata }) => metadata.name,
      () => undefined,
    );
    this.#names.set(taskId, found);
    return found;
  }
}
