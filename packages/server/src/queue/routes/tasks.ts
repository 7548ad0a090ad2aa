import { pagination, type ScopeTemplate } from '../../http/index.ts';
import * as schema from '../schema/index.ts';
import { type GraphToCreate, graphText } from '../service/create-graph.ts';
import { endpoint, groupParams, statusReply, taskParams, textReply } from './contracts.ts';

const category = 'Tasks';

/** The scopes to create a task: its own scopes, its routes, project, scheduler, and its queue at its priority. */
export const createScopes: ScopeTemplate = {
  AllOf: [
    { for: 'scope', in: 'scopes', each: '<scope>' },
    { for: 'route', in: 'routes', each: 'queue:route:<route>' },
    'queue:create-task:project:<projectId>',
    'queue:scheduler-id:<schedulerId>',
    {
      AnyOf: [
        {
          for: 'priority',
          in: 'priorities',
          each: 'queue:create-task:<priority>:<provisionerId>/<workerType>',
        },
      ],
    },
  ],
};

/** The scopes to manage a task: by task, by project, or by the old pair of scopes. */
const schedulerScopes = (verb: string): ScopeTemplate => ({
  AnyOf: [
    `queue:${verb}:<schedulerId>/<taskGroupId>/<taskId>`,
    `queue:${verb}-in-project:<projectId>`,
    { AllOf: [`queue:${verb}`, 'assume:scheduler-id:<schedulerId>/<taskGroupId>'] },
  ],
});

