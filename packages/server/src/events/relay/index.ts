export { Relay, type RelaySettings } from './relay.ts';
