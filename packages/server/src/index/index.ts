import type { Subscription } from '../events/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { indexLoops } from './loops.ts';
import { type IndexServices, routes } from './routes.ts';
import { listNamespacesRequest } from './schema.ts';
import { type IndexVerbs, indexVerbs } from './service.ts';
import { taskSubscription } from './subscription.ts';

export type { IndexVerbs } from './service.ts';

/** The door of the index. */
export interface Index extends Domain<IndexVerbs> {
  /** To be given to the subscriptions of events. */
  readonly subscription: Subscription;
}

/** Opens the index. */
export const createIndex = (context: Context): Index => ({
  verbs: indexVerbs(context),
  routes,
  loops: indexLoops(context),
  subscription: taskSubscription(context),
});

/** What this service publishes. */
export const indexDeclaration: ServiceDeclaration<IndexServices> = {
  service: {
    serviceName: 'index',
    title: 'Index',
    description: 'Finds tasks by paths that people and programs know.',
  },
  routes,
  schemas: [listNamespacesRequest],
};