/** The methods to create, read and manage tasks. */
export const taskRoutes = [
  endpoint(
    {
      name: 'task',
      method: 'GET',
      path: '/task/<taskId>',
      category,
      title: 'Task definition',
      description:
        'The definition of a task, with all defaults filled in. Only the priority may ever change.',
      stability: 'stable',
      scopes: 'queue:get-task:<taskId>',
      params: taskParams,
      output: schema.task,
    },
    ({ queue }, { params }) => queue.readDefinitions.one(params.taskId).then(textReply),
  ),
  endpoint(
    {
      name: 'tasks',
      method: 'POST',
      path: '/tasks',
      category,
      title: 'Many task definitions',
      description:
        'The definitions of the tasks in a list, in its order. Tasks that do not exist are left out.',
      stability: 'experimental',
      scopes: { AllOf: [{ for: 'taskId', in: 'taskIds', each: 'queue:get-task:<taskId>' }] },
      query: pagination,
      input: schema.tasksRequest,
      output: schema.tasksResponse,
    },
    ({ queue }, { body: { taskIds = [] }, query, authorize }) => {
      authorize({ taskIds });
      return queue.listTasks(taskIds, query).then(textReply);
    },
  ),
  endpoint(
    {
      name: 'statuses',
      method: 'POST',
      path: '/tasks/status',
      category,
      title: 'Many task statuses',
      description: 'The statuses of the tasks in a list, in its order. Tasks that do not exist are left out.',
      stability: 'experimental',
      scopes: { AllOf: [{ for: 'taskId', in: 'taskIds', each: 'queue:status:<taskId>' }] },
      query: pagination,
      input: schema.tasksRequest,
      output: schema.tasksStatusesResponse,
    },
    ({ queue }, { body: { taskIds = [] }, query, authorize }) => {
      authorize({ taskIds });
      return queue.listStatuses(taskIds, query).then(textReply);
    },
  ),
  endpoint(
    {
      name: 'status',
      method: 'GET',
      path: '/task/<taskId>/status',
      category,
      title: 'Task status',
      description: 'The status of a task: its state, its runs and the retries that are left.',
      stability: 'stable',
      scopes: 'queue:status:<taskId>',
      params: taskParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params }) =>
      queue.readStatuses.one(params.taskId).then((status) => textReply(`{"status":${status}}`)),
  ),
  endpoint(
    {
      name: 'listDependentTasks',
      method: 'GET',
      path: '/task/<taskId>/dependents',
      category,
      title: 'Dependents of a task',
      description: 'The tasks that depend on this one, whether they still wait for it or not.',
      stability: 'stable',
      scopes: 'queue:list-dependent-tasks:<taskId>',
      params: taskParams,
      query: pagination,
      output: schema.listDependentTasksResponse,
    },
    ({ queue }, { params, query }) => queue.listDependents({ ...params, ...query }).then(textReply),
  ),
  endpoint(
    {
      name: 'createTask',
      method: 'PUT',
      path: '/task/<taskId>',
      category,
      title: 'Create a task',
      description:
        'Creates a task under an id that the caller chose. The same call again has no further effect. The task is ' +
        'pending at once unless it waits for dependencies, all of which must exist.',
      stability: 'stable',
      scopes: createScopes,
      params: taskParams,
      input: schema.createTaskRequest,
      keepsText: true,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, body, authorize }) =>
      queue.createTasks
        .one({ taskId: params.taskId, request: body as schema.FilledTaskRequest, authorize })
        .then(statusReply),
  ),
  endpoint(
    {
      name: 'createTaskGroupTasks',
      method: 'POST',
      path: '/task-group/<taskGroupId>/tasks',
      category,
      title: 'Create a graph of tasks',
      description:
        'Creates many tasks of one group, which may depend on each other, in one transaction: all of them or, with a ' +
        'list of what is wrong with each, none. The same call again has no further effect. Dependencies must not form a ' +
        'cycle; a task that depends on itself alone waits for `scheduleTask`. At most 20,000 tasks and 64 MiB.',
      stability: 'experimental',
      scopes: createScopes,
      params: groupParams,
      input: schema.createTaskGroupTasksRequest,
      keepsText: true,
      output: schema.createTaskGroupTasksResponse,
      bodyBytesMax: 64 * 2 ** 20,
    },
    ({ queue }, { params, body, authorize }) =>
      queue
        .createGraph({ ...params, tasks: body.tasks as GraphToCreate['tasks'], authorize })
        .then((records) => graphText(params.taskGroupId, records))
        .then(textReply),
  ),
  endpoint(
    {
      name: 'scheduleTask',
      method: 'POST',
      path: '/task/<taskId>/schedule',
      category,
      title: 'Schedule a task',
      description:
        'Makes a task pending that is unscheduled, whatever its dependencies. Otherwise nothing changes.',
      stability: 'stable',
      scopes: schedulerScopes('schedule-task'),
      params: taskParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, authorize }) => queue.scheduleTasks.one({ ...params, authorize }).then(statusReply),
  ),
  endpoint(
    {
      name: 'rerunTask',
      method: 'POST',
      path: '/task/<taskId>/rerun',
      category,
      title: 'Rerun a task',
      description:
        'Adds a run to a resolved task and restores its retries. Dependencies are not looked at again, and dependents ' +
        'are left alone.',
      stability: 'stable',
      scopes: schedulerScopes('rerun-task'),
      params: taskParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, authorize }) => queue.rerunTasks.one({ ...params, authorize }).then(statusReply),
  ),
  endpoint(
    {
      name: 'cancelTask',
      method: 'POST',
      path: '/task/<taskId>/cancel',
      category,
      title: 'Cancel a task',
      description:
        'Ends a task that is not resolved as an exception, whatever it is doing. It is not retried.',
      stability: 'stable',
      scopes: schedulerScopes('cancel-task'),
      params: taskParams,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, authorize }) => queue.cancelTasks.one({ ...params, authorize }).then(statusReply),
  ),
  endpoint(
    {
      name: 'changeTaskPriority',
      method: 'POST',
      path: '/task/<taskId>/priority',
      category,
      title: 'Change the priority of a task',
      description:
        'Changes the priority of a task that was never resolved; a pending run changes its place in line.',
      stability: 'experimental',
      scopes: {
        AnyOf: ['queue:change-task-priority:<taskId>', 'queue:change-task-priority-in-queue:<taskQueueId>'],
      },
      params: taskParams,
      input: schema.changeTaskPriorityRequest,
      output: schema.taskStatusResponse,
    },
    ({ queue }, { params, body, authorize }) =>
      queue.changePriorities.one({ ...params, ...body, authorize }).then(statusReply),
  ),
];
