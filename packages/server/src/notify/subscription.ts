import type { Subscription } from '../events/index.ts';
import type { Context } from './context.ts';
import { exchangesOf } from './lifecycle.ts';
import { notifyOfTasks } from './service.ts';

/** What the queue says about tasks that have routes of ours for it. */
const bindings = [...exchangesOf].flatMap(([event, exchanges]) =>
  exchanges.map((name) => ({
    exchange: `exchange/taskcluster-queue/v1/task-${name}`,
    routingKeyPattern: `route.notify.#.on-${event}`,
  })),
);

/** Listens to the queue for the routes of tasks. */
export const taskSubscription = (context: Context): Subscription => ({
  name: 'notify',
  bindings: () => bindings,
  handle: (tx, messages) => notifyOfTasks(context, tx, messages),
});
