// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export interface EventsApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Follow messages. */
  stream(options?: QueryOptions<'bindings'>): Promise<unknown>;
}

export type Events = EventsApi & ServiceClient;
export const Events = serviceClass<EventsApi>('events', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  stream: { method: 'GET', route: '/stream', title: 'Follow messages', query: ['bindings'] },
});
