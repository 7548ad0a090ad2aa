// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type Artifact = {
  storageType: 's3';
  expires: string;
  contentType: string;
  contentLength?: number;
};
export type ArtifactContentResponse = {
  storageType: 's3';
  url: string;
} | {
  storageType: 'object';
  name: string;
  credentials: TaskCredentials;
} | {
  storageType: 'reference';
  url: string;
} | {
  storageType: 'error';
  reason: string;
  message: string;
};
export type ArtifactCreatedMessage = {
  version: 1;
  status: TaskStatus;
  runId: number;
  workerGroup: string;
  workerId: string;
  artifact: {
    storageType: 'reference' | 'link' | 'error' | 'object';
    name: string;
    expires: string;
    contentType: string;
  };
};
export type ArtifactResponse = {
  storageType: 's3' | 'object' | 'reference' | 'link' | 'error';
  name: string;
  expires: string;
  contentType: string;
  contentLength?: number;
};
export type AwaitLostRunsRequest = {
  workerGroup: string;
  workerId: string;
  runs: {
    taskId: string;
    runId: number;
  }[];
};
export type AwaitLostRunsResponse = {
  runs: {
    taskId: string;
    runId: number;
  }[];
};
export type CancelTaskGroupResponse = {
  taskGroupId: string;
  taskGroupSize: number;
  cancelledCount: number;
  taskIds: string[];
};
export type ChangeTaskPriorityRequest = {
  newPriority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
};
export type ClaimWorkRequest = {
  workerGroup: string;
  workerId: string;
  tasks?: number;
};
export type ClaimWorkResponse = {
  tasks: TaskClaimResponse[];
};
export type CreateArtifactInPartsRequest = {
  expires: string;
  contentType: string;
  contentEncoding?: 'gzip';
  contentLength: number;
  uploadId?: string;
};
export type CreateArtifactInPartsResponse = {
  uploadId: string;
  partLength: number;
  partUrls: string[];
  expires: string;
};
export type CreateArtifactsRequest = {
  artifacts: {
    name: string;
    artifact: PostArtifactRequest;
    content?: {
      base64: string;
      sha256: string;
      contentEncoding?: 'gzip';
    };
  }[];
};
export type CreateArtifactsResponse = {
  artifacts: {
    name: string;
    artifact?: PostArtifactResponse;
    isStored?: boolean;
    error?: Error;
  }[];
};
export type CreateTaskGroupTasksRequest = {
  tasks: {
    taskId: string;
    task: CreateTaskRequest;
  }[];
};
export type CreateTaskGroupTasksResponse = {
  taskGroupId: string;
  statuses: TaskStatus[];
};
export type CreateTaskRequest = {
  provisionerId?: string;
  workerType?: string;
  taskQueueId?: string;
  taskGroupId?: string;
  schedulerId?: string;
  projectId?: string;
  dependencies?: string[];
  requires?: 'all-completed' | 'all-resolved';
  routes?: string[];
  priority?: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  retries?: number;
  created: string;
  deadline: string;
  expires?: string;
  scopes?: string[];
  payload?: Record<string, unknown>;
  metadata: TaskMetadata;
  tags?: Record<string, string>;
  extra?: Record<string, unknown>;
};
export type Error = {
  statusCode: number;
  code: string;
  message: string;
};
export type FinishArtifactInPartsRequest = {
  uploadId: string;
  contentLength: number;
  etags: string[];
};
export type FinishArtifactRequest = {
  uploadId: string;
};
export type GetArtifactResponse = {
  storageType: string;
  url: string;
};
export type ListArtifactsResponse = {
  artifacts: ArtifactResponse[];
  continuationToken?: string;
};
export type ListClaimedTasksResponse = {
  tasks: {
    taskId: string;
    runId: number;
    workerGroup: string;
    workerId: string;
    claimed: string;
    task: Task;
  }[];
  continuationToken?: string;
};
export type ListDependentTasksResponse = {
  taskId: string;
  tasks: {
    status: TaskStatus;
    task: Task;
  }[];
  continuationToken?: string;
};
export type ListPendingTasksResponse = {
  tasks: {
    taskId: string;
    runId: number;
    task: Task;
    inserted: string;
  }[];
  continuationToken?: string;
};
export type ListProvisionersResponse = {
  provisioners: ProvisionerResponse[];
  continuationToken?: string;
};
export type ListTaskGroupResponse = {
  taskGroupId: string;
  schedulerId: string;
  expires: string;
  sealed?: string;
  tasks: {
    status: TaskStatus;
    task: Task;
  }[];
  continuationToken?: string;
};
export type ListTaskqueuesResponse = {
  taskQueues: TaskqueueResponse[];
  continuationToken?: string;
};
export type ListWorkersResponse = {
  workers: {
    workerGroup: string;
    workerId: string;
    firstClaim: string;
    lastDateActive?: string;
    latestTask?: {
      taskId: string;
      runId: number;
    };
    quarantineUntil?: string;
  }[];
  continuationToken?: string;
};
export type ListWorkertypesResponse = {
  workerTypes: WorkertypeResponse[];
  continuationToken?: string;
};
export type PendingTasksResponse = {
  provisionerId: string;
  workerType: string;
  taskQueueId: string;
  pendingTasks: number;
};
export type PostArtifactRequest = Artifact | QueueArtifact | QueueArtifact2 | QueueArtifact3 | QueueArtifact4;
export type PostArtifactResponse = QueueArtifact5 | QueueArtifact6 | {
  storageType: 'reference';
} | {
  storageType: 'link';
} | {
  storageType: 'error';
};
export type ProvisionerResponse = {
  provisionerId: string;
  stability: 'experimental' | 'stable' | 'deprecated';
  description: string;
  expires: string;
  lastDateActive: string;
};
export type QuarantineWorkerRequest = {
  quarantineUntil: string;
  quarantineInfo?: string;
};
export type QueueArtifact = {
  storageType: 'object';
  expires: string;
  contentType: string;
  contentLength?: number;
};
export type QueueArtifact2 = {
  storageType: 'reference';
  expires: string;
  contentType: string;
  url: string;
};
export type QueueArtifact3 = {
  storageType: 'link';
  expires: string;
  contentType?: string;
  artifact: string;
};
export type QueueArtifact4 = {
  storageType: 'error';
  expires: string;
  reason: 'file-missing-on-worker' | 'invalid-resource-on-worker' | 'too-large-file-on-worker' | 'file-not-readable-on-worker';
  message: string;
};
export type QueueArtifact5 = {
  storageType: 's3';
  putUrl: string;
  expires: string;
  contentType: string;
};
export type QueueArtifact6 = {
  storageType: 'object';
  name: string;
  projectId: string;
  uploadId: string;
  expires: string;
  credentials: TaskCredentials;
};
export type ReportRunsRequest = {
  reports: {
    taskId: string;
    runId: number;
    state: 'completed' | 'failed' | 'exception';
    reason?: 'worker-shutdown' | 'malformed-payload' | 'resource-unavailable' | 'internal-error' | 'intermittent-task';
    authorization: string;
  }[];
};
export type ReportRunsResponse = {
  reports: {
    taskId: string;
    runId: number;
    status?: TaskStatus;
    error?: Error;
  }[];
};
export type RerunTaskGroupResponse = {
  taskGroupId: string;
  taskIds: string[];
};
export type Run = {
  runId: number;
  state: 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  reasonCreated: 'scheduled' | 'retry' | 'task-retry' | 'rerun' | 'exception';
  reasonResolved?: 'completed' | 'failed' | 'deadline-exceeded' | 'canceled' | 'claim-expired' | 'worker-shutdown' | 'malformed-payload' | 'resource-unavailable' | 'internal-error' | 'intermittent-task' | 'superseded';
  workerGroup?: string;
  workerId?: string;
  takenUntil?: string;
  scheduled: string;
  started?: string;
  resolved?: string;
};
export type Task = {
  provisionerId: string;
  workerType: string;
  taskQueueId: string;
  taskGroupId: string;
  schedulerId: string;
  projectId?: string;
  dependencies: string[];
  requires: 'all-completed' | 'all-resolved';
  routes: string[];
  priority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  retries: number;
  created: string;
  deadline: string;
  expires?: string;
  scopes: string[];
  payload: Record<string, unknown>;
  metadata: TaskMetadata;
  tags: Record<string, string>;
  extra: Record<string, unknown>;
};
export type TaskClaimRequest = {
  workerGroup: string;
  workerId: string;
};
export type TaskClaimResponse = {
  status: TaskStatus;
  runId: number;
  workerGroup: string;
  workerId: string;
  takenUntil: string;
  task: Task;
  credentials: TaskCredentials;
};
export type TaskCompletedMessage = {
  version: 1;
  status: TaskStatus;
  task?: {
    tags: Record<string, string>;
  };
  runId: number;
  workerGroup: string;
  workerId: string;
};
export type TaskCredentials = {
  clientId: string;
  accessToken: string;
  certificate: string;
};
export type TaskDefinedMessage = {
  version: 1;
  status: TaskStatus;
  task?: {
    tags: Record<string, string>;
  };
};
export type TaskExceptionMessage = {
  version: 1;
  status: TaskStatus;
  task?: {
    tags: Record<string, string>;
  };
  runId?: number;
  workerGroup?: string;
  workerId?: string;
};
export type TaskExceptionRequest = {
  reason: 'worker-shutdown' | 'malformed-payload' | 'resource-unavailable' | 'internal-error' | 'intermittent-task';
};
export type TaskGroupChangedMessage = {
  version: 1;
  taskGroupId: string;
  schedulerId: string;
  expires: string;
  sealed?: string;
};
export type TaskGroupPriorityChangeResponse = {
  taskGroupId: string;
  schedulerId: string;
  newPriority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  tasksAffected: number;
  taskIds: string[];
};
export type TaskGroupPriorityChangedMessage = {
  version: 1;
  taskGroupId: string;
  schedulerId: string;
  newPriority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  tasksAffected: number;
};
export type TaskGroupResponse = {
  taskGroupId: string;
  schedulerId: string;
  expires: string;
  sealed?: string;
};
export type TaskMetadata = {
  name: string;
  description: string;
  owner: string;
  source: string;
};
export type TaskPendingMessage = {
  version: 1;
  status: TaskStatus;
  task?: {
    tags: Record<string, string>;
  };
  runId: number;
};
export type TaskPriorityChangedMessage = {
  version: 1;
  status: TaskStatus;
  oldPriority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  newPriority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
};
export type TaskQueueCountsBatchRequest = {
  taskQueueIds: string[];
};
export type TaskQueueCountsBatchResponse = {
  taskQueueCounts: {
    taskQueueId: string;
    pendingTasks: number;
    claimedTasks: number;
  }[];
};
export type TaskQueueCountsResponse = {
  provisionerId: string;
  workerType: string;
  taskQueueId: string;
  pendingTasks: number;
  claimedTasks: number;
};
export type TaskReclaimResponse = {
  status: TaskStatus;
  runId: number;
  workerGroup: string;
  workerId: string;
  takenUntil: string;
  credentials: TaskCredentials;
};
export type TaskRunningMessage = {
  version: 1;
  status: TaskStatus;
  task?: {
    tags: Record<string, string>;
  };
  runId: number;
  workerGroup: string;
  workerId: string;
  takenUntil: string;
};
export type TaskStatus = {
  taskId: string;
  provisionerId: string;
  workerType: string;
  taskQueueId: string;
  schedulerId: string;
  projectId: string;
  taskGroupId: string;
  priority?: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  deadline: string;
  expires: string;
  retriesLeft: number;
  state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  runs: Run[];
};
export type TaskStatusResponse = {
  status: TaskStatus;
};
export type TaskqueueResponse = {
  taskQueueId: string;
  stability: 'experimental' | 'stable' | 'deprecated';
  description: string;
  expires: string;
  lastDateActive: string;
};
export type TasksRequest = {
  taskIds?: string[];
};
export type TasksResponse = {
  tasks: {
    taskId: string;
    task: Task;
  }[];
  continuationToken?: string;
};
export type TasksStatusesResponse = {
  statuses: {
    taskId: string;
    status: TaskStatus;
  }[];
  continuationToken?: string;
};
export type UpdateWorkerRequest = {
  expires: string;
};
export type WorkerResponse = {
  provisionerId: string;
  workerType: string;
  taskQueueId?: string;
  workerGroup: string;
  workerId: string;
  recentTasks: {
    taskId: string;
    runId: number;
  }[];
  expires: string;
  firstClaim: string;
  lastDateActive?: string;
  quarantineUntil?: string;
  quarantineDetails?: {
    clientId: string;
    updatedAt: string;
    quarantineUntil: string;
    quarantineInfo: string;
  }[];
};
export type WorkertypeResponse = {
  provisionerId: string;
  workerType: string;
  taskQueueId: string;
  stability: 'experimental' | 'stable' | 'deprecated';
  description: string;
  expires: string;
  lastDateActive: string;
};

