import type { Sql } from '../../base/index.ts';

/** The numbers of pending and claimed runs of a task queue. */
export interface QueueCounts {
  readonly taskQueueId: string;
  readonly pending: number;
  readonly claimed: number;
  /** The place in line of the run that waits longest, in microseconds since 1970; null when none waits. */
  readonly oldestPosition: number | null;
  /** When the latest of the runs that are held was claimed; null when none is held. */
  readonly lastClaim: Date | null;
}

/** The exact numbers of pending and claimed runs of a task queue. */
export interface ExactCounts {
  readonly taskQueueId: string;
  readonly pendingTasks: number;
  readonly claimedTasks: number;
}

/** Counts pending and claimed runs of these task queues, in their order. A run past its deadline is not pending. */
export const countRuns = (db: Sql, taskQueueIds: readonly string[], now: Date): Promise<ExactCounts[]> =>
  db<ExactCounts>`
    select wanted.task_queue_id, pending.count as pending_tasks, claimed.count as claimed_tasks
      from unnest(${[...taskQueueIds]}::text[]) with ordinality as wanted(task_queue_id, turn)
     cross join lateral (
       select count(*)::int as count from pending p
        where p.task_queue_id = wanted.task_queue_id and p.deadline > ${now}) as pending
     cross join lateral (
       select count(*)::int as count from claims c where c.task_queue_id = wanted.task_queue_id) as claimed
     order by wanted.turn`;

// At most this many task queues are read; when there are more, some are not counted.
const queuesLookedAtMax = 1000;

/**
 * Counts pending and claimed runs in the task queues with the most. It steps from queue to queue over the indexes and
 * counts at most this many runs in each, so that the cost is bounded for any content of the tables.
 */
export const countQueues = (
  db: Sql,
  { queuesMax, runsMax }: { queuesMax: number; runsMax: number },
): Promise<QueueCounts[]> =>
  db<QueueCounts>`
    with recursive waiting as (
      (select task_queue_id, 1 as place from pending order by task_queue_id limit 1)
      union all
      select next.task_queue_id, waiting.place + 1
        from waiting
       cross join lateral (
         select p.task_queue_id from pending p
          where p.task_queue_id > waiting.task_queue_id
          order by p.task_queue_id
          limit 1) as next
       where waiting.place < ${queuesLookedAtMax}
    ), running as (
      (select task_queue_id, 1 as place from claims order by task_queue_id limit 1)
      union all
      select next.task_queue_id, running.place + 1
        from running
       cross join lateral (
         select c.task_queue_id from claims c
          where c.task_queue_id > running.task_queue_id
          order by c.task_queue_id
          limit 1) as next
       where running.place < ${queuesLookedAtMax}
    ), busy as (
      select task_queue_id from waiting union select task_queue_id from running
    )
    select busy.task_queue_id, pending.count as pending, claimed.count as claimed, oldest.position as oldest_position,
           latest.claimed_at as last_claim
      from busy
     cross join lateral (
       select count(*)::int as count
         from (select from pending p where p.task_queue_id = busy.task_queue_id limit ${runsMax}) as counted) as pending
     cross join lateral (
       select count(*)::int as count
         from (select from claims c where c.task_queue_id = busy.task_queue_id limit ${runsMax}) as counted) as claimed
     cross join lateral (
       select min(head.position) as position
         from generate_series(0, 6) as level(priority)
        cross join lateral (
          select p.position from pending p
           where p.task_queue_id = busy.task_queue_id and p.priority = level.priority
           order by p.position
           limit 1) as head) as oldest
      left join lateral (
       select c.claimed_at from claims c
        where c.task_queue_id = busy.task_queue_id
        order by c.task_queue_id desc, c.claimed_at desc, c.task_id desc
        limit 1) as latest on true
     order by pending.count + claimed.count desc, busy.task_queue_id
     limit ${queuesMax}`;
