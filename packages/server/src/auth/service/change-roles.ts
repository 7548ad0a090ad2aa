import { RequestError } from '../../base/index.ts';
import { type Change, roleChanged } from '../events.ts';
import type { CreateRoleRequest } from '../schema/index.ts';
import {
  addedToRole,
  areEqual,
  compareScopes,
  compileRoles,
  grantedBy,
  requireNoCycle,
  requireSoundRoleScopes,
} from '../scopes/index.ts';
import * as store from '../store.ts';
import { type By, oneByOne, type Recorded, record } from './changes.ts';
import { noRole } from './roles.ts';

// Changes run one after another, since only the whole set can be checked for cycles.

/** A role, and who wants to change it. */
export interface RoleChange {
  readonly roleId: string;
  readonly by: By;
}

export interface RoleToPut extends RoleChange {
  readonly wanted: CreateRoleRequest;
}

/** Refuses an invalid role, and a caller who lacks a scope that the role gives. */
export const requireCreatableRole = ({ roleId, wanted: { scopes }, by }: RoleToPut): void => {
  requireSoundRoleScopes(scopes);
  by.authorize({ scopes: grantedBy({ roleId, scopes }) });
};

/** Creates roles. A repeat with equal values returns the existing role. */
export const createRoles = oneByOne(
  async (tx, { roleId, wanted, by }: RoleToPut, work): Promise<store.RoleRow> => {
    await store.lockRoles(tx);
    const roles = await store.readRoles(tx);
    const current = roles.find((role) => role.roleId === roleId);
    if (current) return requireEqual(current, wanted);
    const fresh = { roleId, ...definition(wanted), created: work.now, lastModified: work.now };
    requireNoCycle(compileRoles([...roles, fresh]), roleId);
    await store.putRole(tx, fresh);
    await record(tx, [recorded(roleId, 'created', by)], { ...work, subject: 'roles' });
    return fresh;
  },
);

/** Replaces the definitions of roles. The caller needs each scope that the role did not give before. */
export const updateRoles = oneByOne(
  async (tx, { roleId, wanted, by }: RoleToPut, work): Promise<store.RoleRow> => {
    await store.lockRoles(tx);
    const roles = await store.readRoles(tx);
    const current = roles.find((role) => role.roleId === roleId) ?? noRole(roleId);
    by.authorize({ scopesAdded: addedToRole(compileRoles(roles), current, wanted.scopes) });
    const next = { ...current, ...definition(wanted), lastModified: work.now };
    requireNoCycle(compileRoles(roles.map((role) => (role === current ? next : role))), roleId);
    await store.putRole(tx, next);
    await record(tx, [recorded(roleId, 'updated', by)], { ...work, subject: 'roles' });
    return next;
  },
);

/** Deletes roles. One that does not exist counts as deleted. */
export const deleteRoles = oneByOne(async (tx, { roleId, by }: RoleChange, work): Promise<undefined> => {
  await store.lockRoles(tx);
  const changes = (await store.deleteRole(tx, roleId)) ? [recorded(roleId, 'deleted', by)] : [];
  await record(tx, changes, { ...work, subject: 'roles' });
});

const definition = ({ description, scopes }: CreateRoleRequest) => ({
  description,
  scopes: [...scopes].sort(compareScopes),
});

const requireEqual = (row: store.RoleRow, { description, scopes }: CreateRoleRequest): store.RoleRow => {
  if (row.description === description && areEqual(row.scopes, scopes)) return row;
  throw new RequestError('RequestConflict', 'There is already another role with this roleId.');
};

const recorded = (roleId: string, actionType: Change, { caller }: By): Recorded => ({
  entry: { entityType: 'role', entityId: roleId, actionType, clientId: caller.clientId },
  message: roleChanged(actionType, roleId),
});
