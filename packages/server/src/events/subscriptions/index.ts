export { readStates } from './store.ts';
export { Subscriptions } from './subscriptions.ts';
export type { Subscription } from './wanted.ts';
