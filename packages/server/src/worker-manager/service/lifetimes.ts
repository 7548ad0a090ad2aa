import { later, minutes, type Sql, transact } from '../../base/index.ts';
import { claimsByWorker } from '../../queue/index.ts';
import { readLastSeen } from '../../workers/index.ts';
import type { Context } from '../context.ts';
import { keyOf, limitsOf } from '../lifecycle.ts';
import * as store from '../store/index.ts';
import { keepFailuresById, neverRegisteredFailure } from './errors.ts';
import type { Configuration } from './launch-configs.ts';
import { machineProviderIds } from './lookups.ts';
import { loseClaims } from './lost-claims.ts';
import { noteRemoval, removeWorkers } from './removal.ts';

/** No pool may set a shorter time without asking for work. */
const inactivityMinMs = minutes(20);

/** Ends at most this many workers that have not registered in time, or not again; returns how many. */
export const endOverdueWorkers = async (context: Context, limit: number): Promise<number> => {
  const now = context.clock.now();
  const rows = await store.overdueWorkers(context.db, machineProviderIds(context), now, limit);
  // A worker that registers meanwhile is no longer overdue.
  const judged = rows.map((row) => ({ ...row, judged: row }));
  const late = judged.filter(({ state }) => state === 'requested');
  const expired = judged.filter(({ state }) => state === 'running');
  const ended =
    late.length > 0 ? await removeWorkers(context, late, { reason: 'not registered in time' }) : [];
  if (ended.length > 0) {
    const failures = ended.map((worker) => neverRegisteredFailure(worker, 'Worker did not register in time'));
    await transact(context, (tx, at) => keepFailuresById(context, tx, failures, at));
  }
  if (expired.length > 0) await removeWorkers(context, expired, { reason: 'not registered again in time' });
  return rows.length;
};

/**
 * Ends workers that have not asked for work for longer than their pool allows; returns how many. A worker that
 * holds a claim is at work, whatever the queue has written down about it.
 */
export const endQuietWorkers = async (context: Context): Promise<number> => {
  const before = later(context.clock.now(), -inactivityMinMs);
  const running = await store.registeredBefore(context.db, machineProviderIds(context), before);
  const candidates = await quietAmong(context, context.db, running);
  if (candidates.length === 0) return 0;
  const ended = await transact(context, async (tx, now) => {
    // A claim may have come since: who is quiet is asked again of workers whose rows nobody changes meanwhile.
    const held = new Set((await store.lockRunning(tx, candidates)).map(keyOf));
    const workers = await quietAmong(
      context,
      tx,
      candidates.filter((worker) => held.has(keyOf(worker))),
    );
    const removal = { reason: 'has not asked for work for too long' };
    return noteRemoval(context, { tx, now }, { workers, removal });
  });
  await loseClaims(context, ended);
  return ended.length;
};

const quietAmong = async (
  { workers, clock }: Context,
  sql: Sql,
  candidates: readonly store.QuietCandidate[],
): Promise<store.QuietCandidate[]> => {
  if (candidates.length === 0) return [];
  const now = clock.now();
  const seen = await readLastSeen(
    sql,
    candidates.map(({ workerPoolId: taskQueueId, workerGroup, workerId }) => ({
      taskQueueId,
      workerGroup,
      workerId,
    })),
    workers,
  );
  const pools = [...new Set(candidates.map(({ workerPoolId }) => workerPoolId))];
  const atWork = new Set((await claimsByWorker(sql, pools)).map(keyInQueue));
  return candidates.filter((worker) => {
    const { inactivityMs } = limitsOf(JSON.parse(worker.config) as Configuration);
    const last = seen.get(keyOf(worker)) ?? worker.registered;
    return !atWork.has(keyOf(worker)) && now.getTime() - last.getTime() > inactivityMs;
  });
};

const keyInQueue = ({
  taskQueueId,
  ...worker
}: Omit<store.WorkerRef, 'workerPoolId'> & { taskQueueId: string }) =>
  keyOf({ workerPoolId: taskQueueId, ...worker });
