import type { Subscription } from '../events/index.ts';
import type { Context } from './context.ts';
import { exchangesOf } from './lifecycle.ts';
import { notifyOfTasks } from './service.ts';

/** Messages of the queue about tasks with `notify` routes. */
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
