import { days, dueLoop, type Loop, later, minutes, seconds } from '../base/index.ts';
import type { Context } from './context.ts';
import { reportDue } from './reporting/index.ts';
import type { GithubVerbs } from './service/index.ts';
import * as store from './store/index.ts';

// GitHub lets people send an event again for three days.
const [deliveriesKeptMs, buildsKeptMs] = [days(30), days(365)];

/** The background work of the service: what events ask for, what GitHub is told, and what nobody needs any more. */
export const githubLoops = (context: Context, verbs: GithubVerbs): readonly Loop[] => {
  // Without an app nothing comes in, and nobody could be told.
  const working: readonly Loop[] = context.api
    ? [
        dueLoop(context.clock, {
          name: 'work-off-github-events',
          everyMs: seconds(30),
          limit: 20,
          wakeBy: context.arrived,
          earliest: () => store.earliestDelivery(context.db),
          step: verbs.workOff,
        }),
        dueLoop(context.clock, {
          name: 'report-to-github',
          everyMs: seconds(30),
          limit: 50,
          wakeBy: context.touched,
          earliest: () => store.earliestReport(context.db),
          step: (limit) => reportDue(context, limit),
        }),
        {
          name: 'cancel-replaced-builds',
          everyMs: seconds(30),
          limit: 20,
          wakeBy: context.touched,
          step: verbs.cancelTasksOfBuilds,
        },
      ]
    : [];
  const before = (keptMs: number): Date => later(context.clock.now(), -keptMs);
  return [
    ...working,
    {
      name: 'forget-old-github-events',
      everyMs: minutes(10),
      limit: 500,
      step: (limit) => store.deleteDeliveries(context.db, before(deliveriesKeptMs), limit),
    },
    {
      name: 'forget-old-builds',
      everyMs: minutes(10),
      limit: 200,
      step: (limit) => store.deleteBuilds(context.db, before(buildsKeptMs), limit),
    },
  ];
};
