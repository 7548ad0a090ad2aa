// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type CreateWorkerPoolRequest = {
  providerId: string;
  description: string;
  config: Record<string, unknown>;
  owner: string;
  emailOnError: boolean;
};
export type CreateWorkerRequest = {
  expires: string;
  capacity?: number;
  providerInfo?: {
    staticSecret: string;
  };
};
export type Pause = {
  workerPoolId: string;
  since: string;
  reason: string;
};
export type PauseWorkerPoolRequest = {
  reason?: string;
};
export type ProviderList = {
  providers: {
    providerId: string;
    providerType: string;
  }[];
  continuationToken?: string;
};
export type ProvisioningDecisionList = {
  decisions: {
    decisionId: number;
    decided: string;
    times: number;
    repeated?: string;
    action: 'launch' | 'wait' | 'may-leave' | 'stay' | 'terminate' | 'drain' | 'resume';
    count: number;
    reason: string;
    launchConfigId?: string;
    workerGroup?: string;
    workerId?: string;
    token?: string;
    outcome: 'open' | 'done' | 'partial' | 'failed' | 'abandoned';
    started?: number;
    trouble?: string;
  }[];
  continuationToken?: string;
};
export type PulseLaunchConfigMessage = {
  workerPoolId: string;
  providerId: string;
  launchConfigId: string;
};
export type PulseWorkerMessage = {
  workerPoolId: string;
  providerId: string;
  workerGroup: string;
  workerId: string;
  capacity: number;
  timestamp: string;
  launchConfigId?: string;
};
export type PulseWorkerPoolErrorMessage = {
  workerPoolId: string;
  providerId: string;
  errorId: string;
  kind: string;
  title: string;
  timestamp: string;
  workerGroup?: string;
  workerId?: string;
  launchConfigId?: string;
};
export type PulseWorkerPoolMessage = {
  workerPoolId: string;
  providerId: string;
  previousProviderId?: string;
};
export type PulseWorkerRemovedMessage = {
  workerPoolId: string;
  providerId: string;
  workerGroup: string;
  workerId: string;
  capacity: number;
  timestamp: string;
  launchConfigId?: string;
  reason: string;
};
export type RegisterWorkerRequest = {
  workerPoolId: string;
  workerGroup: string;
  workerId: string;
  providerId: string;
  workerIdentityProof: {
    token: string;
  } | {
    staticSecret: string;
  } | {
    document: string;
    signature: string;
  } | {
    document: string;
  };
  systemBootTime?: string;
};
export type RegisterWorkerResponse = {
  expires: string;
  credentials: WorkerManagerCredentials;
  workerConfig: Record<string, unknown>;
  secret: string;
};
export type ReportWorkerErrorRequest = {
  workerGroup: string;
  workerId: string;
  kind: string;
  title: string;
  description: string;
  extra: Record<string, unknown>;
};
export type ReregisterWorkerRequest = {
  workerPoolId: string;
  workerGroup: string;
  workerId: string;
  secret: string;
};
export type ReregisterWorkerResponse = {
  expires: string;
  credentials: WorkerManagerCredentials;
  secret: string;
};
export type ShouldWorkerTerminateResponse = {
  terminate: boolean;
  reason: string;
};
export type UpdateWorkerPoolRequest = {
  workerPoolId?: string;
  providerId: string;
  description: string;
  config: Record<string, unknown>;
  owner: string;
  emailOnError: boolean;
  created?: string;
  lastModified?: string;
};
export type WorkerFull = {
  workerPoolId: string;
  workerGroup: string;
  workerId: string;
  providerId: string;
  created: string;
  expires: string;
  lastModified: string;
  lastChecked: string;
  state: 'requested' | 'running' | 'stopping' | 'stopped';
  capacity: number;
  launchConfigId?: string;
};
export type WorkerList = {
  workers: WorkerFull[];
  continuationToken?: string;
};
export type WorkerManagerCredentials = {
  clientId: string;
  accessToken: string;
  certificate?: string;
};
export type WorkerManagerListWorkersResponse = {
  workers: {
    workerGroup: string;
    workerId: string;
    lastDateActive?: string;
    quarantineUntil?: string;
    workerPoolId?: string;
    capacity?: number;
    state?: 'requested' | 'running' | 'stopping' | 'stopped' | 'standalone';
    providerId?: string;
    launchConfigId?: string;
    firstClaim?: string;
    latestTask?: {
      taskId: string;
      runId: number;
    };
  }[];
  continuationToken?: string;
};
export type WorkerManagerWorkerResponse = {
  workerGroup: string;
  workerId: string;
  lastDateActive?: string;
  quarantineUntil?: string;
  workerPoolId?: string;
  capacity?: number;
  state?: 'requested' | 'running' | 'stopping' | 'stopped' | 'standalone';
  providerId?: string;
  launchConfigId?: string;
  provisionerId: string;
  workerType: string;
  firstClaim: string;
  expires: string;
  recentTasks: {
    taskId: string;
    runId: number;
  }[];
  quarantineDetails?: {
    clientId: string;
    updatedAt: string;
    quarantineUntil: string;
    quarantineInfo: string;
  }[];
};
export type WorkerPoolError = {
  workerPoolId: string;
  errorId: string;
  reported: string;
  kind: string;
  title: string;
  description: string;
  extra: Record<string, unknown>;
  launchConfigId?: string;
};
export type WorkerPoolErrorList = {
  workerPoolErrors: WorkerPoolError[];
  continuationToken?: string;
};
export type WorkerPoolErrorStats = {
  workerPoolId: string | '';
  totals: {
    total: number;
    daily: Record<string, unknown>;
    hourly: Record<string, unknown>;
    title: Record<string, unknown>;
    code: Record<string, unknown>;
    launchConfig: Record<string, unknown>;
    workerPool: Record<string, unknown>;
  };
};
export type WorkerPoolFull = {
  workerPoolId?: string;
  providerId: string;
  description: string;
  config: Record<string, unknown>;
  owner: string;
  emailOnError: boolean;
  created: string;
  lastModified: string;
  currentCapacity: number;
  requestedCount: number;
  runningCount: number;
  stoppingCount: number;
  stoppedCount: number;
  requestedCapacity: number;
  runningCapacity: number;
  stoppingCapacity: number;
  stoppedCapacity: number;
};
export type WorkerPoolLaunchConfigList = {
  workerPoolLaunchConfigs: {
    launchConfigId: string;
    workerPoolId: string;
    isArchived: boolean;
    configuration: Record<string, unknown>;
    created: string;
    lastModified: string;
  }[];
  continuationToken?: string;
};
export type WorkerPoolList = {
  workerPools: WorkerPoolFull[];
  continuationToken?: string;
};
export type WorkerPoolListStats = {
  workerPoolsStats: {
    workerPoolId: string;
    currentCapacity: number;
    requestedCount: number;
    runningCount: number;
    stoppingCount: number;
    stoppedCount: number;
    requestedCapacity: number;
    runningCapacity: number;
    stoppingCapacity: number;
    stoppedCapacity: number;
  }[];
  continuationToken?: string;
};
export type WorkerPoolPause = {
  workerPoolId: string;
  pause?: Pause;
};
export type WorkerPoolPauses = {
  pauses: Pause[];
  continuationToken?: string;
};
export type WorkerPoolSampleList = {
  seconds: number;
  samples: {
    begins: string;
    workers: number;
    running: number;
    idle: number;
    usdPerHour?: number;
  }[];
};
export type WorkerPoolStats = {
  launchConfigStats: {
    workerPoolId: string;
    launchConfigId: string;
    currentCapacity: number;
    requestedCount: number;
    runningCount: number;
    stoppingCount: number;
    stoppedCount: number;
    requestedCapacity: number;
    runningCapacity: number;
    stoppingCapacity: number;
    stoppedCapacity: number;
  }[];
};

