import { RequestError } from '../../base/index.ts';
import { pageLimit, pagesOf } from '../../http/index.ts';
import { type Change, roleChanged } from '../events.ts';
import type { CreateRoleRequest, ListRoleIdsResponse, ListRoles2Response, Role } from '../schema/index.ts';
import {
  addedToRole,
  compareScopes,
  compileRoles,
  grantedBy,
  requireNoCycle,
  requireSoundRoleScopes,
} from '../scopes/index.ts';
import * as store from '../store.ts';
import { areEqual } from './clients.ts';
import { type By, change, type PageQuery, type Recorded, type Room, record } from './room.ts';

export type RoleVerbs = ReturnType<typeof roleVerbs>;

type Row = store.RoleRow;

/** The verbs of roles. Changes run one after another: only the whole set can be judged free of cycles. */
export const roleVerbs = (room: Room) => ({
  /** All roles at once. */
  listRoles: async (): Promise<Role[]> => (await page(room, {})).rows.map((row) => view(room, row)),

  /** Roles in order of their id; all of them unless a limit is given. */
  listRoles2: async (query: PageQuery): Promise<ListRoles2Response> => {
    const { rows, ...more } = await page(room, query);
    return { roles: rows.map((row) => view(room, row)), ...more };
  },

  /** The same, ids only. */
  listRoleIds: async (query: PageQuery): Promise<ListRoleIdsResponse> => {
    const { rows, ...more } = await page(room, query);
    return { roleIds: rows.map(({ roleId }) => roleId), ...more };
  },

  role: async (roleId: string): Promise<Role> => {
    await room.directory.prepare();
    return view(room, (await store.readRole(room.db, roleId)) ?? noRole(roleId));
  },

  /** Creates a role; repeated with equal values it answers the role that is there. */
  createRole: async (roleId: string, wanted: CreateRoleRequest, by: By): Promise<Role> => {
    requireSoundRoleScopes(wanted.scopes);
    by.authorize({ scopes: grantedBy({ roleId, scopes: wanted.scopes }) });
    const row = await change(room, async (tx, now) => {
      await store.lockRoles(tx);
      const roles = await store.readRoles(tx);
      const current = roles.find((role) => role.roleId === roleId);
      if (current) return requireEqual(current, wanted);
      const fresh = { roleId, ...definition(wanted), created: now, lastModified: now };
      requireNoCycle(compileRoles([...roles, fresh]), roleId);
      await store.putRole(tx, fresh);
      await record(room, tx, { changes: [recorded(roleId, 'created', by)], now, subject: 'roles' });
      return fresh;
    });
    return view(room, row);
  },

  /** Replaces what a role is. The caller needs the scopes that the role did not give before to all who may assume it. */
  updateRole: async (roleId: string, wanted: CreateRoleRequest, by: By): Promise<Role> => {
    requireSoundRoleScopes(wanted.scopes);
    const row = await change(room, async (tx, now) => {
      await store.lockRoles(tx);
      const roles = await store.readRoles(tx);
      const current = roles.find((role) => role.roleId === roleId) ?? noRole(roleId);
      by.authorize({ scopesAdded: addedToRole(compileRoles(roles), current, wanted.scopes) });
      const next = { ...current, ...definition(wanted), lastModified: now };
      requireNoCycle(compileRoles(roles.map((role) => (role === current ? next : role))), roleId);
      await store.putRole(tx, next);
      await record(room, tx, { changes: [recorded(roleId, 'updated', by)], now, subject: 'roles' });
      return next;
    });
    return view(room, row);
  },

  /** Deletes a role; one that is not there counts as deleted. */
  deleteRole: async (roleId: string, by: By): Promise<undefined> => {
    await change(room, async (tx, now) => {
      await store.lockRoles(tx);
      const changes = (await store.deleteRole(tx, roleId)) ? [recorded(roleId, 'deleted', by)] : [];
      await record(room, tx, { changes, now, subject: 'roles' });
    });
  },
});

const pages = pagesOf('auth.listRoles', ['text']);

const page = async ({ db, directory }: Room, { limit, continuationToken }: PageQuery) => {
  await directory.prepare();
  if (limit === undefined) return { rows: await store.listRoles(db, { after: undefined, limit: undefined }) };
  const [after] = pages.keyIn(continuationToken) ?? [];
  const found = await store.listRoles(db, {
    after,
    limit: pageLimit(limit),
  });
  return pages.pageOf(found, limit, (row) => [row.roleId]);
};

const definition = ({ description, scopes }: CreateRoleRequest) => ({
  description,
  scopes: [...scopes].sort(compareScopes),
});

const requireEqual = (row: Row, { description, scopes }: CreateRoleRequest): Row => {
  if (row.description === description && areEqual(row.scopes, scopes)) return row;
  throw new RequestError(
    'RequestConflict',
    'There is a role of this roleId already, and it differs from this one.',
  );
};

const noRole = (roleId: string): never => {
  throw new RequestError('ResourceNotFound', `There is no role '${roleId}'.`);
};

const recorded = (roleId: string, actionType: Change, { caller }: By): Recorded => ({
  entry: { entityType: 'role', entityId: roleId, actionType, clientId: caller.clientId },
  message: roleChanged(actionType, roleId),
});

const view = ({ directory }: Room, row: Row): Role => ({
  roleId: row.roleId,
  scopes: [...row.scopes],
  description: row.description,
  created: row.created.toJSON(),
  lastModified: row.lastModified.toJSON(),
  expandedScopes: [...directory.expand([`assume:${row.roleId}`]).scopes],
});
