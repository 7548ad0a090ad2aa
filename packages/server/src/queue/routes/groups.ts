import { pagination } from '../../http/index.ts';
import { groupView } from '../events.ts';
import * as schema from '../schema/index.ts';
import { endpoint, groupParams, textReply } from './contracts.ts';

/** Task groups. */
export const groupRoutes = [
  endpoint(
    {
      name: 'listTaskGroup',
      method: 'GET',
      path: '/task-group/<taskGroupId>/list',
      category: 'Task Groups',
      title: 'Tasks of a group',
      description: 'The tasks of a group, each with definition and status, in pages.',
      stability: 'stable',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: groupParams,
      query: pagination,
      output: schema.listTaskGroupResponse,
    },
    ({ queue }, { params, query }) => queue.listTaskGroup({ ...params, ...query }).then(textReply),
  ),
  endpoint(
    {
      name: 'cancelTaskGroup',
      method: 'POST',
      path: '/task-group/<taskGroupId>/cancel',
      category: 'Tasks',
      title: 'Cancel a group',
      description: 'Ends all tasks of a sealed group that are not resolved.',
      stability: 'experimental',
      scopes: 'queue:cancel-task-group:<schedulerId>/<taskGroupId>',
      params: groupParams,
      output: schema.cancelTaskGroupResponse,
    },
    ({ queue }, { params, authorize }) => queue.cancelGroup({ ...params, authorize }),
  ),
  endpoint(
    {
      name: 'rerunTaskGroup',
      method: 'POST',
      path: '/task-group/<taskGroupId>/rerun',
      category: 'Tasks',
      title: 'Rerun what failed in a group',
      description:
        'Adds a run to each task of a group that failed or ended as an exception and whose deadline has not passed, and ' +
        'restores its retries. Up to a thousand tasks change together, in one transaction. Only Taskyard has this method.',
      stability: 'experimental',
      scopes: 'queue:rerun-task-group:<schedulerId>/<taskGroupId>',
      params: groupParams,
      output: schema.rerunTaskGroupResponse,
    },
    ({ queue }, { params, authorize }) => queue.rerunGroup({ ...params, authorize }),
  ),
  endpoint(
    {
      name: 'getTaskGroup',
      method: 'GET',
      path: '/task-group/<taskGroupId>',
      category: 'Task Groups',
      title: 'Task group',
      description: 'What is known of a group besides its tasks.',
      stability: 'stable',
      scopes: 'queue:list-task-group:<taskGroupId>',
      params: groupParams,
      output: schema.taskGroupResponse,
    },
    ({ queue }, { params }) => queue.readGroup(params.taskGroupId).then(groupView),
  ),
  endpoint(
    {
      name: 'sealTaskGroup',
      method: 'POST',
      path: '/task-group/<taskGroupId>/seal',
      category: 'Task Groups',
      title: 'Seal a group',
      description: 'Closes a group for good: it takes no further tasks. A second call finds it sealed.',
      stability: 'experimental',
      scopes: 'queue:seal-task-group:<schedulerId>/<taskGroupId>',
      params: groupParams,
      output: schema.taskGroupResponse,
    },
    ({ queue }, { params, authorize }) => queue.sealGroups.one({ ...params, authorize }),
  ),
  endpoint(
    {
      name: 'changeTaskGroupPriority',
      method: 'POST',
      path: '/task-group/<taskGroupId>/priority',
      category: 'Task-Groups',
      title: 'Change the priority of a group',
      description: 'Changes the priority of all tasks of a group that were never resolved.',
      stability: 'experimental',
      scopes: 'queue:change-task-group-priority:<schedulerId>/<taskGroupId>',
      params: groupParams,
      input: schema.changeTaskPriorityRequest,
      output: schema.taskGroupPriorityChangeResponse,
    },
    ({ queue }, { params, body, authorize }) => queue.changeGroupPriority({ ...params, ...body, authorize }),
  ),
];
