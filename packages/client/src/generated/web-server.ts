// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type ServiceClient, serviceClass } from '../service.ts';

export interface WebServerApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Task Group Profile. */
  taskGroupProfile(taskGroupId: string, options?: CallOptions): Promise<unknown>;
  /** Task Log Profile. */
  taskProfile(taskId: string, options?: CallOptions): Promise<unknown>;
}

export type WebServer = WebServerApi & ServiceClient;
export const WebServer = serviceClass<WebServerApi>('web-server', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  taskGroupProfile: { method: 'GET', route: '/task-group/<taskGroupId>/profile', title: 'Task Group Profile' },
  taskProfile: { method: 'GET', route: '/task/<taskId>/profile', title: 'Task Log Profile' },
});
