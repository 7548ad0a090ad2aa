import { parameters, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { TaskGraphVerbs } from './service/index.ts';

/** The services that the handlers of task graphs use. */
export interface TaskGraphServices {
  readonly taskGraphs: TaskGraphVerbs;
}

const endpoint = routeFor<TaskGraphServices>();
const category = 'Task graphs';
const graphParams = { taskGraphId: parameters.slugid };
const bodyBytesMax = 64 * 2 ** 20;
const inspectScope = 'scheduler:inspect-task-graph:<taskGraphId>';

/** The methods of the service `scheduler`. */
export const routes = [
  endpoint(
    {
      name: 'createTaskGraph',
      method: 'PUT',
      path: '/task-graph/<taskGraphId>',
      category,
      title: 'Create a task graph',
      description:
        'Creates a graph with all of its tasks or, with a list of all that is wrong, nothing. The same ' +
        'call again has no further effect. The caller needs every scope that the graph is given; the tasks ' +
        'are created by these.',
      stability: 'stable',
      scopes: {
        AllOf: [
          'scheduler:create-task-graph',
          { for: 'scope', in: 'scopes', each: '<scope>' },
          { for: 'route', in: 'routes', each: 'scheduler:route:<route>' },
        ],
      },
      params: graphParams,
      input: schema.taskGraph,
      output: schema.taskGraphStatusResponse,
      bodyBytesMax,
    },
    ({ taskGraphs }, { params, body, authorize }) =>
      taskGraphs
        .createTaskGraph({ ...params, definition: body as unknown as schema.FilledTaskGraph, authorize })
        .then((status) => ({ status })),
  ),
  endpoint(
    {
      name: 'extendTaskGraph',
      method: 'POST',
      path: '/task-graph/<taskGraphId>/extend',
      category,
      title: 'Extend a task graph',
      description:
        'Adds tasks to a graph, all or none, by the scopes of the graph. They may require tasks that it ' +
        'has already. The state of the graph stays as it is, so call this from a task of it that is running.',
      stability: 'stable',
      scopes: 'scheduler:extend-task-graph:<taskGraphId>',
      params: graphParams,
      input: schema.extendTaskGraphRequest,
      output: schema.taskGraphStatusResponse,
      bodyBytesMax,
    },
    ({ taskGraphs }, { params, body }) =>
      taskGraphs
        .extendTaskGraph({ ...params, tasks: body.tasks as unknown as schema.FilledTaskGraph['tasks'] })
        .then((status) => ({ status })),
  ),
  endpoint(
    {
      name: 'status',
      method: 'GET',
      path: '/task-graph/<taskGraphId>/status',
      category,
      title: 'Status of a task graph',
      description: 'Whether a graph is running, blocked, or finished, which means success.',
      stability: 'stable',
      scopes: inspectScope,
      params: graphParams,
      output: schema.taskGraphStatusResponse,
    },
    ({ taskGraphs }, { params }) => taskGraphs.readStatus(params.taskGraphId).then((status) => ({ status })),
  ),
  endpoint(
    {
      name: 'info',
      method: 'GET',
      path: '/task-graph/<taskGraphId>/info',
      category,
      title: 'Status and purpose of a task graph',
      description: 'The status of a graph with its metadata and tags.',
      stability: 'stable',
      scopes: inspectScope,
      params: graphParams,
      output: schema.taskGraphInfoResponse,
    },
    ({ taskGraphs }, { params }) => taskGraphs.readInfo(params.taskGraphId),
  ),
  endpoint(
    {
      name: 'inspect',
      method: 'GET',
      path: '/task-graph/<taskGraphId>/inspect',
      category,
      title: 'Inspect a task graph',
      description:
        'All that is known of a graph, with each of its tasks: what it waits for and who waits for it.',
      stability: 'stable',
      scopes: inspectScope,
      params: graphParams,
      output: schema.inspectTaskGraphResponse,
    },
    ({ taskGraphs }, { params }) => taskGraphs.inspect(params.taskGraphId),
  ),
  endpoint(
    {
      name: 'inspectTask',
      method: 'GET',
      path: '/task-graph/<taskGraphId>/inspect/<taskId>',
      category,
      title: 'Inspect a task of a graph',
      description: 'What the graph knows of one of its tasks.',
      stability: 'stable',
      scopes: inspectScope,
      params: { ...graphParams, taskId: parameters.slugid },
      output: schema.inspectTaskGraphTaskResponse,
    },
    ({ taskGraphs }, { params }) => taskGraphs.inspectTask(params),
  ),
];
