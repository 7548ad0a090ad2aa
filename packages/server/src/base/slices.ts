import { setImmediate } from 'node:timers/promises';

/** Long work runs for about this long before other work gets its turn. */
const sliceMs = 10;

/** Splits long work into slices, each short enough that other work does not wait for long. */
export interface Slices {
  /** Whether the current slice has lasted long enough. */
  isOver(): boolean;
  /** Lets other work run, then begins the next slice. */
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

/** The results of `work` for each item, in order, computed in slices. Few items take no extra turn. */
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

/** Splits a list into parts of at most this many items. */
export const partsOf = <Item>(items: readonly Item[], sizeMax: number): Item[][] =>
  Array.from({ length: Math.ceil(items.length / sizeMax) }, (_, i) =>
    items.slice(i * sizeMax, (i + 1) * sizeMax),
  );
