import type { Subscription } from '../events/index.ts';
import type { Context } from './context.ts';
import { touchGroups, touchTasks } from './service/index.ts';

const exchange = (name: string): string => `exchange/taskcluster-queue/v1/${name}`;

const ofTasks = ['defined', 'pending', 'running', 'completed', 'failed', 'exception'].flatMap((event) =>
  ['checks', 'statuses'].map((route) => ({
    exchange: exchange(`task-${event}`),
    routingKeyPattern: `route.${route}`,
  })),
);
const ofGroups = [{ exchange: exchange('task-group-resolved'), routingKeyPattern: 'primary.#' }];

/**
 * Listens to the queue: for tasks by their routes, and for the ends of groups. They are two, because most messages have no
 * routes and need not be read for the first.
 */
export const githubSubscriptions = (context: Context): readonly Subscription[] => [
  {
    name: 'github-tasks',
    bindings: () => ofTasks,
    handle: (tx, messages) => touchTasks(context, tx, messages),
  },
  {
    name: 'github-groups',
    bindings: () => ofGroups,
    handle: (tx, messages) => touchGroups(context, tx, messages),
  },
];
