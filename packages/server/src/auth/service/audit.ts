import { pageLimit, pagesOf } from '../../http/index.ts';
import type { EntityHistory } from '../schema/index.ts';
import * as store from '../store.ts';
import type { PageQuery, Room } from './room.ts';

export type AuditVerbs = ReturnType<typeof auditVerbs>;

/** The verbs of the audit history. */
export const auditVerbs = ({ db }: Room) => ({
  /** What was done to an entity, the newest first. */
  getEntityHistory: async (entityType: string, entityId: string, query: PageQuery): Promise<EntityHistory> =>
    page(await store.auditOfEntity(db, { entityType, entityId, ...rowsWanted(query) }), query),

  /** What a client did, the newest first. */
  listAuditHistory: async (clientId: string, query: PageQuery): Promise<EntityHistory> =>
    page(await store.auditByClient(db, { clientId, ...rowsWanted(query) }), query),
});

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
