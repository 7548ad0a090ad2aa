import { type Static, Type } from 'typebox';
import { ContinuationToken, distinct, exactly, publish } from '../../http/index.ts';
import { Description, RoleId, Scope, Scopes, when } from './words.ts';

const { Array: List, Optional, String: Text } = Type;

export const CreateRoleRequest = exactly(
  { scopes: Scopes, description: Description },
  { title: 'Role to create or update' },
);
export type CreateRoleRequest = Static<typeof CreateRoleRequest>;
export const createRoleRequest = publish('auth', 'create-role-request', CreateRoleRequest);

export const Role = exactly(
  {
    roleId: RoleId,
    scopes: List(Scope, { uniqueItems: false, description: 'What the role adds, as it was given.' }),
    description: Description,
    created: when('When it was created.'),
    lastModified: when('When it was last changed.'),
    expandedScopes: distinct(Scope, {
      description: 'All that assuming the role gives, other roles included.',
    }),
  },
  { title: 'Role' },
);
export type Role = Static<typeof Role>;
export const getRoleResponse = publish('auth', 'get-role-response', Role);

export const listRolesResponse = publish(
  'auth',
  'list-roles-response',
  distinct(Role, { title: 'All roles' }),
);

export const ListRoles2Response = exactly(
  { roles: distinct(Role), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of roles' },
);
export type ListRoles2Response = Static<typeof ListRoles2Response>;
export const listRoles2Response = publish('auth', 'list-roles2-response', ListRoles2Response);

export const ListRoleIdsResponse = exactly(
  { roleIds: distinct(Text()), continuationToken: Optional(ContinuationToken) },
  { title: 'Page of role ids' },
);
export type ListRoleIdsResponse = Static<typeof ListRoleIdsResponse>;
export const listRoleIdsResponse = publish('auth', 'list-role-ids-response', ListRoleIdsResponse);
