export { createRelay, type Relay, type RelaySettings } from './relay.ts';