export interface QueueApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Task definition. */
  task(taskId: string, options?: CallOptions): Promise<Task>;
  /** Many task definitions. */
  tasks(body: TasksRequest, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<TasksResponse>;
  /** Many task statuses. */
  statuses(body: TasksRequest, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<TasksStatusesResponse>;
  /** Task status. */
  status(taskId: string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Dependents of a task. */
  listDependentTasks(taskId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListDependentTasksResponse>;
  /** Create a task. */
  createTask(taskId: string, body: CreateTaskRequest, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Create a graph of tasks. */
  createTaskGroupTasks(taskGroupId: string, body: CreateTaskGroupTasksRequest, options?: CallOptions): Promise<CreateTaskGroupTasksResponse>;
  /** Schedule a task. */
  scheduleTask(taskId: string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Rerun a task. */
  rerunTask(taskId: string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Cancel a task. */
  cancelTask(taskId: string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Change the priority of a task. */
  changeTaskPriority(taskId: string, body: ChangeTaskPriorityRequest, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Tasks of a group. */
  listTaskGroup(taskGroupId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListTaskGroupResponse>;
  /** Cancel a group. */
  cancelTaskGroup(taskGroupId: string, options?: CallOptions): Promise<CancelTaskGroupResponse>;
  /** Rerun what failed in a group. */
  rerunTaskGroup(taskGroupId: string, options?: CallOptions): Promise<RerunTaskGroupResponse>;
  /** Task group. */
  getTaskGroup(taskGroupId: string, options?: CallOptions): Promise<TaskGroupResponse>;
  /** Seal a group. */
  sealTaskGroup(taskGroupId: string, options?: CallOptions): Promise<TaskGroupResponse>;
  /** Change the priority of a group. */
  changeTaskGroupPriority(taskGroupId: string, body: ChangeTaskPriorityRequest, options?: CallOptions): Promise<TaskGroupPriorityChangeResponse>;
  /** Claim work. */
  claimWork(taskQueueId: string, body: ClaimWorkRequest, options?: CallOptions): Promise<ClaimWorkResponse>;
  /** Wait until runs are lost. */
  awaitLostRuns(taskQueueId: string, body: AwaitLostRunsRequest, options?: CallOptions): Promise<AwaitLostRunsResponse>;
  /** Claim a certain run. */
  claimTask(taskId: string, runId: number | string, body: TaskClaimRequest, options?: CallOptions): Promise<TaskClaimResponse>;
  /** Prolong a claim. */
  reclaimTask(taskId: string, runId: number | string, options?: CallOptions): Promise<TaskReclaimResponse>;
  /** Report success. */
  reportCompleted(taskId: string, runId: number | string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Report failure. */
  reportFailed(taskId: string, runId: number | string, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Report an exception. */
  reportException(taskId: string, runId: number | string, body: TaskExceptionRequest, options?: CallOptions): Promise<TaskStatusResponse>;
  /** Report many runs. */
  reportRuns(taskQueueId: string, body: ReportRunsRequest, options?: CallOptions): Promise<ReportRunsResponse>;
  /** Number of pending tasks. */
  pendingTasks(taskQueueId: string, options?: CallOptions): Promise<PendingTasksResponse>;
  /** Numbers of a task queue. */
  taskQueueCounts(taskQueueId: string, options?: CallOptions): Promise<TaskQueueCountsResponse>;
  /** Numbers of many task queues. */
  taskQueueCountsBatch(body: TaskQueueCountsBatchRequest, options?: CallOptions): Promise<TaskQueueCountsBatchResponse>;
  /** Pending tasks. */
  listPendingTasks(taskQueueId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListPendingTasksResponse>;
  /** Claimed tasks. */
  listClaimedTasks(taskQueueId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListClaimedTasksResponse>;
  /** Add an artifact to a run. */
  createArtifact(taskId: string, runId: number | string, name: string, body: PostArtifactRequest, options?: CallOptions): Promise<PostArtifactResponse>;
  /** Add many artifacts to a run. */
  createArtifacts(taskId: string, runId: number | string, body: CreateArtifactsRequest, options?: CallOptions): Promise<CreateArtifactsResponse>;
  /** Finish an artifact. */
  finishArtifact(taskId: string, runId: number | string, name: string, body: FinishArtifactRequest, options?: CallOptions): Promise<void>;
  /** Add a large artifact to a run. */
  createArtifactInParts(taskId: string, runId: number | string, name: string, body: CreateArtifactInPartsRequest, options?: CallOptions): Promise<CreateArtifactInPartsResponse>;
  /** Finish a large artifact. */
  finishArtifactInParts(taskId: string, runId: number | string, name: string, body: FinishArtifactInPartsRequest, options?: CallOptions): Promise<void>;
  /** Get an artifact of a run. */
  getArtifact(taskId: string, runId: number | string, name: string, options?: CallOptions): Promise<GetArtifactResponse>;
  /** Get an artifact of the last run. */
  getLatestArtifact(taskId: string, name: string, options?: CallOptions): Promise<GetArtifactResponse>;
  /** List the artifacts of a run. */
  listArtifacts(taskId: string, runId: number | string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListArtifactsResponse>;
  /** List the artifacts of the last run. */
  listLatestArtifacts(taskId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListArtifactsResponse>;
  /** Look up an artifact of a run. */
  artifactInfo(taskId: string, runId: number | string, name: string, options?: CallOptions): Promise<ArtifactResponse>;
  /** Look up an artifact of the last run. */
  latestArtifactInfo(taskId: string, name: string, options?: CallOptions): Promise<ArtifactResponse>;
  /** Find out how to fetch an artifact of a run. */
  artifact(taskId: string, runId: number | string, name: string, options?: CallOptions): Promise<ArtifactContentResponse>;
  /** Find out how to fetch an artifact of the last run. */
  latestArtifact(taskId: string, name: string, options?: CallOptions): Promise<ArtifactContentResponse>;
  /** List provisioners. */
  listProvisioners(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListProvisionersResponse>;
  /** Get a provisioner. */
  getProvisioner(provisionerId: string, options?: CallOptions): Promise<ProvisionerResponse>;
  /** List the worker types of a provisioner. */
  listWorkerTypes(provisionerId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListWorkertypesResponse>;
  /** Get a worker type. */
  getWorkerType(provisionerId: string, workerType: string, options?: CallOptions): Promise<WorkertypeResponse>;
  /** List task queues. */
  listTaskQueues(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListTaskqueuesResponse>;
  /** Get a task queue. */
  getTaskQueue(taskQueueId: string, options?: CallOptions): Promise<TaskqueueResponse>;
  /** List the workers of a worker type. */
  listWorkers(provisionerId: string, workerType: string, options?: QueryOptions<'continuationToken' | 'limit' | 'quarantined'>): Promise<ListWorkersResponse>;
  /** Get a worker. */
  getWorker(provisionerId: string, workerType: string, workerGroup: string, workerId: string, options?: CallOptions): Promise<WorkerResponse>;
  /** Quarantine a worker. */
  quarantineWorker(provisionerId: string, workerType: string, workerGroup: string, workerId: string, body: QuarantineWorkerRequest, options?: CallOptions): Promise<WorkerResponse>;
  /** Declare a worker. */
  declareWorker(provisionerId: string, workerType: string, workerGroup: string, workerId: string, body: UpdateWorkerRequest, options?: CallOptions): Promise<WorkerResponse>;
}

export type Queue = QueueApi & ServiceClient;
export const Queue = serviceClass<QueueApi>('queue', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  task: { method: 'GET', route: '/task/<taskId>', title: 'Task definition' },
  tasks: { method: 'POST', route: '/tasks', title: 'Many task definitions', input: true, query: ['continuationToken', 'limit'] },
  statuses: { method: 'POST', route: '/tasks/status', title: 'Many task statuses', input: true, query: ['continuationToken', 'limit'] },
  status: { method: 'GET', route: '/task/<taskId>/status', title: 'Task status' },
  listDependentTasks: { method: 'GET', route: '/task/<taskId>/dependents', title: 'Dependents of a task', query: ['continuationToken', 'limit'] },
  createTask: { method: 'PUT', route: '/task/<taskId>', title: 'Create a task', input: true },
  createTaskGroupTasks: { method: 'POST', route: '/task-group/<taskGroupId>/tasks', title: 'Create a graph of tasks', input: true },
  scheduleTask: { method: 'POST', route: '/task/<taskId>/schedule', title: 'Schedule a task' },
  rerunTask: { method: 'POST', route: '/task/<taskId>/rerun', title: 'Rerun a task' },
  cancelTask: { method: 'POST', route: '/task/<taskId>/cancel', title: 'Cancel a task' },
  changeTaskPriority: { method: 'POST', route: '/task/<taskId>/priority', title: 'Change the priority of a task', input: true },
  listTaskGroup: { method: 'GET', route: '/task-group/<taskGroupId>/list', title: 'Tasks of a group', query: ['continuationToken', 'limit'] },
  cancelTaskGroup: { method: 'POST', route: '/task-group/<taskGroupId>/cancel', title: 'Cancel a group' },
  rerunTaskGroup: { method: 'POST', route: '/task-group/<taskGroupId>/rerun', title: 'Rerun what failed in a group' },
  getTaskGroup: { method: 'GET', route: '/task-group/<taskGroupId>', title: 'Task group' },
  sealTaskGroup: { method: 'POST', route: '/task-group/<taskGroupId>/seal', title: 'Seal a group' },
  changeTaskGroupPriority: { method: 'POST', route: '/task-group/<taskGroupId>/priority', title: 'Change the priority of a group', input: true },
  claimWork: { method: 'POST', route: '/claim-work/<taskQueueId>', title: 'Claim work', input: true },
  awaitLostRuns: { method: 'POST', route: '/lost-runs/<taskQueueId>', title: 'Wait until runs are lost', input: true },
  claimTask: { method: 'POST', route: '/task/<taskId>/runs/<runId>/claim', title: 'Claim a certain run', input: true },
  reclaimTask: { method: 'POST', route: '/task/<taskId>/runs/<runId>/reclaim', title: 'Prolong a claim' },
  reportCompleted: { method: 'POST', route: '/task/<taskId>/runs/<runId>/completed', title: 'Report success' },
  reportFailed: { method: 'POST', route: '/task/<taskId>/runs/<runId>/failed', title: 'Report failure' },
  reportException: { method: 'POST', route: '/task/<taskId>/runs/<runId>/exception', title: 'Report an exception', input: true },
  reportRuns: { method: 'POST', route: '/report-runs/<taskQueueId>', title: 'Report many runs', input: true },
  pendingTasks: { method: 'GET', route: '/pending/<taskQueueId>', title: 'Number of pending tasks' },
  taskQueueCounts: { method: 'GET', route: '/task-queues/<taskQueueId>/counts', title: 'Numbers of a task queue' },
  taskQueueCountsBatch: { method: 'POST', route: '/task-queues/counts', title: 'Numbers of many task queues', input: true },
  listPendingTasks: { method: 'GET', route: '/task-queues/<taskQueueId>/pending', title: 'Pending tasks', query: ['continuationToken', 'limit'] },
  listClaimedTasks: { method: 'GET', route: '/task-queues/<taskQueueId>/claimed', title: 'Claimed tasks', query: ['continuationToken', 'limit'] },
  createArtifact: { method: 'POST', route: '/task/<taskId>/runs/<runId>/artifacts/<name>', title: 'Add an artifact to a run', input: true },
  createArtifacts: { method: 'POST', route: '/create-artifacts/<taskId>/<runId>', title: 'Add many artifacts to a run', input: true },
  finishArtifact: { method: 'PUT', route: '/task/<taskId>/runs/<runId>/artifacts/<name>', title: 'Finish an artifact', input: true },
  createArtifactInParts: { method: 'POST', route: '/artifact-in-parts/<taskId>/<runId>/<name>', title: 'Add a large artifact to a run', input: true },
  finishArtifactInParts: { method: 'PUT', route: '/artifact-in-parts/<taskId>/<runId>/<name>', title: 'Finish a large artifact', input: true },
  getArtifact: { method: 'GET', route: '/task/<taskId>/runs/<runId>/artifacts/<name>', title: 'Get an artifact of a run' },
  getLatestArtifact: { method: 'GET', route: '/task/<taskId>/artifacts/<name>', title: 'Get an artifact of the last run' },
  listArtifacts: { method: 'GET', route: '/task/<taskId>/runs/<runId>/artifacts', title: 'List the artifacts of a run', query: ['continuationToken', 'limit'] },
  listLatestArtifacts: { method: 'GET', route: '/task/<taskId>/artifacts', title: 'List the artifacts of the last run', query: ['continuationToken', 'limit'] },
  artifactInfo: { method: 'GET', route: '/task/<taskId>/runs/<runId>/artifact-info/<name>', title: 'Look up an artifact of a run' },
  latestArtifactInfo: { method: 'GET', route: '/task/<taskId>/artifact-info/<name>', title: 'Look up an artifact of the last run' },
  artifact: { method: 'GET', route: '/task/<taskId>/runs/<runId>/artifact-content/<name>', title: 'Find out how to fetch an artifact of a run' },
  latestArtifact: { method: 'GET', route: '/task/<taskId>/artifact-content/<name>', title: 'Find out how to fetch an artifact of the last run' },
  listProvisioners: { method: 'GET', route: '/provisioners', title: 'List provisioners', query: ['continuationToken', 'limit'] },
  getProvisioner: { method: 'GET', route: '/provisioners/<provisionerId>', title: 'Get a provisioner' },
  listWorkerTypes: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types', title: 'List the worker types of a provisioner', query: ['continuationToken', 'limit'] },
  getWorkerType: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types/<workerType>', title: 'Get a worker type' },
  listTaskQueues: { method: 'GET', route: '/task-queues', title: 'List task queues', query: ['continuationToken', 'limit'] },
  getTaskQueue: { method: 'GET', route: '/task-queues/<taskQueueId>', title: 'Get a task queue' },
  listWorkers: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types/<workerType>/workers', title: 'List the workers of a worker type', query: ['continuationToken', 'limit', 'quarantined'] },
  getWorker: { method: 'GET', route: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>', title: 'Get a worker' },
  quarantineWorker: { method: 'PUT', route: '/provisioners/<provisionerId>/worker-types/<workerType>/workers/<workerGroup>/<workerId>', title: 'Quarantine a worker', input: true },
  declareWorker: { method: 'PUT', route: '/provisioners/<provisionerId>/worker-types/<workerType>/<workerGroup>/<workerId>', title: 'Declare a worker', input: true },
});

/** The exchanges of the queue service. */
export const queueExchanges = {
  taskDefined: exchange<TaskDefinedMessage>('exchange/taskcluster-queue/v1/task-defined', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskPending: exchange<TaskPendingMessage>('exchange/taskcluster-queue/v1/task-pending', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskRunning: exchange<TaskRunningMessage>('exchange/taskcluster-queue/v1/task-running', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  artifactCreated: exchange<ArtifactCreatedMessage>('exchange/taskcluster-queue/v1/artifact-created', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskCompleted: exchange<TaskCompletedMessage>('exchange/taskcluster-queue/v1/task-completed', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskFailed: exchange<TaskCompletedMessage>('exchange/taskcluster-queue/v1/task-failed', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskException: exchange<TaskExceptionMessage>('exchange/taskcluster-queue/v1/task-exception', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskGroupResolved: exchange<TaskGroupChangedMessage>('exchange/taskcluster-queue/v1/task-group-resolved', ['=primary', 'taskGroupId', 'schedulerId', '#']),
  taskGroupSealed: exchange<TaskGroupChangedMessage>('exchange/taskcluster-queue/v1/task-group-sealed', ['=primary', 'taskGroupId', 'schedulerId', '#']),
  taskPriorityChanged: exchange<TaskPriorityChangedMessage>('exchange/taskcluster-queue/v1/task-priority-changed', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGroupId', '#']),
  taskGroupPriorityChanged: exchange<TaskGroupPriorityChangedMessage>('exchange/taskcluster-queue/v1/task-group-priority-changed', ['=primary', 'taskGroupId', 'schedulerId', '#']),
};