export interface WorkerManagerApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** List providers. */
  listProviders(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ProviderList>;
  /** Create a worker pool. */
  createWorkerPool(workerPoolId: string, body: CreateWorkerPoolRequest, options?: CallOptions): Promise<WorkerPoolFull>;
  /** Replace a worker pool. */
  updateWorkerPool(workerPoolId: string, body: UpdateWorkerPoolRequest, options?: CallOptions): Promise<WorkerPoolFull>;
  /** Delete a worker pool. */
  deleteWorkerPool(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolFull>;
  /** Pause a worker pool. */
  pauseWorkerPool(workerPoolId: string, body: PauseWorkerPoolRequest, options?: CallOptions): Promise<WorkerPoolFull>;
  /** Resume a worker pool. */
  resumeWorkerPool(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolFull>;
  /** Get the pause of a worker pool. */
  workerPoolPause(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolPause>;
  /** List the launch configs of a pool. */
  listWorkerPoolLaunchConfigs(workerPoolId: string, options?: QueryOptions<'continuationToken' | 'limit' | 'includeArchived'>): Promise<WorkerPoolLaunchConfigList>;
  /** Numbers of a worker pool. */
  workerPoolStats(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolStats>;
  /** Get a worker pool. */
  workerPool(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolFull>;
  /** List worker pools. */
  listWorkerPools(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<WorkerPoolList>;
  /** List paused worker pools. */
  listWorkerPoolPauses(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<WorkerPoolPauses>;
  /** Numbers of all worker pools. */
  listWorkerPoolsStats(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<WorkerPoolListStats>;
  /** Report an error of a worker. */
  reportWorkerError(workerPoolId: string, body: ReportWorkerErrorRequest, options?: CallOptions): Promise<WorkerPoolError>;
  /** Numbers of errors. */
  workerPoolErrorStats(options?: QueryOptions<'workerPoolId'>): Promise<WorkerPoolErrorStats>;
  /** List the errors of a pool. */
  listWorkerPoolErrors(workerPoolId: string, options?: QueryOptions<'continuationToken' | 'limit' | 'launchConfigId' | 'errorId'>): Promise<WorkerPoolErrorList>;
  /** List what was decided about a pool. */
  workerPoolDecisions(workerPoolId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ProvisioningDecisionList>;
  /** What a pool had and cost. */
  workerPoolSamples(workerPoolId: string, options?: CallOptions): Promise<WorkerPoolSampleList>;
  /** List the workers of a group. */
  listWorkersForWorkerGroup(workerPoolId: string, workerGroup: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<WorkerList>;
  /** Get a worker. */
  worker(workerPoolId: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<WorkerFull>;
  /** Create a worker. */
  createWorker(workerPoolId: string, workerGroup: string, workerId: string, body: CreateWorkerRequest, options?: CallOptions): Promise<WorkerFull>;
  /** Change a worker. */
  updateWorker(workerPoolId: string, workerGroup: string, workerId: string, body: CreateWorkerRequest, options?: CallOptions): Promise<WorkerFull>;
  /** Remove a worker. */
  removeWorker(workerPoolId: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<void>;
  /** Drain a worker. */
  drainWorker(workerPoolId: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<void>;
  /** Ask whether a worker should go. */
  shouldWorkerTerminate(workerPoolId: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<ShouldWorkerTerminateResponse>;
  /** List the workers of a pool. */
  listWorkersForWorkerPool(workerPoolId: string, options?: QueryOptions<'continuationToken' | 'limit' | 'launchConfigId' | 'state'>): Promise<WorkerList>;
  /** Register a worker. */
  registerWorker(body: RegisterWorkerRequest, options?: CallOptions): Promise<RegisterWorkerResponse>;
  /** Register a worker again. */
  reregisterWorker(body: ReregisterWorkerRequest, options?: CallOptions): Promise<ReregisterWorkerResponse>;
  /** List the workers of a pool, provisioned or not. */
  listWorkers(provisionerId: string, workerType: string, options?: QueryOptions<'continuationToken' | 'limit' | 'quarantined' | 'launchConfigId' | 'workerState'>): Promise<WorkerManagerListWorkersResponse>;
  /** Get a worker, provisioned or not. */
  getWorker(provisionerId: string, workerType: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<WorkerManagerWorkerResponse>;
}

export type WorkerManager = WorkerManagerApi & ServiceClient;
export const WorkerManager = serviceClass<WorkerManagerApi>('worker-manager', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  listProviders: { method: 'GET', route: '/providers', title: 'List providers', query: ['continuationToken', 'limit'] },
  createWorkerPool: { method: 'PUT', route: '/worker-pool/<workerPoolId>', title: 'Create a worker pool', input: true },
  updateWorkerPool: { method: 'POST', route: '/worker-pool/<workerPoolId>', title: 'Replace a worker pool', input: true },
  deleteWorkerPool: { method: 'DELETE', route: '/worker-pool/<workerPoolId>', title: 'Delete a worker pool' },
  pauseWorkerPool: { method: 'POST', route: '/worker-pool/<workerPoolId>/pause', title: 'Pause a worker pool', input: true },
  resumeWorkerPool: { method: 'POST', route: '/worker-pool/<workerPoolId>/resume', title: 'Resume a worker pool' },
  workerPoolPause: { method: 'GET', route: '/worker-pool/<workerPoolId>/pause', title: 'Get the pause of a worker pool' },
  listWorkerPoolLaunchConfigs: { method: 'GET', route: '/worker-pool/<workerPoolId>/launch-configs', title: 'List the launch configs of a pool', query: ['continuationToken', 'limit', 'includeArchived'] },
  workerPoolStats: { method: 'GET', route: '/worker-pool/<workerPoolId>/stats', title: 'Numbers of a worker pool' },
  workerPool: { method: 'GET', route: '/worker-pool/<workerPoolId>', title: 'Get a worker pool' },
  listWorkerPools: { method: 'GET', route: '/worker-pools', title: 'List worker pools', query: ['continuationToken', 'limit'] },
  listWorkerPoolPauses: { method: 'GET', route: '/worker-pool-pauses', title: 'List paused worker pools', query: ['continuationToken', 'limit'] },
  listWorkerPoolsStats: { method: 'GET', route: '/worker-pools/stats', title: 'Numbers of all worker pools', query: ['continuationToken', 'limit'] },
  reportWorkerError: { method: 'POST', route: '/worker-pool-errors/<workerPoolId>', title: 'Report an error of a worker', input: true },
  workerPoolErrorStats: { method: 'GET', route: '/worker-pool-errors/stats', title: 'Numbers of errors', query: ['workerPoolId'] },
  listWorkerPoolErrors: { method: 'GET', route: '/worker-pool-errors/<workerPoolId>', title: 'List the errors of a pool', query: ['continuationToken', 'limit', 'launchConfigId', 'errorId'] },
  workerPoolDecisions: { method: 'GET', route: '/worker-pool-decisions/<workerPoolId>', title: 'List what was decided about a pool', query: ['continuationToken', 'limit'] },
  workerPoolSamples: { method: 'GET', route: '/worker-pool-samples/<workerPoolId>', title: 'What a pool had and cost' },
  listWorkersForWorkerGroup: { method: 'GET', route: '/workers/<workerPoolId>/<workerGroup>', title: 'List the workers of a group', query: ['continuationToken', 'limit'] },
  worker: { method: 'GET', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>', title: 'Get a worker' },
  createWorker: { method: 'PUT', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>', title: 'Create a worker', input: true },
  updateWorker: { method: 'POST', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>', title: 'Change a worker', input: true },
  removeWorker: { method: 'DELETE', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>', title: 'Remove a worker' },
  drainWorker: { method: 'POST', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>/drain', title: 'Drain a worker' },
  shouldWorkerTerminate: { method: 'GET', route: '/workers/<workerPoolId>/<workerGroup>/<workerId>/should-terminate', title: 'Ask whether a worker should go' },
  listWorkersForWorkerPool: { method: 'GET', route: '/workers/<workerPoolId>', title: 'List the workers of a pool', query: ['continuationToken', 'limit', 'launchConfigId', 'state'] },
  registerWorker: { method: 'POST', route: '/worker/register', title: 'Register a worker', input: true },
  reregisterWorker: { method: 'POST', route: '/worker/reregister', title: 'Register a worker again', input: true },
  listWorkers: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types/<workerType>/workers', title: 'List the workers of a pool, provisioned or not', query: ['continuationToken', 'limit', 'quarantined', 'launchConfigId', 'workerState'] },
  getWorker: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>', title: 'Get a worker, provisioned or not' },
});

/** The exchanges of the worker-manager service. */
export const workerManagerExchanges = {
  workerPoolCreated: exchange<PulseWorkerPoolMessage>('exchange/taskcluster-worker-manager/v1/worker-pool-created', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerPoolUpdated: exchange<PulseWorkerPoolMessage>('exchange/taskcluster-worker-manager/v1/worker-pool-updated', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerPoolError: exchange<PulseWorkerPoolErrorMessage>('exchange/taskcluster-worker-manager/v1/worker-pool-error', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerRequested: exchange<PulseWorkerMessage>('exchange/taskcluster-worker-manager/v1/worker-requested', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerRunning: exchange<PulseWorkerMessage>('exchange/taskcluster-worker-manager/v1/worker-running', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerStopped: exchange<PulseWorkerMessage>('exchange/taskcluster-worker-manager/v1/worker-stopped', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  workerRemoved: exchange<PulseWorkerRemovedMessage>('exchange/taskcluster-worker-manager/v1/worker-removed', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  launchConfigCreated: exchange<PulseLaunchConfigMessage>('exchange/taskcluster-worker-manager/v1/launch-config-created', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  launchConfigUpdated: exchange<PulseLaunchConfigMessage>('exchange/taskcluster-worker-manager/v1/launch-config-updated', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
  launchConfigArchived: exchange<PulseLaunchConfigMessage>('exchange/taskcluster-worker-manager/v1/launch-config-archived', ['=primary', 'providerId', 'provisionerId', 'workerType', 'workerGroup', 'workerId', 'launchConfigId', '#']),
};
