import { transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { nullProviderId } from '../lifecycle.ts';
import * as store from '../store/index.ts';

/** Deletes at most this many pools that are winding down and have no worker left; returns how many. */
export const deleteEmptyPools = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx) => {
    const deleted = await store.deleteEmptyPools(tx, nullProviderId, limit);
    const ids = deleted.map(({ workerPoolId }) => workerPoolId);
    if (ids.length === 0) return 0;
    await store.deleteLaunchConfigsOf(tx, ids);
    await store.deleteTaskTimes(tx, ids);
    await store.deleteSamplesOf(tx, ids);
    return ids.length;
  });

/** Forgets former providers of at most this many pools that have no worker of them left; returns how many. */
export const forgetProviders = ({ db }: Context, limit: number): Promise<number> =>
  store.forgetProviders(db, limit);

/** Deletes at most this many archived launch configs that no worker refers to any more; returns how many. */
export const deleteUnusedLaunchConfigs = ({ db }: Context, limit: number): Promise<number> =>
  store.deleteUnusedLaunchConfigs(db, limit);

/** Deletes at most this many errors that are older than a time; returns how many. */
export const deleteOldErrors = ({ db }: Context, before: Date, limit: number): Promise<number> =>
  store.deleteOldErrors(db, before, limit);

/** Deletes at most this many decisions that are older than a time; returns how many. */
export const deleteOldDecisions = ({ db }: Context, before: Date, limit: number): Promise<number> =>
  store.deleteOldDecisions(db, before, limit);

/** Deletes at most this many samples of pools that are older than a time; returns how many. */
export const deleteOldSamples = ({ db }: Context, before: Date, limit: number): Promise<number> =>
  store.deleteOldSamples(db, before, limit);

/** Deletes at most this many rounds that no process has run since a time; returns how many. */
export const deleteOldRounds = ({ db }: Context, before: Date, limit: number): Promise<number> =>
  store.deleteOldRounds(db, before, limit);

/** Forgets at most this many things that providers wanted to know until now; returns how many. */
export const deleteOldMemory = ({ db, clock }: Context, limit: number): Promise<number> =>
  store.deleteOldMemory(db, clock.now(), limit);
