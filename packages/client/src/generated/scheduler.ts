// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type ServiceClient, serviceClass } from '../service.ts';
import type { CreateTaskRequest, TaskMetadata } from './queue.ts';

export type ExtendTaskGraphRequest = {
  tasks: SchedulerTask[];
};
export type InspectTaskGraphResponse = {
  status: TaskGraphStatus;
  metadata: TaskMetadata;
  tags: Record<string, string>;
  scopes: string[];
  tasks: InspectTaskGraphTaskResponse[];
};
export type InspectTaskGraphTaskResponse = {
  taskId: string;
  name: string;
  requires: string[];
  requiresLeft: string[];
  reruns: number;
  rerunsLeft: number;
  state: 'unscheduled' | 'scheduled' | 'completed' | 'failed' | 'exception';
  satisfied: boolean;
  dependents: string[];
};
export type SchedulerTask = {
  taskId: string;
  requires?: string[];
  reruns?: number;
  task: CreateTaskRequest;
};
export type TaskGraph = {
  scopes?: string[];
  routes?: string[];
  tasks: SchedulerTask[];
  metadata: TaskMetadata;
  tags?: Record<string, string>;
};
export type TaskGraphBlockedMessage = {
  version: 1;
  status: TaskGraphStatus;
  taskId: string;
};
export type TaskGraphExtendedMessage = {
  version: 1;
  status: TaskGraphStatus;
};
export type TaskGraphInfoResponse = {
  status: TaskGraphStatus;
  metadata: TaskMetadata;
  tags: Record<string, string>;
};
export type TaskGraphStatus = {
  taskGraphId: string;
  schedulerId: string;
  state: 'running' | 'blocked' | 'finished';
};
export type TaskGraphStatusResponse = {
  status: TaskGraphStatus;
};

export interface SchedulerApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Create a task graph. */
  createTaskGraph(taskGraphId: string, body: TaskGraph, options?: CallOptions): Promise<TaskGraphStatusResponse>;
  /** Extend a task graph. */
  extendTaskGraph(taskGraphId: string, body: ExtendTaskGraphRequest, options?: CallOptions): Promise<TaskGraphStatusResponse>;
  /** Status of a task graph. */
  status(taskGraphId: string, options?: CallOptions): Promise<TaskGraphStatusResponse>;
  /** Status and purpose of a task graph. */
  info(taskGraphId: string, options?: CallOptions): Promise<TaskGraphInfoResponse>;
  /** Inspect a task graph. */
  inspect(taskGraphId: string, options?: CallOptions): Promise<InspectTaskGraphResponse>;
  /** Inspect a task of a graph. */
  inspectTask(taskGraphId: string, taskId: string, options?: CallOptions): Promise<InspectTaskGraphTaskResponse>;
}

export type Scheduler = SchedulerApi & ServiceClient;
export const Scheduler = serviceClass<SchedulerApi>('scheduler', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  createTaskGraph: { method: 'PUT', route: '/task-graph/<taskGraphId>', title: 'Create a task graph', input: true },
  extendTaskGraph: { method: 'POST', route: '/task-graph/<taskGraphId>/extend', title: 'Extend a task graph', input: true },
  status: { method: 'GET', route: '/task-graph/<taskGraphId>/status', title: 'Status of a task graph' },
  info: { method: 'GET', route: '/task-graph/<taskGraphId>/info', title: 'Status and purpose of a task graph' },
  inspect: { method: 'GET', route: '/task-graph/<taskGraphId>/inspect', title: 'Inspect a task graph' },
  inspectTask: { method: 'GET', route: '/task-graph/<taskGraphId>/inspect/<taskId>', title: 'Inspect a task of a graph' },
});

/** The exchanges of the scheduler service. */
export const schedulerExchanges = {
  taskGraphRunning: exchange<TaskGraphExtendedMessage>('exchange/taskcluster-scheduler/v1/task-graph-running', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGraphId', '#']),
  taskGraphExtended: exchange<TaskGraphExtendedMessage>('exchange/taskcluster-scheduler/v1/task-graph-extended', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGraphId', '#']),
  taskGraphBlocked: exchange<TaskGraphBlockedMessage>('exchange/taskcluster-scheduler/v1/task-graph-blocked', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGraphId', '#']),
  taskGraphFinished: exchange<TaskGraphExtendedMessage>('exchange/taskcluster-scheduler/v1/task-graph-finished', ['=primary', 'taskId', 'runId', 'workerGroup', 'workerId', 'provisionerId', 'workerType', 'schedulerId', 'taskGraphId', '#']),
};
