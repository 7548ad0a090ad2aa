import type { Transaction } from '../../base/index.ts';
import type { Message } from '../message.ts';
import { type Binding, type Matchable, matcher } from '../patterns.ts';

/** A durable consumer of messages inside the platform. */
export interface Subscription {
  /** Its place in the messages is kept under this name for ever. */
  readonly name: string;
  /**
   * What it wants. Routes of tasks are keys too, with `route.` before them. The same array again means that nothing has
   * changed.
   */
  readonly bindings: () => readonly Binding[];
  /**
   * Does what is to be done about some messages, in their order; `body` is an object. It runs in the transaction that
   * moves the place, so as far as the database goes each message is handled exactly once. What is to happen outside
   * of the database is written down here and done by a loop. What it throws makes the same messages come again.
   */
  readonly handle: (tx: Transaction, messages: readonly Message[]) => Promise<void>;
}

/** What a set of bindings lets through. */
export interface Wanted {
  /** Only these exchanges; undefined stands for all. */
  readonly exchanges: string[] | undefined;
  /** Only messages with routes. */
  readonly isRouted: boolean;
  readonly matches: (message: Matchable) => boolean;
}

export const wantedBy = (bindings: readonly Binding[]): Wanted => {
  const exchanges = [...new Set(bindings.map(({ exchange }) => exchange))];
  return {
    exchanges: exchanges.includes('#') ? undefined : exchanges,
    isRouted: bindings.every(({ routingKeyPattern }) => routingKeyPattern.startsWith('route.')),
    matches: matcher(bindings),
  };
};

/** What a subscription wants now; its bindings are compiled when they have changed. */
export const wantedOf = ({ bindings }: Pick<Subscription, 'bindings'>): (() => Wanted) => {
  let known = bindings();
  let wanted = wantedBy(known);
  return () => {
    const current = bindings();
    if (current !== known) {
      known = current;
      wanted = wantedBy(current);
    }
    return wanted;
  };
};

/** What lets through whatever one of these lets through, and perhaps more. */
export const widest = (all: readonly Wanted[]): Pick<Wanted, 'exchanges' | 'isRouted'> => ({
  exchanges: all.some(({ exchanges }) => exchanges === undefined)
    ? undefined
    : [...new Set(all.flatMap(({ exchanges }) => exchanges ?? []))],
  isRouted: all.every(({ isRouted }) => isRouted),
});
