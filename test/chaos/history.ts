/** What a call is about. */
export type Verb = 'create' | 'claim' | 'reclaim' | 'upload' | 'report' | 'read';

/**
 * What a caller was told: that it is done; that it is refused (a status below 500); or nothing that it can rely on, so that
 * the call may have had its effect or not.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown';

/** One attempt of a call, as its caller saw it. */
export interface Entry {
  readonly caller: string;
  readonly verb: Verb;
  /** Milliseconds since 1970, when the request was sent and when its end was known. */
  readonly sent: number;
  readonly ended: number;
  readonly outcome: Outcome;
  /** The state that a reply told, for a report that of its run, otherwise that of the task; or what went wrong. */
  readonly says: string;
  readonly runId?: number;
  /** Until when the reply gave the run to its worker. */
  readonly takenUntil?: number;
  /** The HTTP status of a refusal. */
  readonly status?: number;
  /** How many runs a reply told of. */
  readonly runs?: number;
}

/** A time in which some machine's clock was wrong, or was about to be set right. */
export interface Span {
  readonly from: number;
  to: number;
}

/** Present time. What follows from it is printed; nothing is expected of it. */
export const now = (): number => Date.now();

/** When callers were served again, in milliseconds after a moment. */
export interface Recovery {
  /** The next call that was sent after the moment and acknowledged. */
  readonly next: number;
  /** The same for the last of the callers. */
  readonly all: number;
}

class Watch {
  readonly since: number;
  readonly #callers: number;
  readonly #served = new Map<string, number>();
  constructor(since: number, callers: number) {
    this.since = since;
    this.#callers = callers;
  }

  see({ caller, sent, ended }: Entry): void {
    if (sent >= this.since && !this.#served.has(caller)) this.#served.set(caller, ended - this.since);
  }

  get recovery(): Recovery | undefined {
    if (this.#served.size < this.#callers) return undefined;
    const times = [...this.#served.values()];
    return { next: Math.min(...times), all: Math.max(...times) };
  }
}

/** All calls of a load by task, and when those who create tasks are served again after a fault. */
export class History {
  readonly #tasks = new Map<string, Entry[]>();
  readonly #creators: number;
  #watch: Watch | undefined;
  /** Tasks whose creation was acknowledged. */
  readonly created: string[] = [];
  readonly wrongClocks: Span[] = [];
  readonly counts: Record<Outcome, number> = { acknowledged: 0, refused: 0, unknown: 0 };

  constructor(creators: number) {
    this.#creators = creators;
  }

  /** Adds an attempt to the history of each of the tasks that it was about. */
  add(taskIds: readonly string[], entry: Entry): void {
    this.counts[entry.outcome]++;
    for (const taskId of taskIds) {
      const entries = this.#tasks.get(taskId);
      if (entries) entries.push(entry);
      else this.#tasks.set(taskId, [entry]);
    }
    if (entry.verb !== 'create' || entry.outcome !== 'acknowledged') return;
    this.created.push(...taskIds);
    this.#watch?.see(entry);
  }

  /** Begins to wait for calls that were sent after this moment. */
  watchFrom(moment: number): void {
    this.#watch = new Watch(moment, this.#creators);
  }

  /** Known once each caller that creates tasks was served since the moment of {@link watchFrom}. */
  get recovery(): Recovery | undefined {
    return this.#watch?.recovery;
  }

  of(taskId: string): readonly Entry[] {
    return this.#tasks.get(taskId) ?? [];
  }

  get taskIds(): IterableIterator<string> {
    return this.#tasks.keys();
  }
}
