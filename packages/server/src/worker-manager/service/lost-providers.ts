import { hours, later, transact } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { nullProviderId } from '../lifecycle.ts';
import * as store from '../store/index.ts';
import { keepFailures } from './errors.ts';

const tellAgainMs = hours(1);

/**
 * Keeps an error, once an hour, of each pool whose provider has left the configuration, and tells its owner; returns of how
 * many. Such a pool starts no workers; others are not held up.
 */
export const tellOfLostProviders = (context: Context, limit: number): Promise<number> =>
  transact(context, async (tx, now) => {
    const pools = await store.poolsOfOtherProviders(tx, [...context.providers.keys(), nullProviderId]);
    if (pools.length === 0) return 0;
    const due = await store.takeRounds(tx, pools.map(nameOfRound), {
      isAtOnce: false,
      now,
      until: later(now, tellAgainMs),
      limit,
    });
    const told = new Set(due);
    const lost = pools.filter((pool) => told.has(nameOfRound(pool)));
    await keepFailures(
      context,
      tx,
      lost.map((pool) => ({ pool, failure: lostProvider(pool) })),
      now,
    );
    return due.length;
  });

const nameOfRound = ({ workerPoolId }: store.PoolRow): string => `provider-of:${workerPoolId}`;

const lostProvider = ({ providerId }: store.PoolRow) => ({
  kind: 'configuration-error',
  title: 'The provider of the pool is not configured',
  description: `No provider is named ${providerId} in the configuration of the platform, so no workers are started. Configure it again, or give the pool another one.`,
  extra: { code: 'UnknownProvider', providerId },
});
