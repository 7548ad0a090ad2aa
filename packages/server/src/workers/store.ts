import type { Sql } from '../base/index.ts';
import type { QuarantineDetail } from './schema.ts';

/** Identifies a worker of a task queue. */
export interface WorkerRef {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
}

export interface TaskQueueRow {
  readonly taskQueueId: string;
  readonly expires: Date;
  readonly lastDateActive: Date;
}

export interface ProvisionerRow {
  readonly provisionerId: string;
  readonly expires: Date;
  readonly lastDateActive: Date;
}

export interface WorkerRow extends WorkerRef {
  readonly firstClaim: Date;
  readonly lastDateActive: Date;
  readonly expires: Date;
  /** `<taskId>/<runId>`, newest first. */
  readonly recentTasks: readonly string[];
  readonly quarantineUntil: Date | null;
}

export interface WorkerWithHistory extends WorkerRow {
  readonly quarantineDetails: readonly QuarantineDetail[];
}

/**
 * Keeps these task queues known until the given time; each appears once. The time of a known queue is never shortened.
 */
export const seeTaskQueues = (sql: Sql, taskQueueIds: string[], seen: { now: Date; expires: Date }) =>
  sql<never>`
    insert into task_queues as known (task_queue_id, expires, last_date_active)
    select task_queue_id, ${seen.expires}::timestamptz, ${seen.now}::timestamptz
      from unnest(${taskQueueIds}::text[]) as given(task_queue_id)
     order by task_queue_id collate "C"
        on conflict (task_queue_id) do update
       set expires = greatest(known.expires, excluded.expires),
           last_date_active = greatest(known.last_date_active, excluded.last_date_active)`;

/** A worker that was seen, with the runs that it claimed, newest first. */
export interface SeenWorker extends WorkerRef {
  readonly claimed: readonly string[];
}

/** Keeps these workers known and puts their new claims before the older ones; each worker appears once. */
export const seeWorkers = (sql: Sql, workers: readonly SeenWorker[], seen: { now: Date; expires: Date }) =>
  // Rows are locked in the order of their keys, so that two processes that see the same workers do not deadlock. Claims
  // that are all known already were reported twice and change nothing.
  sql<never>`
    insert into workers as known
           (task_queue_id, worker_group, worker_id, first_claim, last_date_active, expires, recent_tasks)
    select task_queue_id, worker_group, worker_id,
           ${seen.now}::timestamptz, ${seen.now}::timestamptz, ${seen.expires}::timestamptz,
           (string_to_array(claimed, ','))[:20]
      from unnest(${workers.map((worker) => worker.taskQueueId)}::text[],
                  ${workers.map((worker) => worker.workerGroup)}::text[],
                  ${workers.map((worker) => worker.workerId)}::text[],
                  ${workers.map((worker) => worker.claimed.join(','))}::text[])
           as given(task_queue_id, worker_group, worker_id, claimed)
     order by task_queue_id collate "C", worker_group collate "C", worker_id collate "C"
        on conflict (task_queue_id, worker_group, worker_id) do update
       set expires = greatest(known.expires, excluded.expires),
           last_date_active = greatest(known.last_date_active, excluded.last_date_active),
           recent_tasks = case when known.recent_tasks @> excluded.recent_tasks then known.recent_tasks
                               else (excluded.recent_tasks || known.recent_tasks)[:20] end`;

/** Task queues whose id is between the two, both excluded, in the order of their ids. */
export const listTaskQueues = (sql: Sql, range: { above: string; below: string; limit: number; now: Date }) =>
  sql<TaskQueueRow>`
    select task_queue_id, expires, last_date_active
      from task_queues
     where task_queue_id > ${range.above} and task_queue_id < ${range.below} and expires > ${range.now}
     order by task_queue_id
     limit ${range.limit}`;

export const findTaskQueue = async (
  sql: Sql,
  taskQueueId: string,
  now: Date,
): Promise<TaskQueueRow | undefined> => {
  const [row] = await sql<TaskQueueRow>`
    select task_queue_id, expires, last_date_active
      from task_queues
     where task_queue_id = ${taskQueueId} and expires > ${now}`;
  return row;
};

/** Provisioners, each the sum of its task queues, in the order of their ids. */
export const listProvisioners = (sql: Sql, range: { above: string; limit: number; now: Date }) =>
  sql<ProvisionerRow>`
    select split_part(task_queue_id, '/', 1) as provisioner_id,
           max(expires) as expires, max(last_date_active) as last_date_active
      from task_queues
     where split_part(task_queue_id, '/', 1) > ${range.above} and expires > ${range.now}
     group by 1
     order by 1
     limit ${range.limit}`;

/** The sum of the task queues in a range of ids; nothing when there is none. */
export const findProvisioner = async (
  sql: Sql,
  range: { above: string; below: string },
  now: Date,
): Promise<ProvisionerRow | undefined> => {
  const [row] = await sql<ProvisionerRow>`
    select split_part(task_queue_id, '/', 1) as provisioner_id,
           max(expires) as expires, max(last_date_active) as last_date_active
      from task_queues
     where task_queue_id > ${range.above} and task_queue_id < ${range.below} and expires > ${now}
     group by 1`;
  return row;
};

