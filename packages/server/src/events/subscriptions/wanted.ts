import type { Transaction } from '../../base/index.ts';
import type { Message } from '../message.ts';
import { type Binding, type Matchable, matcher } from '../patterns.ts';

/** A durable consumer of messages inside the platform. */
export interface Subscription {
  /** Its place is stored under this name, which must never change. */
  readonly name: string;
  /**
   * The messages that it wants. Routes of tasks count as keys too, with `route.` before them. Return the same array while
   * nothing has changed.
   */
  readonly bindings: () => readonly Binding[];
  /**
   * Handles some messages, in their order; `body` is an object. It runs in the transaction that moves the place, so in the
   * database each message is handled exactly once. Effects outside of the database are recorded here and done by a loop.
   * When it throws, the same messages are delivered again.
   */
  readonly handle: (tx: Transaction, messages: readonly Message[]) => Promise<void>;
}

/** The messages that a set of bindings matches. */
export interface Wanted {
  /** Only these exchanges; undefined for all. */
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

/** The messages that a subscription wants now. Its bindings are compiled when they have changed. */
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

/** Matches everything that one of these matches, and perhaps more. */
export const widest = (all: readonly Wanted[]): Pick<Wanted, 'exchanges' | 'isRouted'> => ({
  exchanges: all.some(({ exchanges }) => exchanges === undefined)
    ? undefined
    : [...new Set(all.flatMap(({ exchanges }) => exchanges ?? []))],
  isRouted: all.every(({ isRouted }) => isRouted),
});
