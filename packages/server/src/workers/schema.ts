import { type Static, Type } from 'typebox';
import {
  ContinuationToken,
  DateTime,
  distinct,
  exactly,
  Identifier,
  oneOf,
  ProvisionerId,
  publish,
  RunId,
  Slugid,
  TaskQueueId,
  WorkerType,
} from '../http/index.ts';

const { Optional, String: Text } = Type;

/** Every queue is `experimental`. The stability is no longer declared, but clients still expect one. */
export const QueueStability = oneOf(['experimental', 'stable', 'deprecated'], {
  description: 'How far to rely on this queue; always `experimental` here.',
});

/** A run, by the task that it belongs to and its number. */
export const RunRef = exactly({ taskId: Slugid, runId: RunId }, { title: 'Run of a task' });
export type RunRef = Static<typeof RunRef>;
export const taskRun = publish('queue', 'task-run', RunRef);

const activity = {
  stability: QueueStability,
  description: Text({ description: 'Empty unless one was written.' }),
  expires: DateTime,
  lastDateActive: DateTime,
};

// Provisioners and worker types are older views of task queues: one record has three views.
export const Provisioner = exactly({ provisionerId: ProvisionerId, ...activity }, { title: 'Provisioner' });
export type Provisioner = Static<typeof Provisioner>;
export const provisionerResponse = publish('queue', 'provisioner-response', Provisioner);

export const ListProvisionersResponse = exactly(
  { provisioners: distinct(Provisioner), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of provisioners' },
);
export type ListProvisionersResponse = Static<typeof ListProvisionersResponse>;
export const listProvisionersResponse = publish(
  'queue',
  'list-provisioners-response',
  ListProvisionersResponse,
);

export const WorkerTypeRecord = exactly(
  { provisionerId: ProvisionerId, workerType: WorkerType, taskQueueId: TaskQueueId, ...activity },
  { title: 'Worker type' },
);
export type WorkerTypeRecord = Static<typeof WorkerTypeRecord>;
export const workertypeResponse = publish('queue', 'workertype-response', WorkerTypeRecord);

export const ListWorkerTypesResponse = exactly(
  { workerTypes: distinct(WorkerTypeRecord), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of worker types' },
);
export type ListWorkerTypesResponse = Static<typeof ListWorkerTypesResponse>;
export const listWorkertypesResponse = publish('queue', 'list-workertypes-response', ListWorkerTypesResponse);

export const TaskQueue = exactly({ taskQueueId: TaskQueueId, ...activity }, { title: 'Task queue' });
export type TaskQueue = Static<typeof TaskQueue>;
export const taskqueueResponse = publish('queue', 'taskqueue-response', TaskQueue);

export const ListTaskQueuesResponse = exactly(
  { taskQueues: distinct(TaskQueue), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of task queues' },
);
export type ListTaskQueuesResponse = Static<typeof ListTaskQueuesResponse>;
export const listTaskqueuesResponse = publish('queue', 'list-taskqueues-response', ListTaskQueuesResponse);

const QuarantineUntil = Type.String({
  format: 'date-time',
  description: 'Until then the worker is given no work. A date in the past ends the quarantine.',
});

const ListedWorker = exactly({
  workerGroup: Identifier,
  workerId: Identifier,
  firstClaim: DateTime,
  lastDateActive: Optional(DateTime),
  latestTask: Optional(RunRef),
  quarantineUntil: Optional(QuarantineUntil),
});
export type ListedWorker = Static<typeof ListedWorker>;

export const ListWorkersResponse = exactly(
  { workers: distinct(ListedWorker), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of workers' },
);
export type ListWorkersResponse = Static<typeof ListWorkersResponse>;
export const listWorkersResponse = publish('queue', 'list-workers-response', ListWorkersResponse);

export const QuarantineDetail = exactly({
  clientId: Text({ description: 'Who ordered it.' }),
  updatedAt: DateTime,
  quarantineUntil: DateTime,
  quarantineInfo: Text({ description: 'The reason that was given.' }),
});
export type QuarantineDetail = Static<typeof QuarantineDetail>;

export const Worker = exactly(
  {
    provisionerId: ProvisionerId,
    workerType: WorkerType,
    taskQueueId: Optional(TaskQueueId),
    workerGroup: Identifier,
    workerId: Identifier,
    recentTasks: Type.Array(RunRef, {
      uniqueItems: false,
      description: 'The runs that it claimed last, oldest first.',
    }),
    expires: DateTime,
    firstClaim: DateTime,
    lastDateActive: Optional(DateTime),
    quarantineUntil: Optional(QuarantineUntil),
    quarantineDetails: Optional(
      distinct(QuarantineDetail, {
        description: 'The orders to quarantine it or to end that, oldest first.',
      }),
    ),
  },
  { title: 'Worker' },
);
export type Worker = Static<typeof Worker>;
export const workerResponse = publish('queue', 'worker-response', Worker);

export const QuarantineWorkerRequest = exactly(
  {
    quarantineUntil: QuarantineUntil,
    quarantineInfo: Optional(Text({ minLength: 0, maxLength: 4000, description: 'Why.' })),
  },
  { title: 'Order to quarantine a worker' },
);
export type QuarantineWorkerRequest = Static<typeof QuarantineWorkerRequest>;
export const quarantineWorkerRequest = publish('queue', 'quarantine-worker-request', QuarantineWorkerRequest);

export const UpdateWorkerRequest = exactly(
  { expires: Type.String({ format: 'date-time', description: 'When the record of the worker may go.' }) },
  { title: 'Declaration of a worker' },
);
export type UpdateWorkerRequest = Static<typeof UpdateWorkerRequest>;
export const updateWorkerRequest = publish('queue', 'update-worker-request', UpdateWorkerRequest);

const queueIds = { provisionerId: ProvisionerId, workerType: WorkerType, taskQueueId: TaskQueueId };
const Count = Type.Integer({ minimum: 0 });

export const PendingTasksResponse = exactly(
  { ...queueIds, pendingTasks: Count },
  { title: 'Number of pending tasks' },
);
export type PendingTasksResponse = Static<typeof PendingTasksResponse>;
export const pendingTasksResponse = publish('queue', 'pending-tasks-response', PendingTasksResponse);

export const TaskQueueCountsResponse = exactly(
  { ...queueIds, pendingTasks: Count, claimedTasks: Count },
  { title: 'Numbers of pending and claimed tasks' },
);
export type TaskQueueCountsResponse = Static<typeof TaskQueueCountsResponse>;
export const taskQueueCountsResponse = publish(
  'queue',
  'task-queue-counts-response',
  TaskQueueCountsResponse,
);
