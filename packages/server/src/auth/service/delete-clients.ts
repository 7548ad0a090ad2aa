import { expiration } from '../schema/index.ts';
import * as store from '../store.ts';
import type { ClientChange } from './change-clients.ts';
import { oneByOne, record } from './changes.ts';
import { clientRecorded } from './clients.ts';

/** Deletes clients. One that does not exist counts as deleted. */
export const deleteClients = oneByOne(
  async (tx, { clientId, by }: ClientChange, work): Promise<undefined> => {
    const deleted = await store.deleteClients(tx, [clientId]);
    const changes = deleted.map((row) => clientRecorded(row.clientId, 'deleted', by));
    await record(tx, changes, { ...work, subject: 'clients' });
  },
);

/** Deletes at most `limit` expired clients with `deleteOnExpiration`; returns how many. */
export const deleteExpiredClients = oneByOne(async (tx, limit: number, work): Promise<number> => {
  const deleted = await store.deleteExpiredClients(tx, { now: work.now, limit });
  const changes = deleted.map(({ clientId }) =>
    clientRecorded(clientId, 'deleted', { caller: { clientId: expiration } }),
  );
  await record(tx, changes, { ...work, subject: 'clients' });
  return deleted.length;
});
