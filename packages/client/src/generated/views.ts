// Generated from the server's contracts by `npm run generate`. Do not edit.
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type CountGroupLinesResponse = {
  taskGroupId: string;
  total: number;
  counts: Record<string, number>;
  fitting: number;
  fittingCounts: Record<string, number>;
};
export type FirstCausesResponse = {
  taskGroupId: string;
  found: number;
  isExact: boolean;
  causes: {
    task: ViewsTask;
    waiting: number;
  }[];
};
export type FoundGroup = {
  taskGroupId: string;
  name: string;
  owner: string;
  created: string;
  sealed?: string;
  counts: Record<string, number>;
};
export type GroupPartResponse = {
  taskGroupId: string;
  chosen: number;
  tasks: ViewsTask[];
};
export type ListGroupLinesResponse = {
  taskGroupId: string;
  tasks: ViewsTask[];
  continuationToken?: string;
};
export type ListGroupsResponse = {
  groups: FoundGroup[];
  continuationToken?: string;
};
export type Overview = {
  queues: {
    taskQueueId: string;
    pending: number;
    claimed: number;
    workers: number;
    oldest?: string;
  }[];
  groups: {
    taskGroupId: string;
    name: string;
    changed: string;
    counts: Record<string, number>;
  }[];
  running: ViewsTask2[];
  failed: ViewsTask2[];
};
export type TaskExplanation = {
  taskId: string;
  state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  because: string;
  unmet: {
    taskId: string;
    name: string;
    state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  }[];
  unmetCount: number;
  line?: {
    taskQueueId: string;
    before: number;
    since: string;
    running: number;
    workersSeen: number;
    workersQuarantined: number;
    lastSeen?: string;
    expected: {
      seconds?: number;
      says: string;
    };
    paused?: {
      since: string;
      reason: string;
    };
    decision?: {
      decided: string;
      action: string;
      reason: string;
      trouble?: string;
    };
  };
};
export type ViewsListTasksResponse = {
  tasks: ViewsTask2[];
  continuationToken?: string;
};
export type ViewsTask = {
  taskId: string;
  name: string;
  state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  reasonResolved?: 'completed' | 'failed' | 'deadline-exceeded' | 'canceled' | 'claim-expired' | 'worker-shutdown' | 'malformed-payload' | 'resource-unavailable' | 'internal-error' | 'intermittent-task' | 'superseded';
  taskQueueId: string;
  priority: 'highest' | 'very-high' | 'high' | 'medium' | 'low' | 'very-low' | 'lowest';
  dependencies: string[];
  requires: 'all-completed' | 'all-resolved';
  runs: number;
  scheduled?: string;
  started?: string;
  resolved?: string;
};
export type ViewsTask2 = {
  taskId: string;
  taskGroupId: string;
  name: string;
  taskQueueId: string;
  runId: number;
  at: string;
  state: 'unscheduled' | 'pending' | 'running' | 'completed' | 'failed' | 'exception';
  reasonResolved?: 'completed' | 'failed' | 'deadline-exceeded' | 'canceled' | 'claim-expired' | 'worker-shutdown' | 'malformed-payload' | 'resource-unavailable' | 'internal-error' | 'intermittent-task' | 'superseded';
};

export interface ViewsApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** Tasks of a group, in short. */
  listGroupLines(taskGroupId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListGroupLinesResponse>;
  /** Tasks of a group that fit. */
  selectGroupLines(taskGroupId: string, options?: QueryOptions<'continuationToken' | 'limit' | 'state' | 'search' | 'sort'>): Promise<ListGroupLinesResponse>;
  /** Numbers of the tasks of a group. */
  countGroupLines(taskGroupId: string, options?: QueryOptions<'state' | 'search'>): Promise<CountGroupLinesResponse>;
  /** Tasks of a group that fit, and those beside them. */
  selectGroupPart(taskGroupId: string, options?: QueryOptions<'state' | 'search' | 'sort'>): Promise<GroupPartResponse>;
  /** What a group failed by. */
  listFirstCauses(taskGroupId: string, options?: QueryOptions<'limit'>): Promise<FirstCausesResponse>;
  /** One task group. */
  describeGroup(taskGroupId: string, options?: CallOptions): Promise<FoundGroup>;
  /** Why a task waits. */
  explainTask(taskId: string, options?: CallOptions): Promise<TaskExplanation>;
  /** What goes on. */
  overview(options?: CallOptions): Promise<Overview>;
  /** Find groups of tasks. */
  listGroups(options?: QueryOptions<'continuationToken' | 'limit' | 'since' | 'name' | 'owner' | 'failed'>): Promise<ListGroupsResponse>;
  /** Find tasks. */
  listTasks(options?: QueryOptions<'continuationToken' | 'limit' | 'since' | 'name' | 'state' | 'taskQueueId' | 'route' | 'tag'>): Promise<ViewsListTasksResponse>;
}

export type Views = ViewsApi & ServiceClient;
export const Views = serviceClass<ViewsApi>('views', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  listGroupLines: { method: 'GET', route: '/task-group/<taskGroupId>/lines', title: 'Tasks of a group, in short', query: ['continuationToken', 'limit'] },
  selectGroupLines: { method: 'GET', route: '/task-group/<taskGroupId>/selection', title: 'Tasks of a group that fit', query: ['continuationToken', 'limit', 'state', 'search', 'sort'] },
  countGroupLines: { method: 'GET', route: '/task-group/<taskGroupId>/counts', title: 'Numbers of the tasks of a group', query: ['state', 'search'] },
  selectGroupPart: { method: 'GET', route: '/task-group/<taskGroupId>/part', title: 'Tasks of a group that fit, and those beside them', query: ['state', 'search', 'sort'] },
  listFirstCauses: { method: 'GET', route: '/task-group/<taskGroupId>/first-causes', title: 'What a group failed by', query: ['limit'] },
  describeGroup: { method: 'GET', route: '/task-group/<taskGroupId>', title: 'One task group' },
  explainTask: { method: 'GET', route: '/task/<taskId>/explanation', title: 'Why a task waits' },
  overview: { method: 'GET', route: '/overview', title: 'What goes on' },
  listGroups: { method: 'GET', route: '/task-groups', title: 'Find groups of tasks', query: ['continuationToken', 'limit', 'since', 'name', 'owner', 'failed'] },
  listTasks: { method: 'GET', route: '/tasks', title: 'Find tasks', query: ['continuationToken', 'limit', 'since', 'name', 'state', 'taskQueueId', 'route', 'tag'] },
});
