import { RequestError, type Sql, type Work } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type { ListRoleIdsResponse, ListRoles2Response, Role } from '../schema/index.ts';
import * as store from '../store.ts';

/** Roles in order of their id; all of them unless a limit is given. */
export const listRoles = async (
  sql: Sql,
  query: PageQuery,
  work: Work<Context>,
): Promise<ListRoles2Response> => {
  const { rows, ...more } = await page(sql, query, work);
  return { roles: rows.map((row) => roleOf(work.context, row)), ...more };
};

/** The same, ids only. */
export const listRoleIds = async (
  sql: Sql,
  query: PageQuery,
  work: Work<Context>,
): Promise<ListRoleIdsResponse> => {
  const { rows, ...more } = await page(sql, query, work);
  return { roleIds: rows.map(({ roleId }) => roleId), ...more };
};

export const readRole = async (sql: Sql, roleId: string, { context }: Work<Context>): Promise<Role> => {
  await context.directory.prepare();
  return roleOf(context, (await store.readRole(sql, roleId)) ?? noRole(roleId));
};

const pages = pagesOf('auth.listRoles', ['text']);

const page = async (sql: Sql, { limit, continuationToken }: PageQuery, { context }: Work<Context>) => {
  await context.directory.prepare();
  if (limit === undefined)
    return { rows: await store.listRoles(sql, { after: undefined, limit: undefined }) };
  const [after] = pages.keyIn(continuationToken) ?? [];
  const found = await store.listRoles(sql, { after, limit: pageLimit(limit) });
  return pages.pageOf(found, limit, (row) => [row.roleId]);
};

export const noRole = (roleId: string): never => {
  throw new RequestError('ResourceNotFound', `There is no role '${roleId}'.`);
};

/** The published view of a role. */
export const roleOf = ({ directory }: Context, row: store.RoleRow): Role => ({
  roleId: row.roleId,
  scopes: [...row.scopes],
  description: row.description,
  created: row.created.toJSON(),
  lastModified: row.lastModified.toJSON(),
  expandedScopes: [...directory.expand([`assume:${row.roleId}`]).scopes],
});
