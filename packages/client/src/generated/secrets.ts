// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type Secret = {
  secret: Record<string, unknown>;
  expires: string;
};
export type SecretList = {
  secrets: string[];
  continuationToken?: string;
};

export interface SecretsApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Keep a secret. */
  set(name: string, body: Secret, options?: CallOptions): Promise<void>;
  /** Remove a secret. */
  remove(name: string, options?: CallOptions): Promise<void>;
  /** Read a secret. */
  get(name: string, options?: CallOptions): Promise<Secret>;
  /** List secrets. */
  list(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<SecretList>;
}

export type Secrets = SecretsApi & ServiceClient;
export const Secrets = serviceClass<SecretsApi>('secrets', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  set: { method: 'PUT', route: '/secret/<name>', title: 'Keep a secret', input: true },
  remove: { method: 'DELETE', route: '/secret/<name>', title: 'Remove a secret' },
  get: { method: 'GET', route: '/secret/<name>', title: 'Read a secret' },
  list: { method: 'GET', route: '/secrets', title: 'List secrets', query: ['continuationToken', 'limit'] },
});
