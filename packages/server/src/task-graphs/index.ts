import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { QueueContext } from '../queue/index.ts';
import type { Context } from './context.ts';
import { exchanges } from './events.ts';
import { taskGraphLoops } from './loops.ts';
import { routes, type TaskGraphServices } from './routes.ts';
import * as schema from './schema.ts';
import { resolveNodes, type TaskGraphVerbs, taskGraphVerbs } from './service/index.ts';

/** The door of task graphs. */
export interface TaskGraphs extends Domain<TaskGraphVerbs> {
  /** The queue calls it in every transaction that resolves tasks. */
  readonly onResolved: QueueContext['onResolved'];
}

/** Opens task graphs on a queue. */
export const createTaskGraphs = (context: Context): TaskGraphs => ({
  verbs: taskGraphVerbs(context),
  routes,
  onResolved: (tx, changes, now) => resolveNodes(tx, changes, { queue: context.queue, now }),
  loops: taskGraphLoops(context),
});

/** What this service publishes. */
export const taskGraphsDeclaration: ServiceDeclaration<TaskGraphServices> = {
  service: {
    serviceName: 'scheduler',
    title: 'Task graphs',
    description:
      'Creates whole graphs of tasks at once, runs again what fails, and reports the state of a graph.',
  },
  routes,
  exchanges,
  schemas: [schema.taskGraphStatus],
};
