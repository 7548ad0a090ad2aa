import { pagination, parameters, type Route, routeFor } from '../http/index.ts';
import { taskStates } from '../queue/index.ts';
import * as schema from './schema.ts';
import { selectionOrders, type ViewVerbs } from './service/index.ts';

export interface ViewServices {
  readonly views: ViewVerbs;
}

const endpoint = routeFor<ViewServices>();
const about = { category: 'Views', stability: 'experimental', method: 'GET' } as const;

/** Pages of lines may be larger than others, since lines are small. */
const linesLimit = { pattern: /^[0-9]+$/, parse: (value: string) => Math.min(Number(value), 5000) };

const text = parameters.matching(/^[^\0]{1,255}$/);
const finding = {
  ...pagination,
  since: parameters.matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/),
  name: text,
};

const state = taskStates.join('|');

/** What narrows the tasks of a group. */
const selection = {
  state: parameters.matching(new RegExp(`^(${state})(,(${state})){0,5}$`)),
  search: text,
};

const sort = parameters.matching(new RegExp(`^(${selectionOrders.join('|')})$`));

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
    ({ views }, { params, query }) => views.listGroupLines({ ...params, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'selectGroupLines',
      path: '/task-group/<taskGroupId>/selection',
      title: 'Tasks of a group that fit',
      description:
        'The tasks of a group in one of the states in `state` (separated by commas), with all words of `search` in their ' +
        'names, task queues or ids, sorted by `sort`: `state` with what went wrong first (the default), `name`, `queue`, ' +
        '`started` with the latest first, or `duration` with the longest first. Each page reads the statuses of the whole ' +
        'group, which takes seconds where it has a million tasks.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      query: {
        ...pagination,
        limit: linesLimit,
        ...selection,
        sort,
      },
      output: schema.selectGroupLinesResponse,
    },
    ({ views }, { params, query }) => views.selectGroupLines({ ...params, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'countGroupLines',
      path: '/task-group/<taskGroupId>/counts',
      title: 'Numbers of the tasks of a group',
      description:
        'How many tasks of a group are in each state, and how many of those that `selectGroupLines` lists with the same ' +
        '`state` and `search`. The numbers are exact.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      query: selection,
      output: schema.countGroupLinesResponse,
    },
    ({ views }, { params, query }) => views.countGroupLines({ ...params, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'selectGroupPart',
      path: '/task-group/<taskGroupId>/part',
      title: 'Tasks of a group that fit, and those beside them',
      description:
        'The first 500 tasks that `selectGroupLines` lists with the same `state`, `search` and `sort`, with those of the ' +
        'group that they depend on and those that depend on them: up to 2000 tasks, such as a graph can show of a large ' +
        'group.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      query: { ...selection, sort },
      output: schema.groupPartResponse,
    },
    ({ views }, { params, query }) => views.selectGroupPart({ ...params, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'listFirstCauses',
      path: '/task-group/<taskGroupId>/first-causes',
      title: 'What a group failed by',
      description:
        'The tasks of a group that went wrong though nothing in the group that they need did, those first that keep most ' +
        'others waiting; 20 of them unless `limit` says otherwise, and 100 at most. Where there are more, those are given ' +
        'that most tasks depend on directly. The statuses of the whole group are read, which takes seconds where it has a ' +
        'million tasks.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      query: { limit: pagination.limit },
      output: schema.firstCausesResponse,
    },
    ({ views }, { params, query }) => views.listFirstCauses({ ...params, ...query }),
  ),
  endpoint(
    {
      ...about,
      name: 'describeGroup',
      path: '/task-group/<taskGroupId>',
      title: 'One task group',
      description:
        'A task group as `listGroups` shows it: its name, its owner, and how many tasks are in each state.',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: { taskGroupId: parameters.slugid },
      output: schema.foundGroup,
    },
    ({ views }, { params }) => views.describeGroup(params.taskGroupId),
  ),
  endpoint(
    {
      ...about,
      name: 'explainTask',
      path: '/task/<taskId>/explanation',
      title: 'Why a task waits',
      description:
        'Why a task is in its state: the dependencies that it waits for, or its place in the line of its task ' +
        'queue, with the workers there and the last decision of the provisioner about them.',
      scopes: { AllOf: ['queue:get-task:<taskId>', 'queue:status:<taskId>'] },
      params: { taskId: parameters.slugid },
      output: schema.taskExplanation,
    },
    ({ views }, { params }) => views.explainTask(params.taskId),
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
    ({ views }) => views.readOverview(),
  ),
  endpoint(
    {
      ...about,
      name: 'listGroups',
      path: '/task-groups',
      title: 'Find groups of tasks',
      description:
        'Task groups, the newest first, with names and counts: those created no earlier than `since`, whose name contains ' +
        '`name`, whose owner is `owner`, and with `failed=true` those in which a task failed or ended as an exception, ' +
        'other than the upload of a source. A call looks at 100 groups at most.',
      scopes: 'views:list-groups',
      query: { ...finding, owner: text, failed: parameters.boolean },
      output: schema.listGroupsResponse,
    },
    ({ views }, { query }) => views.listGroups(query),
  ),
  endpoint(
    {
      ...about,
      name: 'listTasks',
      path: '/tasks',
      title: 'Find tasks',
      description:
        'Tasks of all groups, those of the newest groups first: those of groups created no earlier than `since`, in this ' +
        '`state`, of this `taskQueueId`, whose name contains `name`, with this `route`, with this `tag` (`key=value`). A ' +
        'call looks at 5000 tasks at most.',
      scopes: 'views:list-tasks',
      query: {
        ...finding,
        state: parameters.matching(new RegExp(`^(${state})$`)),
        taskQueueId: parameters.taskQueueId,
        route: text,
        tag: parameters.matching(/^[^\0=]{1,255}=[^\0]{0,4096}$/),
      },
      output: schema.listTasksResponse,
    },
    ({ views }, { query }) => views.listTasks(query),
  ),
];

const profiler = { category: 'Profiler', stability: 'experimental', method: 'GET' } as const;

/** Methods of the service `web-server`. They ask for no scopes: what they show is what anonymous callers may read. */
export const profileRoutes: readonly Route<ViewServices>[] = [
  endpoint(
    {
      ...profiler,
      name: 'taskGroupProfile',
      path: '/task-group/<taskGroupId>/profile',
      title: 'Task Group Profile',
      description:
        'When the tasks of a group waited and ran, as a profile for the Firefox Profiler. Anonymous callers have to hold ' +
        '`queue:list-task-group:<taskGroupId>`.',
      params: { taskGroupId: parameters.slugid },
    },
    ({ views }, { params, caller }) => views.taskGroupProfile({ ...params, caller }),
  ),
  endpoint(
    {
      ...profiler,
      name: 'taskProfile',
      path: '/task/<taskId>/profile',
      title: 'Task Log Profile',
      description:
        'The times in the log of a task, as a profile for the Firefox Profiler: of `public/logs/live.log`, else of ' +
        '`public/logs/live_backing.log`, of the last run. Anonymous callers have to hold `queue:get-task:<taskId>`, ' +
        '`queue:status:<taskId>` and `queue:get-artifact:<the name of the log>`.',
      params: { taskId: parameters.slugid },
    },
    ({ views }, { params, caller }) => views.taskProfile({ ...params, caller }),
  ),
];
