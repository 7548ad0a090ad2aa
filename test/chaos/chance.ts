import { createHash } from 'node:crypto';

/** Chance that repeats itself: a seed gives the same answers in the same order, on every machine. */
export interface Chance {
  /** A whole number from `first` to `last`. */
  integer(first: number, last: number): number;
  /** The list in another order. */
  shuffled<T>(list: readonly T[]): T[];
}

/** The chance of a seed. */
export const chanceOf = (seed: number): Chance => {
  let asked = 0;
  const integer = (first: number, last: number): number => {
    const drawn = createHash('sha256').update(`${seed}:${asked++}`).digest().readUInt32BE(0);
    return first + (drawn % (last - first + 1));
  };
  return {
    integer,
    shuffled: (list) => {
      const left = [...list];
      return list.flatMap(() => left.splice(integer(0, left.length - 1), 1));
    },
  };
};
