import type { Loop } from '../base/index.ts';
import type { Subscription } from '../events/index.ts';
import type { ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { indexLoops } from './loops.ts';
import { type IndexServices, routes } from './routes.ts';
import { listNamespacesRequest } from './schema.ts';
import { type IndexVerbs, indexVerbs } from './service.ts';
import { taskSubscription } from './subscription.ts';

/** The door of the index. */
export interface Index extends IndexVerbs {
  readonly loops: readonly Loop[];
  /** To be given to the subscriptions of events. */
  readonly subscription: Subscription;
}

/** Opens the index. */
export const createIndex = (context: Context): Index => ({
  ...indexVerbs(context),
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
