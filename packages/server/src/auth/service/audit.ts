import { countIn, keyIn, pageLimit, pageOf } from '../../http/index.ts';
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

const rowsWanted = ({ continuationToken, limit }: PageQuery) => {
  const before = keyIn(continuationToken)?.[0];
  return { before: before === undefined ? undefined : countIn(before), limit: pageLimit(limit) };
};

const page = (found: store.AuditRow[], { limit }: PageQuery): EntityHistory => {
  const { rows, ...more } = pageOf(found, limit, (row) => [row.id]);
  return {
    auditHistory: rows.map(({ id: _, ...entry }) => ({ ...entry, created: entry.created.toJSON() })),
    ...more,
  };
};
