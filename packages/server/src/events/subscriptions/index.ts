export type { SubscriptionState } from './store.ts';
export { createSubscriptions, type Subscriptions } from './subscriptions.ts';
export type { Subscription } from './wanted.ts';
