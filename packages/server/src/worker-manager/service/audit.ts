import type { Transaction } from '../../base/index.ts';
import { clientIdOf } from '../barred.ts';
import type { Context } from '../context.ts';
import type * as store from '../store/index.ts';

/** A change that somebody asked for. */
export interface Asked {
  /** Left out where the platform does it on its own. */
  readonly clientId?: string | undefined;
  readonly change: 'created' | 'updated' | 'deleted';
  readonly now: Date;
}

/** Records who changed a pool. */
export const recordPool = async (
  { recordAudit }: Context,
  tx: Transaction,
  { workerPoolId, clientId, change, now }: Asked & { readonly workerPoolId: string },
): Promise<void> => {
  if (clientId === undefined) return;
  const entry = { entityType: 'worker-pool', entityId: workerPoolId, actionType: change, clientId };
  await recordAudit(tx, [{ ...entry, created: now }]);
};

/** Records who changed workers. A worker that ends itself is not recorded. */
export const recordWorkers = async (
  { recordAudit }: Context,
  tx: Transaction,
  { workers, clientId, change, now }: Asked & { readonly workers: readonly store.WorkerRow[] },
): Promise<void> => {
  if (clientId === undefined) return;
  const others = workers.filter((worker) => clientIdOf(worker) !== clientId);
  const entries = others.map(({ workerPoolId, workerGroup, workerId }) => ({
    entityType: 'worker',
    entityId: `${workerPoolId}/${workerGroup}/${workerId}`,
    actionType: change,
    clientId,
    created: now,
  }));
  if (entries.length > 0) await recordAudit(tx, entries);
};
