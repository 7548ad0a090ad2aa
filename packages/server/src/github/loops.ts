import {
  days,
  type Loop,
  later,
  localSignal,
  minutes,
  type Signal,
  type Sql,
  seconds,
} from '../base/index.ts';
import type { Context } from './context.ts';
import { reportDue } from './reporting/index.ts';
import type { GithubVerbs } from './service/index.ts';
import * as store from './store.ts';

// GitHub lets people send an event again for three days.
const [deliveriesKeptMs, buildsKeptMs] = [days(30), days(365)];

interface Due {
  readonly name: string;
  readonly limit: number;
  readonly wakes: readonly Signal[];
  /** When the next thing is due. */
  earliest(db: Sql): Promise<Date | undefined>;
  step(limit: number): Promise<number>;
}

/** A loop that sleeps until something is due, or until it is woken. */
const dueLoop = (context: Context, { name, limit, wakes, earliest, step }: Due): Loop => {
  const everyMs = seconds(30);
  const due = localSignal();
  let cancel = () => {};
  for (const signal of wakes) signal.each(() => due.wake());
  return {
    name,
    everyMs,
    limit,
    wakeBy: due,
    step: async (most) => {
      const done = await step(most);
      cancel();
      const next = await earliest(context.db);
      const waitMs = next ? next.getTime() - context.clock.now().getTime() : everyMs;
      // What is due and could not be done is the next step's, some time later.
      if (waitMs > 0 && waitMs < everyMs) cancel = context.clock.after(waitMs, () => due.wake());
      return done;
    },
  };
};

/** The background work of the service: what events ask for, what GitHub is told, and what nobody needs any more. */
export const githubLoops = (context: Context, verbs: GithubVerbs): readonly Loop[] => {
  // Without an app nothing comes in, and nobody could be told.
  const working: readonly Loop[] = context.api
    ? [
        dueLoop(context, {
          name: 'work-off-github-events',
          limit: 20,
          wakes: [context.arrived],
          earliest: store.earliestDelivery,
          step: verbs.workOff,
        }),
        dueLoop(context, {
          name: 'report-to-github',
          limit: 50,
          wakes: [context.touched],
          earliest: store.earliestReport,
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
