import { type BaseContext, localSignal, type Reading, type Signal } from '../base/index.ts';
import type { Subscription } from '../events/index.ts';
import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { exchanges } from './events.ts';
import { notifyLoops } from './loops.ts';
import { createRenderer } from './rendering/index.ts';
import { type NotifyServices, routes } from './routes.ts';
import { createSenders, type SenderSettings } from './senders/index.ts';
import { type NotifyVerbs, notifyVerbs } from './service.ts';
import { taskSubscription } from './subscription.ts';
import { newTally } from './tally.ts';

export type { SenderSettings } from './senders/index.ts';
export type { Email, NotifyVerbs } from './service.ts';

/** What notify is given. */
interface NotifyContext extends BaseContext, Pick<Context, 'readDefinitions' | 'rootUrl'> {
  /** A sender that is missing here answers that it is not configured. */
  readonly settings: SenderSettings;
  /** Shared between the processes of a deployment; by default it is this process's. */
  readonly accepted?: Signal;
}

/** The door of notifications. Other domains send mails by `email`, in their own transactions. */
export interface Notify extends Domain<NotifyVerbs> {
  /** Pass this to the subscriptions of events. */
  readonly subscription: Subscription;
  /** Counts of notifications in this process, by type and fate. */
  readings(): Reading[];
}

/** Opens notifications. */
export const createNotify = ({ settings, accepted = localSignal(), ...given }: NotifyContext): Notify => {
  const tally = newTally();
  const context: Context = {
    ...given,
    accepted,
    tally,
    renderer: createRenderer(given.clock),
    senders: createSenders(settings),
  };
  return {
    verbs: notifyVerbs(context),
    routes,
    loops: notifyLoops(context),
    subscription: taskSubscription(context),
    readings: tally.readings,
  };
};

/** What this service publishes. */
export const notifyDeclaration: ServiceDeclaration<NotifyServices> = {
  service: {
    serviceName: 'notify',
    title: 'Notifications',
    description: 'Sends mails and messages: on request, and about tasks whose routes ask for it.',
  },
  routes,
  exchanges,
};
