import { pagination, parameters, routeFor } from '../http/index.ts';
import * as schema from './schema.ts';
import type { HookVerbs } from './service/index.ts';

/** What handlers of hooks are given. */
export interface HookServices {
  readonly hooks: HookVerbs;
}

const endpoint = routeFor<HookServices>();
const groupParams = { hookGroupId: parameters.matching(/^[a-zA-Z0-9_-]{1,1000}$/) };
const hookParams = { ...groupParams, hookId: parameters.matching(/^[a-zA-Z0-9_/-]{1,1000}$/) };
const path = '/hooks/<hookGroupId>/<hookId>' as const;
const category = 'Hooks';
const changeScopes = {
  AllOf: ['hooks:modify-hook:<hookGroupId>/<hookId>', 'assume:hook-id:<hookGroupId>/<hookId>'],
} as const;

const payloadRules =
  'The body is the payload; it must fit the trigger schema of the hook. A `taskId` in it becomes the id of the task, ' +
  'and then the same call again has no further effect.';

const asReply = ({ taskId }: { readonly taskId?: string }) =>
  taskId === undefined ? {} : { taskId, status: { taskId } };

/** The methods of the service `hooks`. */
export const routes = [
  endpoint(
    {
      name: 'listHookGroups',
      method: 'GET',
      path: '/hooks',
      category,
      title: 'List groups of hooks',
      description: 'All groups that have a hook.',
      stability: 'stable',
      scopes: 'hooks:list-hooks:',
      output: schema.listHookGroupsResponse,
    },
    ({ hooks }) => hooks.listGroups(),
  ),
  endpoint(
    {
      name: 'listHooks',
      method: 'GET',
      path: '/hooks/<hookGroupId>',
      category,
      title: 'List hooks of a group',
      description: 'All hooks of a group with their definitions.',
      stability: 'stable',
      scopes: 'hooks:list-hooks:<hookGroupId>',
      params: groupParams,
      output: schema.listHooksResponse,
    },
    ({ hooks }, { params }) => hooks.listHooks(params.hookGroupId),
  ),
  endpoint(
    {
      name: 'hook',
      method: 'GET',
      path,
      category,
      title: 'Look a hook up',
      description: 'The definition of a hook.',
      stability: 'stable',
      scopes: 'hooks:get:<hookGroupId>:<hookId>',
      params: hookParams,
      output: schema.hookDefinition,
    },
    ({ hooks }, { params }) => hooks.readHook(params),
  ),
  endpoint(
    {
      name: 'getHookStatus',
      method: 'GET',
      path: `${path}/status`,
      category: 'Hook Status',
      title: 'Status of a hook',
      description: 'The result of the last fire, and when the next one is due. Use `listLastFires` instead.',
      stability: 'deprecated',
      scopes: 'hooks:status:<hookGroupId>/<hookId>',
      params: hookParams,
      output: schema.hookStatus,
    },
    ({ hooks }, { params }) => hooks.readHookStatus(params),
  ),
  endpoint(
    {
      name: 'hookBindings',
      method: 'GET',
      path: `${path}/bindings`,
      category: 'Hook Status',
      title: 'Bindings of a hook',
      description: 'What a hook is bound to, and why nothing is heard of an exchange of another program.',
      stability: 'experimental',
      scopes: 'hooks:status:<hookGroupId>/<hookId>',
      params: hookParams,
      output: schema.hookBindingsResponse,
    },
    ({ hooks }, { params }) => hooks.readHookBindings(params),
  ),
  endpoint(
    {
      name: 'createHook',
      method: 'PUT',
      path,
      category,
      title: 'Create a hook',
      description:
        'Creates a hook. The caller needs the role of the hook, by which its tasks are created. The same call again ' +
        'has no further effect.',
      stability: 'stable',
      scopes: changeScopes,
      params: hookParams,
      input: schema.createHookRequest,
      output: schema.hookDefinition,
    },
    ({ hooks }, { params, body, caller: { clientId } }) =>
      hooks.createHook({ ...params, definition: body, clientId }),
  ),
  endpoint(
    {
      name: 'updateHook',
      method: 'POST',
      path,
      category,
      title: 'Change a hook',
      description: 'Replaces the definition of a hook. Bindings that are left out stay as they are.',
      stability: 'stable',
      scopes: changeScopes,
      params: hookParams,
      input: schema.createHookRequest,
      output: schema.hookDefinition,
    },
    ({ hooks }, { params, body, caller: { clientId } }) =>
      hooks.updateHook({ ...params, definition: body, clientId }),
  ),
  endpoint(
    {
      name: 'removeHook',
      method: 'DELETE',
      path,
      category,
      title: 'Delete a hook',
      description: 'Deletes a hook with what is known of its fires. Tasks that it created stay.',
      stability: 'stable',
      scopes: 'hooks:modify-hook:<hookGroupId>/<hookId>',
      params: hookParams,
    },
    ({ hooks }, { params, caller: { clientId } }) => hooks.removeHook({ ...params, clientId }),
  ),
  endpoint(
    {
      name: 'triggerHook',
      method: 'POST',
      path: `${path}/trigger`,
      category,
      title: 'Trigger a hook',
      description: `Creates a task by a hook. ${payloadRules}`,
      stability: 'stable',
      scopes: 'hooks:trigger-hook:<hookGroupId>/<hookId>',
      params: hookParams,
      input: schema.triggerHook,
      output: schema.triggerHookResponse,
    },
    ({ hooks }, { params, body: payload, caller: { clientId } }) =>
      hooks.trigger({ ...params, payload, by: { clientId } }).then(asReply),
  ),
  endpoint(
    {
      name: 'getTriggerToken',
      method: 'GET',
      path: `${path}/token`,
      category,
      title: 'Get the token of a hook',
      description: 'The token with which any caller may trigger the hook with `triggerHookWithToken`.',
      stability: 'stable',
      scopes: 'hooks:get-trigger-token:<hookGroupId>/<hookId>',
      params: hookParams,
      output: schema.triggerTokenResponse,
    },
    ({ hooks }, { params }) => hooks.readToken(params),
  ),
  endpoint(
    {
      name: 'resetTriggerToken',
      method: 'POST',
      path: `${path}/token`,
      category,
      title: 'Replace the token of a hook',
      description: 'Gives the hook another token. The one before is good for nothing from then on.',
      stability: 'stable',
      scopes: 'hooks:reset-trigger-token:<hookGroupId>/<hookId>',
      params: hookParams,
      output: schema.triggerTokenResponse,
    },
    ({ hooks }, { params }) => hooks.resetToken(params),
  ),
  endpoint(
    {
      name: 'triggerHookWithToken',
      method: 'POST',
      path: `${path}/trigger/<token>`,
      category,
      title: 'Trigger a hook by its token',
      description: `Creates a task by a hook, without credentials. ${payloadRules}`,
      stability: 'stable',
      params: { ...hookParams, token: parameters.printableAscii },
      input: schema.triggerHook,
      output: schema.triggerHookResponse,
    },
    ({ hooks }, { params: { token, ...ref }, body: payload }) =>
      hooks.trigger({ ...ref, payload, by: { token } }).then(asReply),
  ),
  endpoint(
    {
      name: 'listLastFires',
      method: 'GET',
      path: `${path}/last-fires`,
      category: 'Hook Status',
      title: 'List fires of a hook',
      description:
        'The results of the fires of the last year, the latest first, with the states of their tasks.',
      stability: 'stable',
      scopes: 'hooks:list-last-fires:<hookGroupId>/<hookId>',
      params: hookParams,
      query: pagination,
      output: schema.listLastFiresResponse,
    },
    ({ hooks }, { params, query }) => hooks.listLastFires({ ...params, ...query }),
  ),
];
