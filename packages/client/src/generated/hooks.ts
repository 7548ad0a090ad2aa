// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type CreateHookRequest = {
  hookGroupId?: string;
  hookId?: string;
  metadata: HookMetadata;
  task: Record<string, unknown>;
  bindings?: {
    exchange: string;
    routingKeyPattern: string;
  }[];
  schedule?: string[];
  triggerSchema?: Record<string, unknown>;
};
export type HookBindingsResponse = {
  bindings: {
    exchange: string;
    routingKeyPattern: string;
    error?: string;
    since?: string;
  }[];
};
export type HookDefinition = {
  hookGroupId: string;
  hookId: string;
  metadata: HookMetadata;
  task: Record<string, unknown>;
  bindings?: {
    exchange: string;
    routingKeyPattern: string;
  }[];
  schedule: string[];
  triggerSchema: Record<string, unknown>;
};
export type HookMetadata = {
  name: string;
  description: string;
  owner: string;
  emailOnError?: boolean;
};
export type HookStatus = {
  lastFire: {
    result: 'success';
    taskId: string;
    time: string;
  } | {
    result: 'error';
    error: Record<string, unknown>;
    time: string;
  } | {
    result: 'no-fire';
  };
  nextScheduledDate?: string;
};
export type ListHookGroupsResponse = {
  groups: string[];
};
export type ListHooksResponse = {
  hooks: HookDefinition[];
};
export type ListLastFiresResponse = {
  lastFires: {
    hookGroupId: string;
    hookId: string;
    firedBy: 'schedule' | 'triggerHook' | 'triggerHookWithToken' | 'pulseMessage';
    taskId: string;
    taskCreateTime: string;
    result: 'success' | 'error';
    error: string;
    taskState: 'unknown' | 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  }[];
  continuationToken?: string;
};
export type PulseHookChangedMessage = {
  hookGroupId: string;
  hookId: string;
};
export type TriggerHookResponse = {
  taskId: string;
  status?: {
    taskId?: string;
  };
} | Record<string, never>;
export type TriggerTokenResponse = {
  token: string;
};

export interface HooksApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** List groups of hooks. */
  listHookGroups(options?: CallOptions): Promise<ListHookGroupsResponse>;
  /** List hooks of a group. */
  listHooks(hookGroupId: string, options?: CallOptions): Promise<ListHooksResponse>;
  /** Look a hook up. */
  hook(hookGroupId: string, hookId: string, options?: CallOptions): Promise<HookDefinition>;
  /** Status of a hook. */
  getHookStatus(hookGroupId: string, hookId: string, options?: CallOptions): Promise<HookStatus>;
  /** Bindings of a hook. */
  hookBindings(hookGroupId: string, hookId: string, options?: CallOptions): Promise<HookBindingsResponse>;
  /** Create a hook. */
  createHook(hookGroupId: string, hookId: string, body: CreateHookRequest, options?: CallOptions): Promise<HookDefinition>;
  /** Change a hook. */
  updateHook(hookGroupId: string, hookId: string, body: CreateHookRequest, options?: CallOptions): Promise<HookDefinition>;
  /** Delete a hook. */
  removeHook(hookGroupId: string, hookId: string, options?: CallOptions): Promise<void>;
  /** Trigger a hook. */
  triggerHook(hookGroupId: string, hookId: string, body: Record<string, unknown>, options?: CallOptions): Promise<TriggerHookResponse>;
  /** Get the token of a hook. */
  getTriggerToken(hookGroupId: string, hookId: string, options?: CallOptions): Promise<TriggerTokenResponse>;
  /** Replace the token of a hook. */
  resetTriggerToken(hookGroupId: string, hookId: string, options?: CallOptions): Promise<TriggerTokenResponse>;
  /** Trigger a hook by its token. */
  triggerHookWithToken(hookGroupId: string, hookId: string, token: string, body: Record<string, unknown>, options?: CallOptions): Promise<TriggerHookResponse>;
  /** List fires of a hook. */
  listLastFires(hookGroupId: string, hookId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListLastFiresResponse>;
}

export type Hooks = HooksApi & ServiceClient;
export const Hooks = serviceClass<HooksApi>('hooks', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  listHookGroups: { method: 'GET', route: '/hooks', title: 'List groups of hooks' },
  listHooks: { method: 'GET', route: '/hooks/<hookGroupId>', title: 'List hooks of a group' },
  hook: { method: 'GET', route: '/hooks/<hookGroupId>/<hookId>', title: 'Look a hook up' },
  getHookStatus: { method: 'GET', route: '/hooks/<hookGroupId>/<hookId>/status', title: 'Status of a hook' },
  hookBindings: { method: 'GET', route: '/hooks/<hookGroupId>/<hookId>/bindings', title: 'Bindings of a hook' },
  createHook: { method: 'PUT', route: '/hooks/<hookGroupId>/<hookId>', title: 'Create a hook', input: true },
  updateHook: { method: 'POST', route: '/hooks/<hookGroupId>/<hookId>', title: 'Change a hook', input: true },
  removeHook: { method: 'DELETE', route: '/hooks/<hookGroupId>/<hookId>', title: 'Delete a hook' },
  triggerHook: { method: 'POST', route: '/hooks/<hookGroupId>/<hookId>/trigger', title: 'Trigger a hook', input: true },
  getTriggerToken: { method: 'GET', route: '/hooks/<hookGroupId>/<hookId>/token', title: 'Get the token of a hook' },
  resetTriggerToken: { method: 'POST', route: '/hooks/<hookGroupId>/<hookId>/token', title: 'Replace the token of a hook' },
  triggerHookWithToken: { method: 'POST', route: '/hooks/<hookGroupId>/<hookId>/trigger/<token>', title: 'Trigger a hook by its token', input: true },
  listLastFires: { method: 'GET', route: '/hooks/<hookGroupId>/<hookId>/last-fires', title: 'List fires of a hook', query: ['continuationToken', 'limit'] },
});

/** The exchanges of the hooks service. */
export const hooksExchanges = {
  hookCreated: exchange<PulseHookChangedMessage>('exchange/taskcluster-hooks/v1/hook-created', ['#']),
  hookUpdated: exchange<PulseHookChangedMessage>('exchange/taskcluster-hooks/v1/hook-updated', ['#']),
  hookDeleted: exchange<PulseHookChangedMessage>('exchange/taskcluster-hooks/v1/hook-deleted', ['#']),
};
