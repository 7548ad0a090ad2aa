import { chanceOf } from './chance.ts';

/** A fault that will be made. */
export interface PlannedFault {
  readonly kind: string;
  /** Which of several targets it strikes: this one, counted round and round. */
  readonly target: number;
  /** How many calls are answered between the recovery from the fault before and this one. */
  readonly calls: number;
  /** How long it lasts, if its kind does. */
  readonly lastsMs: number;
}

/**
 * The faults of a seed. Kinds are dealt like cards: each comes once before any comes again. A plan does not depend on what
 * the machine can do, so that a seed means the same everywhere.
 */
export const planOf = (seed: number, kinds: readonly string[], count: number): PlannedFault[] => {
  const chance = chanceOf(seed);
  let deck: string[] = [];
  return Array.from({ length: count }, () => {
    if (deck.length === 0) deck = chance.shuffled(kinds);
    return {
      kind: deck.shift() ?? '',
      target: chance.integer(0, 999),
      calls: chance.integer(1, 40),
      lastsMs: chance.integer(200, 1500),
    };
  });
};
