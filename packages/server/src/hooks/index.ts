import { localSignal } from '../base/index.ts';
import type { Subscription } from '../events/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context, HooksContext } from './context.ts';
import { exchanges } from './events.ts';
import { hookLoops } from './loops.ts';
import { createRendering } from './rendering/index.ts';
import { type HookServices, routes } from './routes.ts';
import * as schema from './schema.ts';
import { type HookVerbs, hookVerbs } from './service/index.ts';
import { hookSubscription } from './subscription.ts';

export { foreignQueueOptions, foreignQueuePrefix } from './foreign-exchanges.ts';
export type { HookVerbs } from './service/index.ts';

/** The door of hooks. */
export interface Hooks extends Domain<HookVerbs> {
  /** Pass this to the subscriptions of events. */
  readonly subscription: Subscription;
  /** Await this before messages are read. */
  start(): Promise<void>;
  /** Ends listening to the broker. */
  close(): Promise<void>;
}

/** Opens hooks on a queue. */
export const createHooks = (given: HooksContext): Hooks => {
  const context: Context = { ...given, rendering: createRendering(given.clock), arrived: localSignal() };
  const verbs = hookVerbs(context);
  const subscription = hookSubscription(context);
  return {
    verbs,
    routes,
    loops: [...hookLoops(context, verbs), subscription.loop],
    subscription,
    start: subscription.start,
    close: subscription.close,
  };
};

/** What this service publishes. */
export const hooksDeclaration: ServiceDeclaration<HookServices> = {
  service: {
    serviceName: 'hooks',
    title: 'Hooks',
    description: 'Creates tasks from templates: at set times, when messages arrive, or on request.',
  },
  routes,
  exchanges,
  schemas: [schema.bindings, schema.hookMetadata, schema.schedule],
};
