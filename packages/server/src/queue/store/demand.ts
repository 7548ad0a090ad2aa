import type { Sql } from '../../base/index.ts';

/** Runs of a task queue that have waited for about the same time. */
export interface WaitingGroup {
  readonly taskQueueId: string;
  /** Of the one that has waited longest. */
  readonly ageMs: number;
  readonly count: number;
}

/**
 * The pending runs of some task queues, by age: within a second, two, four and so on. At most this many runs of each
 * priority of a queue are read, the next ones in line, so that the cost is bounded.
 */
export const waitingByAge = (
  sql: Sql,
  taskQueueIds: readonly string[],
  { now, runsMax }: { now: Date; runsMax: number },
): Promise<WaitingGroup[]> =>
  sql<WaitingGroup>`
    select wanted.task_queue_id, max(head.age_ms) as age_ms, count(*)::int as count
      from unnest(${taskQueueIds}::text[]) as wanted(task_queue_id)
     cross join lateral (
       select greatest(0, ${now.getTime()}::float8 - run.position::float8 / 1000) as age_ms
         from generate_series(0, 6) as level(priority)
        cross join lateral (
          select p.position from pending p
           where p.task_queue_id = wanted.task_queue_id and p.priority = level.priority and p.deadline > ${now}
           order by p.position
           limit ${runsMax}) as run) as head
     group by wanted.task_queue_id, floor(ln(1000 + head.age_ms) / ln(2::float8))
     order by wanted.task_queue_id, age_ms desc`;

/** The number of runs that a worker has claimed. */
export interface WorkersClaims {
  readonly taskQueueId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly count: number;
}

/** The workers of some task queues with claims, and the number of claims of each. */
export const claimsByWorker = (sql: Sql, taskQueueIds: readonly string[]): Promise<WorkersClaims[]> =>
  sql<WorkersClaims>`
    select c.task_queue_id, c.worker_group, c.worker_id, count(*)::int as count
      from claims c
     where c.task_queue_id = any(${taskQueueIds}::text[])
     group by c.task_queue_id, c.worker_group, c.worker_id`;