export interface WorkersRange {
  readonly taskQueueId: string;
  readonly afterGroup: string;
  readonly afterId: string;
  /** Null for both. */
  readonly quarantined: boolean | null;
  readonly limit: number;
  readonly now: Date;
}

/** Workers of a task queue that are unexpired or quarantined, in the order of group and id. */
export const listWorkers = (sql: Sql, range: WorkersRange) =>
  sql<WorkerRow>`
    select task_queue_id, worker_group, worker_id, first_claim, last_date_active, expires,
           recent_tasks[:1] as recent_tasks, quarantine_until
      from workers
     where task_queue_id = ${range.taskQueueId}
       and (worker_group, worker_id) > (${range.afterGroup}, ${range.afterId})
       and (expires > ${range.now} or quarantine_until > ${range.now})
       and (${range.quarantined}::boolean is null
            or coalesce(quarantine_until > ${range.now}, false) = ${range.quarantined})
     order by worker_group, worker_id
     limit ${range.limit}`;

/** A worker, also when its record has expired. */
export const findWorker = async (sql: Sql, ref: WorkerRef): Promise<WorkerWithHistory | undefined> => {
  const [row] = await sql<WorkerWithHistory>`
    select task_queue_id, worker_group, worker_id, first_claim, last_date_active, expires, recent_tasks,
           quarantine_until, quarantine_details
      from workers
     where task_queue_id = ${ref.taskQueueId} and worker_group = ${ref.workerGroup}
       and worker_id = ${ref.workerId}`;
  return row;
};

/** Sets the quarantine of a known worker, keeps its record at least until `expires`, and adds the order to its history. */
export const quarantineWorker = async (
  sql: Sql,
  ref: WorkerRef,
  order: { until: Date; detail: QuarantineDetail; expires: Date; now: Date },
): Promise<WorkerWithHistory | undefined> => {
  const { updatedAt, ...same } = order.detail;
  // An order that equals the latest one is a request that was sent twice. The history has the latest hundred.
  const [row] = await sql<WorkerWithHistory>`
    update workers
       set quarantine_until = ${order.until},
           expires = greatest(expires, ${order.expires}),
           quarantine_details =
             case when quarantine_details -> -1 @> ${JSON.stringify(same)}::jsonb then quarantine_details
                  else jsonb_path_query_array(
                         quarantine_details || ${JSON.stringify({ ...same, updatedAt })}::jsonb,
                         '$[last - 99 to last]') end
     where task_queue_id = ${ref.taskQueueId} and worker_group = ${ref.workerGroup}
       and worker_id = ${ref.workerId}
       and (expires > ${order.now} or quarantine_until > ${order.now})
    returning task_queue_id, worker_group, worker_id, first_claim, last_date_active, expires, recent_tasks,
           quarantine_until, quarantine_details`;
  return row;
};

/** All workers whose quarantine has not ended. */
export const quarantinedWorkers = (sql: Sql, now: Date) =>
  sql<WorkerRef & { readonly quarantineUntil: Date }>`
    select task_queue_id, worker_group, worker_id, quarantine_until
      from workers
     where quarantine_until > ${now}`;

/** When these workers were last recorded as active; unknown ones are left out. */
export const lastSeen = (sql: Sql, refs: readonly WorkerRef[]) =>
  sql<WorkerRef & { readonly lastDateActive: Date }>`
    select wanted.task_queue_id, wanted.worker_group, wanted.worker_id, w.last_date_active
      from unnest(${refs.map((ref) => ref.taskQueueId)}::text[], ${refs.map((ref) => ref.workerGroup)}::text[],
                  ${refs.map((ref) => ref.workerId)}::text[]) as wanted(task_queue_id, worker_group, worker_id)
     cross join lateral (
       select last_date_active from workers
        where task_queue_id = wanted.task_queue_id and worker_group = wanted.worker_group
          and worker_id = wanted.worker_id
       offset 0) as w`;

/** Deletes records of workers that were not seen for long enough; a quarantine keeps them. */
export const deleteExpiredWorkers = async (sql: Sql, limit: number, now: Date): Promise<number> => {
  const deleted = await sql<WorkerRef>`
    delete from workers
     where ctid = any(array(
             select ctid
               from workers
              where expires <= ${now} and coalesce(quarantine_until <= ${now}, true)
              limit ${limit} for update skip locked))
    returning task_queue_id`;
  return deleted.length;
};

/** Deletes records of task queues at which no worker was seen for long enough. */
export const deleteExpiredTaskQueues = async (sql: Sql, limit: number, now: Date): Promise<number> => {
  const deleted = await sql<TaskQueueRow>`
    delete from task_queues
     where ctid = any(array(
             select ctid
               from task_queues
              where expires <= ${now}
              limit ${limit} for update skip locked))
    returning task_queue_id`;
  return deleted.length;
};
