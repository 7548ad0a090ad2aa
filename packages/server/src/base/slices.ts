import { setImmediate } from 'node:timers/promises';

/** Work that takes long goes on for about so long before others have their turn. */
const sliceMs = 10;

/** One piece of work after the other, each short enough that nobody else waits for long. */
export interface Slices {
  /** Has the present one lasted long enough? */
  isOver(): boolean;
  /** Lets whatever waits have its turn, and begins the next one. */
  rest(): Promise<void>;
}

/** Begins the first slice of some work. */
export const slices = (): Slices => {
  let since = performance.now();
  return {
    isOver: () => performance.now() - since >= sliceMs,
    rest: async () => {
      await setImmediate();
      since = performance.now();
    },
  };
};

/** What `work` makes of each item, in order, in slices. A few items are done at once. */
export const inSlices = async <In, Out>(
  items: readonly In[],
  work: (item: In, index: number) => Out,
): Promise<Out[]> => {
  const results: Out[] = [];
  const turns = slices();
  for (const [i, item] of items.entries()) {
    if (turns.isOver()) await turns.rest();
    results.push(work(item, i));
  }
  return results;
};

/** Parts of a list, each of at most so many items. */
export const partsOf = <Item>(items: readonly Item[], sizeMax: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / sizeMax) }, (_, i) =>
    items.slice(i * sizeMax, (i + 1) * sizeMax),
  );
