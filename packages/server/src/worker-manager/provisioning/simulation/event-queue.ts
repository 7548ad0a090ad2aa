interface Timed {
  readonly atMs: number;
}

interface Entry<Event> {
  readonly event: Event;
  readonly order: number;
}

/** Things that are to happen, in order of time; those of one time in the order in which they were added. */
export interface EventQueue<Event extends Timed> {
  add(event: Event): void;
  /** When the next one happens; infinity when there is none. */
  nextAtMs(): number;
  take(): Event | undefined;
}

/** A binary heap: adding and taking take the logarithm of what waits. */
export const eventQueue = <Event extends Timed>(): EventQueue<Event> => {
  const heap: Entry<Event>[] = [];
  let added = 0;
  const isBefore = (a: Entry<Event>, b: Entry<Event>): boolean =>
    a.event.atMs < b.event.atMs || (a.event.atMs === b.event.atMs && a.order < b.order);
  return {
    add: (event) => {
      const entry = { event, order: added++ };
      let at = heap.length;
      for (;;) {
        const parentAt = (at - 1) >> 1;
        const parent = heap[parentAt];
        if (at === 0 || !parent || !isBefore(entry, parent)) break;
        heap[at] = parent;
        at = parentAt;
      }
      heap[at] = entry;
    },
    nextAtMs: () => heap[0]?.event.atMs ?? Number.POSITIVE_INFINITY,
    take: () => {
      const [first] = heap;
      const last = heap.pop();
      if (!first || !last || heap.length === 0) return first?.event;
      let at = 0;
      for (;;) {
        const left = heap[2 * at + 1];
        const right = heap[2 * at + 2];
        const isRight = left !== undefined && right !== undefined && isBefore(right, left);
        const child = isRight ? right : left;
        if (!child || !isBefore(child, last)) break;
        heap[at] = child;
        at = 2 * at + (isRight ? 2 : 1);
      }
      heap[at] = last;
      return first.event;
    },
  };
};
