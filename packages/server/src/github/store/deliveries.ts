import type { Sql, Transaction } from '../../base/index.ts';
import { endOfWaits, type Taking } from './taking.ts';

/** A delivery of GitHub. */
export interface DeliveryRow {
  readonly eventId: string;
  readonly eventType: string;
  readonly organization: string;
  readonly repository: string;
  /** It stays when the repository is renamed or transferred; null where GitHub did not say. */
  readonly repositoryId: number | null;
  readonly installationId: number | null;
  /** JSON as it came. */
  readonly payload: string;
  readonly receivedAt: Date;
}

/** A delivery that is worked off, and how often that was tried. */
export interface TakenDelivery extends DeliveryRow {
  readonly attempts: number;
  /** One that is still to be written; null before that is known. */
  readonly comment: string | null;
}

/** The outcome of a delivery that gets another chance when GitHub sends it again. */
export const givenUp = 'given up';

/**
 * Keeps deliveries; returns the ids of those that are new. One that was given up and is sent again gets another chance,
 * though it is not new.
 */
export const insertDeliveries = async (
  tx: Transaction,
  rows: readonly DeliveryRow[],
  now: Date,
): Promise<string[]> => {
  const inserted = await tx<{ eventId: string; isNew: boolean }>`
    insert into github_deliveries
      (event_id, event_type, organization, repository, repository_id, installation_id, payload, received_at, due_at)
    select event_id, event_type, organization, repository, repository_id, installation_id, payload, received_at, ${now}
      from unnest(${rows.map(({ eventId }) => eventId)}::text[], ${rows.map(({ eventType }) => eventType)}::text[],
                  ${rows.map(({ organization }) => organization)}::text[],
                  ${rows.map(({ repository }) => repository)}::text[],
                  ${rows.map(({ repositoryId }) => repositoryId)}::bigint[],
                  ${rows.map(({ installationId }) => installationId)}::bigint[],
                  ${rows.map(({ payload }) => payload)}::text[],
                  ${rows.map(({ receivedAt }) => receivedAt)}::timestamptz[])
           as given(event_id, event_type, organization, repository, repository_id, installation_id, payload, received_at)
     order by event_id
        on conflict (event_id) do update set due_at = ${now}, attempts = 0, payload = excluded.payload, outcome = null
     where github_deliveries.outcome = ${givenUp}
    returning event_id, xmax = 0 as is_new`;
  return inserted.filter(({ isNew }) => isNew).map(({ eventId }) => eventId);
};

/** Takes deliveries that are due, the oldest first: the first, and those after it before which there are fewer bytes. */
export const takeDeliveries = async (
  tx: Transaction,
  { now, until, limit, bytesMax }: Taking & { readonly bytesMax: number },
): Promise<TakenDelivery[]> => {
  const rows = await tx<TakenDelivery>`
    with due as materialized (
      select ctid, due_at, octet_length(payload) as bytes from github_deliveries
       where due_at <= ${now} or due_at > ${endOfWaits(now)}
       order by due_at limit ${limit} for update skip locked),
    counted as (
      select ctid, sum(bytes) over (order by due_at, ctid) - bytes as bytes_before from due)
    update github_deliveries set due_at = ${until}, attempts = attempts + 1
     where ctid = any(array(select ctid from counted where bytes_before < ${bytesMax}::bigint))
    returning event_id, event_type, organization, repository, repository_id, installation_id, payload, received_at, attempts,
              comment`;
  return rows.toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime());
};

/** What became of a delivery: over with words, or due again, perhaps with a comment that is to be written then. */
export interface Settlement {
  readonly eventId: string;
  /** As it was taken: nothing is written once another process has taken it. */
  readonly attempts: number;
  readonly outcome: string | null;
  readonly comment: string | null;
  readonly dueAt: Date | null;
}

/** Writes what became of deliveries; returns the ids of those that were still ours. */
export const settleDeliveries = async (tx: Transaction, rows: readonly Settlement[]): Promise<string[]> => {
  const settled = await tx<{ eventId: string }>`
    update github_deliveries d
       set outcome = s.outcome, comment = s.comment, due_at = s.due_at,
           payload = case when s.due_at is null then '' else d.payload end
      from unnest(${rows.map(({ eventId }) => eventId)}::text[], ${rows.map(({ attempts }) => attempts)}::int[],
                  ${rows.map(({ outcome }) => outcome)}::text[], ${rows.map(({ comment }) => comment)}::text[],
                  ${rows.map(({ dueAt }) => dueAt)}::timestamptz[])
           as s(event_id, attempts, outcome, comment, due_at)
     where d.event_id = any(array[s.event_id]) and d.attempts is not distinct from s.attempts
    returning d.event_id`;
  return settled.map(({ eventId }) => eventId);
};

/** When the next delivery is due. */
export const earliestDelivery = async (db: Sql): Promise<Date | undefined> => {
  const [row] = await db<{ dueAt: Date }>`
    select due_at from github_deliveries where due_at is not null order by due_at limit 1`;
  return row?.dueAt;
};

export const deleteDeliveries = async (db: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from github_deliveries
     where ctid = any(array(
             select ctid from github_deliveries
              where received_at < ${before} and due_at is null limit ${limit} for update skip locked))
    returning event_id`;
  return rows.length;
};
