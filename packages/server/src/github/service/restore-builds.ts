import { days, later, type Verb } from '../../base/index.ts';
import type { Context } from '../context.ts';
import * as store from '../store/index.ts';
import type { Restored } from '../webhook/index.ts';

// What is older is of little interest; GitHub was down for everybody then.
const repeatedMs = days(1);

/**
 * Tells GitHub again how recent builds stand whose repositories an installation reaches again: the app was suspended, lacked
 * a permission, or was removed and installed again.
 */
export const restoreBuilds: Verb<Restored, undefined, Context> = async (tx, all, { now, context }) => {
  for (const restored of all) {
    const groups = await store.restoreBuilds(tx, restored, later(now, -repeatedMs));
    if (groups.length > 0) await store.repeatReports(tx, groups, now);
  }
  tx.afterCommit(() => context.touched.wake());
  return all.map(() => undefined);
};
