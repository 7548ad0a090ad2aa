import type { Clock, Database } from '../../base/index.ts';
import * as store from '../store/index.ts';
import type { ProviderMemory } from './provider.ts';

/** What a provider remembers, stored in the database. */
export const createMemory = (
  { db, clock }: { db: Database; clock: Clock },
  providerId: string,
): ProviderMemory => ({
  recall: async () => {
    const things = await store.readMemory(db, providerId, clock.now());
    return new Map(things.map(({ name, value }) => [name, JSON.parse(value) as unknown]));
  },
  remember: async (things) => {
    const rows = things.map(({ name, value, until }) => ({ name, value: JSON.stringify(value), until }));
    if (rows.length > 0) await store.writeMemory(db, providerId, rows);
  },
  forget: async (names) => {
    if (names.length > 0) await store.forgetMemory(db, providerId, names);
  },
});
