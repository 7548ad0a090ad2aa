import { pagination, parameters } from '../../http/index.ts';
import {
  createRoleRequest,
  getRoleResponse,
  listRoleIdsResponse,
  listRoles2Response,
  listRolesResponse,
} from '../schema/index.ts';
import { endpoint } from './endpoint.ts';

const params = { roleId: parameters.printableAscii };
const category = 'Roles';
const stability = 'stable';

export const roleRoutes = [
  endpoint(
    {
      name: 'listRoles',
      method: 'GET',
      path: '/roles/',
      category,
      title: 'List all roles',
      description: 'Every role in one reply. `listRoles2` gives pages.',
      stability,
      scopes: 'auth:list-roles',
      output: listRolesResponse,
    },
    ({ auth }) => auth.listRoles(),
  ),
  endpoint(
    {
      name: 'listRoles2',
      method: 'GET',
      path: '/roles2/',
      query: pagination,
      category,
      title: 'List roles',
      description: 'Roles in order of their id: in pages when `limit` is given, else all of them.',
      stability,
      scopes: 'auth:list-roles',
      output: listRoles2Response,
    },
    ({ auth }, { query }) => auth.listRoles2(query),
  ),
  endpoint(
    {
      name: 'listRoleIds',
      method: 'GET',
      path: '/roleids/',
      query: pagination,
      category,
      title: 'List ids of roles',
      description: 'Ids of roles in order: in pages when `limit` is given, else all of them.',
      stability,
      scopes: 'auth:list-roles',
      output: listRoleIdsResponse,
    },
    ({ auth }, { query }) => auth.listRoleIds(query),
  ),
  endpoint(
    {
      name: 'role',
      method: 'GET',
      path: '/roles/<roleId>',
      params,
      category,
      title: 'Get a role',
      description: 'One role, with all that it expands to.',
      stability,
      scopes: 'auth:get-role:<roleId>',
      output: getRoleResponse,
    },
    ({ auth }, call) => auth.role(call.params.roleId),
  ),
  endpoint(
    {
      name: 'createRole',
      method: 'PUT',
      path: '/roles/<roleId>',
      params,
      category,
      title: 'Create a role',
      description: [
        'The caller needs every scope of the role. A role that would come to assume itself is refused.',
        'A repeat with equal values gives the same answer; with other values it is a conflict.',
      ].join('\n'),
      stability,
      scopes: { AllOf: ['auth:create-role:<roleId>', { for: 'scope', in: 'scopes', each: '<scope>' }] },
      input: createRoleRequest,
      output: getRoleResponse,
    },
    ({ auth }, call) => auth.createRole(call.params.roleId, call.body, call),
  ),
  endpoint(
    {
      name: 'updateRole',
      method: 'POST',
      path: '/roles/<roleId>',
      params,
      category,
      title: 'Update a role',
      description: [
        'Replaces scopes and description. The caller needs those scopes that the role did not give before.',
        'A role that would come to assume itself is refused.',
      ].join('\n'),
      stability,
      scopes: { AllOf: ['auth:update-role:<roleId>', { for: 'scope', in: 'scopesAdded', each: '<scope>' }] },
      input: createRoleRequest,
      output: getRoleResponse,
    },
    ({ auth }, call) => auth.updateRole(call.params.roleId, call.body, call),
  ),
  endpoint(
    {
      name: 'deleteRole',
      method: 'DELETE',
      path: '/roles/<roleId>',
      params,
      category,
      title: 'Delete a role',
      description: 'Deletes a role, if there is one.',
      stability,
      scopes: 'auth:delete-role:<roleId>',
    },
    ({ auth }, call) => auth.deleteRole(call.params.roleId, call),
  ),
];
