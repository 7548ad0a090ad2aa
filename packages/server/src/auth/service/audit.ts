import type { Sql } from '../../base/index.ts';
import { type PageQuery, pageLimit, pagesOf } from '../../http/index.ts';
import type { EntityHistory } from '../schema/index.ts';
import * as store from '../store.ts';

/** The changes of an entity, newest first. */
export const readEntityHistory = async (
  sql: Sql,
  { entityType, entityId, ...query }: PageQuery & { readonly entityType: string; readonly entityId: string },
): Promise<EntityHistory> =>
  page(await store.auditOfEntity(sql, { entityType, entityId, ...rowsWanted(query) }), query);

/** The changes that a client made, newest first. */
export const listAuditHistory = async (
  sql: Sql,
  { clientId, ...query }: PageQuery & { readonly clientId: string },
): Promise<EntityHistory> => page(await store.auditByClient(sql, { clientId, ...rowsWanted(query) }), query);

// Both listings are sorted by the number of an entry in the whole history.
const pages = pagesOf('auth.auditHistory', ['whole']);

const rowsWanted = ({ continuationToken, limit }: PageQuery) => {
  const [before] = pages.keyIn(continuationToken) ?? [];
  return { before, limit: pageLimit(limit) };
};

const page = (found: store.AuditRow[], { limit }: PageQuery): EntityHistory => {
  const { rows, ...more } = pages.pageOf(found, limit, (row) => [row.id]);
  return {
    auditHistory: rows.map(({ id: _, ...entry }) => ({ ...entry, created: entry.created.toJSON() })),
    ...more,
  };
};
