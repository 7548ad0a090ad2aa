import { type BaseContext, minutes } from '../../base/index.ts';
import { findBehind, type LinePart, type LinePlace } from '../store/index.ts';

/** The head of a line is read again after this many taken runs: between two reads, a claim walks over at most these. */
const readAfterRuns = 4;
/** The heads of at most this many task queues are remembered. */
const queuesMax = 1000;
/** After a look behind the heads there is none for this many times as long as it took. */
const restFactor = 50;
/** The rest is no longer than this: while the database is slow, a look may take long that has little to read. */
const restMaxMs = minutes(1);
/** The priority after the least urgent one. */
const endOfLine = 7;

/** What is remembered of the line of a task queue. */
interface KnownLine {
  /** By priority: no run of it that could be handed out has an earlier position. */
  readonly positions: Map<number, number>;
  /** How many runs were taken since the line was last read. */
  taken: number;
  /** Whether runs were taken since the last look behind its heads. */
  isInUse: boolean;
}

/**
 * Where the lines of task queues begin, so that a claim does not walk over the rows of runs that have left the line.
 * PostgreSQL removes these rows only when no session can see them any more, which a long report or a backup delays.
 *
 * A head is the place of the first run that a statement found in the line: what is before it has left the line, or was not
 * committed yet. A run that is committed later is announced with its place (`placesTaken`), and moves the head back. An
 * announcement from another process may be lost; {@link Heads.lookBehind} finds such runs.
 */
export class Heads {
  readonly #lines = new Map<string, KnownLine>();
  /** For each read in progress: the places that were announced meanwhile, and so may be missing in what it returns. */
  readonly #reads = new Set<Announced>();
  #lookAgainAt = Number.NEGATIVE_INFINITY;

  /** The parts of the line of a task queue in which runs may be, in order. */
  partsOf(taskQueueId: string): LinePart[] {
    const positions = this.#lines.get(taskQueueId)?.positions ?? new Map<number, number>();
    const heads = [...positions].sort(([a], [b]) => a - b);
    return [[0, 0] as const, ...heads]
      .map(([fromPriority, fromPosition], i) => ({
        taskQueueId,
        fromPriority,
        fromPosition,
        untilPriority: heads[i]?.[0] ?? endOfLine,
      }))
      .filter(({ fromPriority, untilPriority }) => fromPriority < untilPriority);
  }

  /** Those of some task queues whose heads are to be read again. */
  due(taskQueueIds: readonly string[]): string[] {
    return taskQueueIds.filter((id) => (this.#lines.get(id)?.taken ?? 0) >= readAfterRuns);
  }

  /** Reads the heads of some task queues; `find` returns the first run of each part of a line. */
  async read(
    taskQueueIds: readonly string[],
    find: (parts: readonly LinePart[]) => Promise<readonly LinePlace[]>,
  ): Promise<void> {
    const announced: Announced = { isAll: false, positions: new Map() };
    this.#reads.add(announced);
    for (const id of taskQueueIds) this.#lineOf(id).taken = 0;
    try {
      for (const { taskQueueId, priority, position } of await find(
        taskQueueIds.flatMap((id) => this.partsOf(id)),
      )) {
        const earliest = announced.positions.get(taskQueueId) ?? Number.POSITIVE_INFINITY;
        if (!announced.isAll && position <= earliest)
          this.#lineOf(taskQueueId).positions.set(priority, position);
      }
    } finally {
      this.#reads.delete(announced);
    }
  }

  /** Notes that runs were taken: the task queue of each. */
  took(taskQueueIds: readonly string[]): void {
    for (const id of taskQueueIds) {
      const line = this.#lineOf(id);
      line.taken++;
      line.isInUse = true;
    }
  }

  /** Heeds announcements, each `<taskQueueId>@<position>`. None at all says that some were missed. */
  heed(announcements: readonly string[]): void {
    if (announcements.length === 0) {
      this.#lines.clear();
      for (const read of this.#reads) read.isAll = true;
    }
    for (const announcement of announcements) {
      const [taskQueueId = '', position] = announcement.split('@');
      this.#moveBack(taskQueueId, Number(position ?? 0));
    }
  }

  /**
   * Finds runs behind the heads of these task queues and of those from which runs were taken since the last look, and moves
   * the heads back to them. It reads all that has left the line, so it is done less often the longer it takes. Returns the
   * task queues with such runs.
   */
  async lookBehind(
    { db, clock }: Pick<BaseContext, 'db' | 'clock'>,
    taskQueueIds: readonly string[],
  ): Promise<string[]> {
    const started = performance.now();
    if (started < this.#lookAgainAt) return [];
    const places = this.#headsOf(new Set(taskQueueIds));
    if (places.length === 0) return [];
    const hidden = await findBehind(db, places, clock.now());
    const ended = performance.now();
    this.#lookAgainAt = ended + Math.min(restMaxMs, restFactor * (ended - started));
    for (const { taskQueueId, position } of hidden) this.#moveBack(taskQueueId, position);
    return hidden.map(({ taskQueueId }) => taskQueueId);
  }

  #headsOf(taskQueueIds: ReadonlySet<string>): LinePlace[] {
    const chosen = [...this.#lines].filter(([id, { isInUse }]) => isInUse || taskQueueIds.has(id));
    for (const [, line] of chosen) line.isInUse = false;
    return chosen.flatMap(([taskQueueId, { positions }]) =>
      [...positions].map(([priority, position]) => ({ taskQueueId, priority, position })),
    );
  }

  #moveBack(taskQueueId: string, position: number): void {
    for (const { positions } of this.#reads)
      positions.set(taskQueueId, Math.min(position, positions.get(taskQueueId) ?? position));
    const heads = this.#lines.get(taskQueueId)?.positions ?? [];
    for (const [priority, head] of heads)
      this.#lines.get(taskQueueId)?.positions.set(priority, Math.min(head, position));
  }

  #lineOf(taskQueueId: string): KnownLine {
    const known = this.#lines.get(taskQueueId);
    if (known) return known;
    const line: KnownLine = { positions: new Map(), taken: 0, isInUse: false };
    this.#lines.set(taskQueueId, line);
    const [oldest] = this.#lines.keys();
    if (this.#lines.size > queuesMax && oldest !== undefined) this.#lines.delete(oldest);
    return line;
  }
}

interface Announced {
  isAll: boolean;
  readonly positions: Map<string, number>;
}
