import { type Loop, minutes } from '../base/index.ts';
import type { Context } from './context.ts';
import type { OpenTunnels } from './open-tunnels.ts';
import type { TunnelVerbs } from './service.ts';
import * as store from './store.ts';

/** Background work that any one process may do for all. */
export const tunnelLoops = ({ db, clock }: Context): readonly Loop[] => [
  {
    name: 'expire-tunnels',
    everyMs: minutes(5),
    limit: 1000,
    step: (limit) => store.deleteExpired(db, clock.now(), limit),
  },
];

/** Background work of each process with tunnels. */
export const tunnelLoopsOfEachProcess = (open: OpenTunnels, verbs: TunnelVerbs): readonly Loop[] => [
  {
    name: 'prolong-tunnels',
    everyMs: minutes(1),
    limit: Number.POSITIVE_INFINITY,
    step: async () => {
      const held = open.all.map(({ tunnelId, holder, address }) => ({ tunnelId, holder, address }));
      await verbs.prolongTunnels.all(held);
      return held.length;
    },
  },
];
