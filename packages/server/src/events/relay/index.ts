export { createRelay, type Relay, type RelaySettings } from './relay.ts';
export type { Lag } from './store.ts';
