import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import type { Context } from './context.ts';
import * as schema from './schema.ts';
import { explainTask, listGroupLines, readOverview } from './service.ts';

export interface ViewServices {
  readonly views: Context;
}

const endpoint = routeFor<ViewServices>();
const about = { category: 'Views', stability: 'experimental', method: 'GET' } as const;

/** Pages of lines may be larger than others: a line is small. */
const linesLimit = { pattern: /^[0-9]+$/, parse: (value: string) => Math.min(Number(value), 5000) };

/** The methods of the service `views`. */
export const routes: readonly Route<ViewServices>[] = [
  endpoint(
    {
      ...about,
      name: 'listGroupLines',
      path: '/task-group/<taskGroupId>/lines',
      title: 'Tasks of a group, in short',
      description:
        'The tasks of a group with their names, states, dependencies and the times of their last runs, without ' +
        'definitions; up to 5000 in a page.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      query: { ...pagination, limit: linesLimit },
      output: schema.listGroupLinesResponse,
    },
    ({ views }, { params, query }) => listGroupLines(views, params.taskGroupId, query),
  ),
  endpoint(
    {
      ...about,
      name: 'explainTask',
      path: '/task/<taskId>/explanation',
      title: 'Why a task waits',
      description:
        'Why a task stands where it stands: the dependencies that it waits for, or its place in the line of its task ' +
        'queue, with the workers there and the last decision of the provisioner about them.',
      scopes: { AllOf: ['queue:get-task:<taskId>', 'queue:status:<taskId>'] },
      params: { taskId: parameters.slugid },
      output: schema.taskExplanation,
    },
    ({ views }, { params }) => explainTask(views, params.taskId),
  ),
  endpoint(
    {
      ...about,
      name: 'overview',
      path: '/overview',
      title: 'What goes on',
      description:
        'Task queues by how much waits and runs in them, the groups in which something happened last, what runs and ' +
        'what failed last.',
      scopes: 'views:overview',
      output: schema.overview,
    },
    ({ views }) => readOverview(views),
  ),
];
