import type { Sql } from '../../base/index.ts';
import type { LineRow } from './lines.ts';

/** The status of a task, and its dependencies. */
export interface StandingRow extends LineRow {
  readonly position: number | null;
  readonly deadline: Date;
}

export const readStanding = async (sql: Sql, taskId: string): Promise<StandingRow | undefined> => {
  const [row] = await sql<StandingRow>`
    select s.task_id, s.state, s.task_queue_id, s.priority, s.runs, s.position, s.deadline,
           coalesce(t.definition #>> '{metadata,name}', '') as name,
           coalesce((t.definition -> 'dependencies')::text, '[]') as dependencies,
           coalesce(t.definition ->> 'requires', 'all-completed') as requires
      from task_status s
     cross join lateral (select definition from readable_tasks where task_id = s.task_id offset 0) as t
     where s.task_id = ${taskId}`;
  return row;
};

export interface EdgeRow {
  readonly taskId: string;
  readonly name: string;
  readonly state: string;
  readonly runs: string;
  readonly allResolved: boolean;
  readonly fromRun: number | null;
}

/** The edges to a task from these of its dependencies. */
export const readEdges = (sql: Sql, dependentTaskId: string, requiredTaskIds: readonly string[]) =>
  sql<EdgeRow>`
    select d.required_task_id as task_id, d.all_resolved, d.from_run, s.state, s.runs,
           coalesce(t.definition #>> '{metadata,name}', '') as name
      from task_dependencies d
     cross join lateral (select state, runs from task_status where task_id = d.required_task_id offset 0) as s
     cross join lateral (select definition from readable_tasks where task_id = d.required_task_id offset 0) as t
     where d.required_task_id = any(${requiredTaskIds}::text[]) and d.dependent_task_id = ${dependentTaskId}`;

interface Place {
  readonly taskQueueId: string;
  readonly priority: number;
  readonly position: number;
  readonly runsMax: number;
}

/** How many runs of a task queue are before a place in the line, and how many are claimed. */
export const countBefore = async (
  sql: Sql,
  { taskQueueId, priority, position, runsMax }: Place,
): Promise<{ before: number; running: number }> => {
  const [row] = await sql<{ before: number; running: number }>`
    select (select count(*)::int from (
              select from pending p
               where p.task_queue_id = ${taskQueueId} and (p.priority, p.position) < (${priority}::smallint, ${position}::bigint)
               limit ${runsMax}) as ahead) as before,
           (select count(*)::int from (
              select from claims c where c.task_queue_id = ${taskQueueId} limit ${runsMax}) as held) as running`;
  return row ?? { before: 0, running: 0 };
};

/** The runs of a task queue that began lately. */
export interface RecentStarts {
  readonly starts: number;
  /** From when on they are counted; null while nothing waits. */
  readonly since: Date | null;
}

/**
 * Counts the runs of a task queue that began while its line was never empty: since the oldest of the waiting runs came, no
 * earlier than `notBefore`, as far as the last messages reach back. So it is the pace of the workers, not that of new tasks.
 */
export const countStarts = async (
  sql: Sql,
  { taskQueueId, notBefore, messagesMax }: { taskQueueId: string; notBefore: Date; messagesMax: number },
): Promise<RecentStarts> => {
  const [row] = await sql<RecentStarts>`
    with line as (
      select min(oldest.position) as position
        from generate_series(0, 6) as priorities(priority)
       cross join lateral (
         select p.position from pending p
          where p.task_queue_id = ${taskQueueId} and p.priority = any(array[priorities.priority::smallint])
          order by p.task_queue_id, p.priority, p.position
          limit 1) as oldest
    ), late as (
      select exchange, created_at, routing_key from outbox order by xid desc, id desc limit ${messagesMax}
    ), span as (
      select greatest(${notBefore}::timestamptz, (select min(created_at) from late),
                      (select timestamptz 'epoch' + position * interval '1 microsecond' from line)) as since
       where (select position from line) is not null
    )
    select (select since from span) as since,
           (select count(*)::int from late
             where exchange = 'exchange/taskcluster-queue/v1/task-running'
               and split_part(routing_key, '.', 6) || '/' || split_part(routing_key, '.', 7) = ${taskQueueId}
               and created_at >= (select since from span)) as starts`;
  return row ?? { starts: 0, since: null };
};

export interface QueueWorkers {
  readonly seen: number;
  readonly quarantined: number;
  readonly lastSeen: Date | null;
}

const workersCountedMax = 1000;

/** The known workers of a task queue, up to 1000. */
export const countWorkers = async (sql: Sql, taskQueueId: string, now: Date): Promise<QueueWorkers> => {
  const [row] = await sql<QueueWorkers>`
    select count(*)::int as seen, count(*) filter (where quarantine_until > ${now})::int as quarantined,
           max(last_date_active) as last_seen
      from (select quarantine_until, last_date_active from workers
             where task_queue_id = ${taskQueueId} and (expires > ${now} or quarantine_until > ${now})
             limit ${workersCountedMax}) as known`;
  return row ?? { seen: 0, quarantined: 0, lastSeen: null };
};

/** How many workers of each of these task queues are known, up to 1000. */
export const countWorkersOf = (sql: Sql, taskQueueIds: readonly string[], now: Date) =>
  sql<{ taskQueueId: string; workers: number }>`
    select wanted.task_queue_id, counted.workers
      from unnest(${taskQueueIds}::text[]) as wanted(task_queue_id)
     cross join lateral (
       select count(*)::int as workers
         from (select from workers
                where task_queue_id = wanted.task_queue_id and expires > ${now}
                limit ${workersCountedMax}) as known) as counted`;

export interface DecisionRow {
  readonly decided: Date;
  readonly action: string;
  readonly reason: string;
  readonly trouble: string | null;
}

/** The last decision about the pool of a task queue. */
export const lastDecision = async (sql: Sql, workerPoolId: string): Promise<DecisionRow | undefined> => {
  const [row] = await sql<DecisionRow>`
    select coalesce(repeated, decided) as decided, action, reason, trouble
      from provisioning_decisions
     where worker_pool_id = any(array[${workerPoolId}::text])
     order by worker_pool_id, decision_id desc
     limit 1`;
  return row;
};

export interface PauseRow {
  readonly paused: Date;
  readonly pauseReason: string | null;
}

/** Since when the pool of a task queue is paused, and why; undefined when it is not, or there is none. */
export const readPause = async (sql: Sql, workerPoolId: string): Promise<PauseRow | undefined> => {
  const [row] = await sql<PauseRow>`
    select paused, pause_reason from worker_pools
     where worker_pool_id = ${workerPoolId} and paused is not null`;
  return row;
};
