import { days, hours, later, minutes, type Sql, together, type Work } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';

/** A worker that ended sooner was hardly worth its boot. */
const shortLifeMs = minutes(2);

/** Measures of all pools for monitoring, beyond the numbers of their workers. */
export interface PoolMeasures {
  readonly figures: readonly store.PoolFigures[];
  /** Errors of the last hour. */
  readonly errors: readonly {
    readonly workerPoolId: string;
    readonly kind: string;
    readonly count: number;
  }[];
  /** Workers that ended in the last hour after a short life: started for nothing. */
  readonly shortLives: readonly { readonly workerPoolId: string; readonly count: number }[];
  /** How long workers took from their order to their registration, in the last day. */
  readonly boots: readonly store.LaunchConfigHistory[];
}

/** Reads the measures of all pools: each of them by one statement. */
export const measurePools = async (sql: Sql, _: undefined, { now }: Work<Context>): Promise<PoolMeasures> => {
  const figures = await store.readFigures(sql);
  const ids = figures.map(({ workerPoolId }) => workerPoolId);
  const lastHour = later(now, -hours(1));
  const [errors, shortLives, boots] = await together(
    store.countErrorsByKind(sql, lastHour),
    store.countShortLives(sql, { since: lastHour, livedMsMax: shortLifeMs }),
    store.launchConfigHistories(sql, ids, { since: later(now, -days(1)), now }),
  );
  return { figures, errors, shortLives, boots };
};
