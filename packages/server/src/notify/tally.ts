import type { Reading } from '../base/index.ts';
import type { Outcome } from './lifecycle.ts';
import type { NotificationType } from './schema.ts';

/** The outcomes of notifications in this process: at their acceptance, and later when they are sent. */
export type Fate = Outcome | 'malformed' | 'sent' | 'delayed' | 'refused' | 'given-up';

/** Counts the outcomes of notifications. */
export interface Tally {
  count(type: NotificationType, fate: Fate): void;
  /** All counts, labelled by type and fate. */
  readings(): Reading[];
}

/** A tally that begins at nothing. */
export const newTally = (): Tally => {
  const counts = new Map<string, { labels: readonly string[]; value: number }>();
  return {
    count: (type, fate) => {
      const key = `${type} ${fate}`;
      const entry = counts.get(key) ?? { labels: [type, fate], value: 0 };
      entry.value++;
      counts.set(key, entry);
    },
    readings: () => [...counts.values()].map((entry) => ({ ...entry })),
  };
};
