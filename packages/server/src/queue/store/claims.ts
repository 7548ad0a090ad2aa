import type { Sql, Transaction } from '../../base/index.ts';

/** A run that a worker holds. */
export interface ClaimRow {
  readonly taskId: string;
  readonly runId: number;
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly claimedAt: Date;
  readonly takenUntil: Date;
  readonly deadline: Date;
}

export const insertClaims = (tx: Transaction, rows: readonly ClaimRow[]) =>
  tx`
    insert into claims (task_id, run_id, task_queue_id, worker_group, worker_id, claimed_at, taken_until, deadline)
    select * from unnest(
      ${rows.map((r) => r.taskId)}::text[], ${rows.map((r) => r.runId)}::smallint[],
      ${rows.map((r) => r.taskQueueId)}::text[], ${rows.map((r) => r.workerGroup)}::text[],
      ${rows.map((r) => r.workerId)}::text[], ${rows.map((r) => r.claimedAt)}::timestamptz[],
      ${rows.map((r) => r.takenUntil)}::timestamptz[], ${rows.map((r) => r.deadline)}::timestamptz[])`;

/** Prolongs claims. */
export const updateClaims = (tx: Transaction, taskIds: string[], takenUntil: Date[]) =>
  tx`
    update claims c set taken_until = n.taken_until
      from unnest(${taskIds}::text[], ${takenUntil}::timestamptz[]) as n(task_id, taken_until)
     where c.task_id = any(array[n.task_id])`;

export const deleteClaims = (tx: Transaction, taskIds: string[]) =>
  tx`delete from claims where task_id = any(${taskIds}::text[])`;

/** Expired claims of tasks whose deadline has not passed. After the deadline, the deadline loop ends the run. */
export const expiredClaims = (db: Sql, now: Date, limit: number) =>
  db<Pick<ClaimRow, 'taskId' | 'runId' | 'takenUntil'>>`
    select task_id, run_id, taken_until from claims
     where taken_until <= ${now} and deadline > ${now}
     order by taken_until
     limit ${limit}`;

type Holder = Pick<ClaimRow, 'taskQueueId' | 'workerGroup' | 'workerId'>;

/** The claims of some workers, whose names are unique only in their task queues. */
export const claimsOfWorkers = (db: Sql, workers: readonly Holder[]) =>
  db<Holder & Pick<ClaimRow, 'taskId' | 'runId'>>`
    select c.task_id, c.run_id, c.task_queue_id, c.worker_group, c.worker_id
      from (select distinct task_queue_id
              from unnest(${workers.map((worker) => worker.taskQueueId)}::text[]) as named(task_queue_id)) as busy
     cross join lateral (
       select task_id, run_id, task_queue_id, worker_group, worker_id from claims
        where task_queue_id = busy.task_queue_id
       offset 0) as c
     -- Not a join: the list is hashed once, whatever PostgreSQL expects of the table.
     where ((c.task_queue_id, c.worker_group, c.worker_id) in (
       select task_queue_id, worker_group, worker_id
         from unnest(${workers.map((worker) => worker.taskQueueId)}::text[],
                     ${workers.map((worker) => worker.workerGroup)}::text[],
                     ${workers.map((worker) => worker.workerId)}::text[]) as lost(task_queue_id, worker_group, worker_id)
       )) is true`;

export interface ClaimListing {
  readonly taskId: string;
  readonly runId: number;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly claimedAt: Date;
  readonly priority: number;
  readonly definition: string;
}

/** A page of a queue's claimed runs, the oldest claim first. */
export const claimedPage = (
  db: Sql,
  taskQueueId: string,
  { after, limit }: { after: { claimedAt: Date; taskId: string }; limit: number },
) =>
  db<ClaimListing>`
    select c.task_id, c.run_id, c.worker_group, c.worker_id, c.claimed_at, s.priority, t.definition
      from claims c
     cross join lateral (select definition from tasks where task_id = c.task_id offset 0) as t
     cross join lateral (select priority from task_status where task_id = c.task_id offset 0) as s
     where c.task_queue_id = ${taskQueueId} and (c.claimed_at, c.task_id) > (${after.claimedAt}, ${after.taskId})
     order by c.claimed_at, c.task_id
     limit ${limit}`;
