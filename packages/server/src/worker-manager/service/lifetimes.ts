import { later, minutes, transact } from '../../base/index.ts';
import { readLastSeen } from '../../workers/index.ts';
import type { Context } from '../context.ts';
import { keyOf, limitsOf } from '../lifecycle.ts';
import * as store from '../store/index.ts';
import { keepErrorsOfPools, neverRegisteredFailure } from './errors.ts';
import type { Configuration } from './launch-configs.ts';
import { machineProviderIds } from './lookups.ts';
import { removeWorkers } from './removal.ts';

/** No pool may set a shorter time without asking for work. */
const inactivityMinMs = minutes(20);

/** Ends at most this many workers that have not registered in time, or not again; returns how many. */
export const endOverdueWorkers = async (context: Context, limit: number): Promise<number> => {
  const now = context.clock.now();
  const rows = await store.overdueWorkers(context.db, machineProviderIds(context), now, limit);
  if (rows.length === 0) return 0;
  const late = rows.filter(({ state }) => state === 'requested');
  const expired = rows.filter(({ state }) => state === 'running');
  if (late.length > 0) {
    await removeWorkers(context, late, { reason: 'not registered in time' });
    const failures = late.map((worker) => neverRegisteredFailure(worker, 'Worker did not register in time'));
    await transact(context, (tx, at) => keepErrorsOfPools(tx, failures, at));
  }
  if (expired.length > 0) await removeWorkers(context, expired, { reason: 'not registered again in time' });
  return rows.length;
};

/** Ends workers that have not asked for work for longer than their pool allows; returns how many. */
export const endQuietWorkers = async (context: Context): Promise<number> => {
  const now = context.clock.now();
  const candidates = await store.registeredBefore(
    context.db,
    machineProviderIds(context),
    later(now, -inactivityMinMs),
  );
  if (candidates.length === 0) return 0;
  const seen = await readLastSeen(
    context.workers,
    candidates.map(({ workerPoolId: taskQueueId, workerGroup, workerId }) => ({
      taskQueueId,
      workerGroup,
      workerId,
    })),
  );
  const quiet = candidates.filter((worker) => {
    const { inactivityMs } = limitsOf(JSON.parse(worker.config) as Configuration);
    const last = seen.get(keyOf(worker)) ?? worker.registered;
    return now.getTime() - last.getTime() > inactivityMs;
  });
  if (quiet.length > 0)
    await removeWorkers(context, quiet, { reason: 'has not asked for work for too long' });
  return quiet.length;
};
