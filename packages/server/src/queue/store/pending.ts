import type { Sql, Transaction } from '../../base/index.ts';
import type { TaskRecord } from '../record.ts';
import { asRecord, type TaskRow } from './tasks.ts';

/** A run in line for a worker. */
export interface PendingRow {
  readonly taskQueueId: string;
  readonly priority: number;
  readonly position: number;
  readonly taskId: string;
  readonly runId: number;
  readonly deadline: Date;
}

export const insertPending = (tx: Transaction, rows: readonly PendingRow[]) =>
  tx`
    insert into pending (task_queue_id, priority, position, task_id, run_id, deadline)
    select * from unnest(
      ${rows.map((r) => r.taskQueueId)}::text[], ${rows.map((r) => r.priority)}::smallint[],
      ${rows.map((r) => r.position)}::bigint[], ${rows.map((r) => r.taskId)}::text[],
      ${rows.map((r) => r.runId)}::smallint[], ${rows.map((r) => r.deadline)}::timestamptz[])
    on conflict do nothing`;

/** The columns that identify a row of the line. */
export type PendingKey = Pick<PendingRow, 'taskQueueId' | 'priority' | 'position' | 'taskId'>;

export const deletePending = (tx: Transaction, keys: readonly PendingKey[]) =>
  tx`
    with gone as (
      select task_queue_id, priority, position, task_id
        from unnest(
          ${keys.map((k) => k.taskQueueId)}::text[], ${keys.map((k) => k.priority)}::smallint[],
          ${keys.map((k) => k.position)}::bigint[], ${keys.map((k) => k.taskId)}::text[]
        ) as g(task_queue_id, priority, position, task_id))
    delete from pending p using gone
     where p.task_queue_id = any(array[gone.task_queue_id]) and p.priority = any(array[gone.priority])
       and p.position = any(array[gone.position]) and p.task_id = any(array[gone.task_id])`;

/** A run that was removed from the line, with its task locked. */
export interface TakenRow {
  readonly record: TaskRecord;
  readonly runId: number;
  /** JSON text without the priority. */
  readonly definition: string;
}

/**
 * A part of a task queue's line: the runs from a place on, up to the first one with the priority `untilPriority` (0 is the
 * most urgent, 7 is the end of the line).
 */
export interface LinePart {
  readonly taskQueueId: string;
  readonly fromPriority: number;
  readonly fromPosition: number;
  readonly untilPriority: number;
}

/** How many runs are wanted from a task queue, and the parts of its line in which they are looked for, in order. */
export interface WantedRuns {
  readonly taskQueueId: string;
  readonly count: number;
  readonly parts: readonly LinePart[];
}

/** The parts of all task queues one after the other, and where those of each begin and end, counted from 1. */
const partColumns = (wanted: readonly WantedRuns[]) => {
  const parts = wanted.flatMap((each) => each.parts);
  let before = 0;
  const bounds = wanted.map((each) => {
    const first = before + 1;
    before += each.parts.length;
    return { first, last: before };
  });
  return {
    firsts: bounds.map(({ first }) => first),
    lasts: bounds.map(({ last }) => last),
    fromPriorities: parts.map((part) => part.fromPriority),
    fromPositions: parts.map((part) => part.fromPosition),
    untilPriorities: parts.map((part) => part.untilPriority),
  };
};

/**
 * Removes up to this many runs from the line of each task queue, the most urgent and then the oldest first, and locks
 * their tasks in order of ids. Runs that another process is taking are skipped. A run past its deadline is left to the
 * deadline loop.
 */
export const takePending = async (
  tx: Transaction,
  wanted: readonly WantedRuns[],
  now: Date,
): Promise<TakenRow[]> => {
  const { firsts, lasts, fromPriorities, fromPositions, untilPriorities } = partColumns(wanted);
  const rows = await tx<TaskRow & { runId: number }>`
    with taken as (
      delete from pending
       where ctid = any(array(
         select picked.ctid
           from unnest(${wanted.map((w) => w.taskQueueId)}::text[], ${wanted.map((w) => w.count)}::int[],
                       ${firsts}::int[], ${lasts}::int[]) as wanted(task_queue_id, count, first_part, last_part)
          cross join lateral (
            select found.ctid
              from generate_series(wanted.first_part, wanted.last_part) as part(i)
             cross join lateral (
               select p.ctid from pending p
                where p.task_queue_id = wanted.task_queue_id
                  and (p.priority, p.position)
                      >= ((${fromPriorities}::smallint[])[part.i], (${fromPositions}::bigint[])[part.i])
                  and p.priority < (${untilPriorities}::smallint[])[part.i]
                  and p.deadline > ${now}
                order by p.priority, p.position, p.task_id
                limit wanted.count
                  for update skip locked) as found
             limit wanted.count) as picked))
      returning task_id, run_id
    )
    select s.task_id, s.task_queue_id, s.scheduler_id, s.project_id, s.task_group_id, s.deadline, s.expires, s.retries,
           s.tags, s.routes, s.priority, s.retries_left, s.state, s.position, s.runs, t.definition, taken.run_id
      from (select task_id, run_id from taken order by task_id) as taken
     cross join lateral (
       select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags, routes,
              priority, retries_left, state, position, runs
         from task_status where task_id = taken.task_id
          for no key update) as s
     cross join lateral (select definition from tasks where task_id = taken.task_id offset 0) as t`;
  return rows.map(({ definition, runId, ...row }) => ({ record: asRecord(row), definition, runId }));
};

/**
 * The keys of up to this many runs at the head of the line of each task queue, without a lock: others may take them first.
 * In order of the keys, so that two transactions that delete the same rows do not deadlock.
 */
export const choosePending = (
  tx: Transaction,
  wanted: readonly WantedRuns[],
  now: Date,
): Promise<PendingKey[]> => {
  const { firsts, lasts, fromPriorities, fromPositions, untilPriorities } = partColumns(wanted);
  return tx<PendingKey>`
    select picked.task_queue_id, picked.priority, picked.position, picked.task_id
      from unnest(${wanted.map((w) => w.taskQueueId)}::text[], ${wanted.map((w) => w.count)}::int[],
                  ${firsts}::int[], ${lasts}::int[]) as wanted(task_queue_id, count, first_part, last_part)
     cross join lateral (
       select found.task_queue_id, found.priority, found.position, found.task_id
         from generate_series(wanted.first_part, wanted.last_part) as part(i)
        cross join lateral (
          select p.task_queue_id, p.priority, p.position, p.task_id from pending p
           where p.task_queue_id = wanted.task_queue_id
             and (p.priority, p.position)
                 >= ((${fromPriorities}::smallint[])[part.i], (${fromPositions}::bigint[])[part.i])
             and p.priority < (${untilPriorities}::smallint[])[part.i]
             and p.deadline > ${now}
           order by p.priority, p.position, p.task_id
           limit wanted.count) as found
        limit wanted.count) as picked
     order by picked.task_queue_id, picked.priority, picked.position, picked.task_id`;
};

/** The same for queues in which a run gains one priority each time it has waited this many microseconds. */
export const chooseAgedPending = (
  tx: Transaction,
  wanted: { taskQueueIds: string[]; counts: number[]; ageingMicroseconds: number[] },
  now: Date,
): Promise<PendingKey[]> =>
  tx<PendingKey>`
    select picked.task_queue_id, picked.priority, picked.position, picked.task_id
      from unnest(${wanted.taskQueueIds}::text[], ${wanted.counts}::int[], ${wanted.ageingMicroseconds}::bigint[])
           as wanted(task_queue_id, count, ageing)
     cross join lateral (
       select head.task_queue_id, head.priority, head.position, head.task_id
         from generate_series(0, 6) as level(priority)
        cross join lateral (
          select p.task_queue_id, p.priority, p.position, p.task_id from pending p
           where p.task_queue_id = wanted.task_queue_id and p.priority = level.priority and p.deadline > ${now}
           order by p.position, p.task_id
           limit wanted.count) as head
        order by level.priority - (${now.getTime() * 1000}::bigint - head.position) / wanted.ageing,
                 head.position, head.task_id
        limit wanted.count) as picked
     order by picked.task_queue_id, picked.priority, picked.position, picked.task_id`;

/** Removes those of these runs from the line that are still in it, and locks their tasks in order of ids. */
export const takeChosen = async (tx: Transaction, keys: readonly PendingKey[]): Promise<TakenRow[]> => {
  const rows = await tx<TaskRow & { runId: number }>`
    with chosen as (
      select task_queue_id, priority, position, task_id
        from unnest(
          ${keys.map((k) => k.taskQueueId)}::text[], ${keys.map((k) => k.priority)}::smallint[],
          ${keys.map((k) => k.position)}::bigint[], ${keys.map((k) => k.taskId)}::text[]
        ) as c(task_queue_id, priority, position, task_id)),
    taken as (
      delete from pending p using chosen
       where p.task_queue_id = any(array[chosen.task_queue_id]) and p.priority = any(array[chosen.priority])
         and p.position = any(array[chosen.position]) and p.task_id = any(array[chosen.task_id])
      returning p.task_id, p.run_id
    )
    select s.task_id, s.task_queue_id, s.scheduler_id, s.project_id, s.task_group_id, s.deadline, s.expires, s.retries,
           s.tags, s.routes, s.priority, s.retries_left, s.state, s.position, s.runs, t.definition, taken.run_id
      from (select task_id, run_id from taken order by task_id) as taken
     cross join lateral (
       select task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries, tags, routes,
              priority, retries_left, state, position, runs
         from task_status where task_id = taken.task_id
          for no key update) as s
     cross join lateral (select definition from tasks where task_id = taken.task_id offset 0) as t`;
  return rows.map(({ definition, runId, ...row }) => ({ record: asRecord(row), definition, runId }));
};

/** A pending or claimed run, with its definition (JSON text without the priority). */
export interface PendingListing {
  readonly taskId: string;
  readonly runId: number;
  readonly position: number;
  readonly priority: number;
  readonly definition: string;
}

/** A page of a queue's pending runs, the oldest first. */
export const pendingPage = (
  db: Sql,
  taskQueueId: string,
  { after, now, limit }: { after: { position: number; taskId: string }; now: Date; limit: number },
) =>
  db<PendingListing>`
    select p.task_id, p.run_id, p.position, p.priority, t.definition
      from pending p
     cross join lateral (select definition from tasks where task_id = p.task_id offset 0) as t
     where p.task_queue_id = ${taskQueueId} and p.deadline > ${now}
       and (p.position, p.task_id) > (${after.position}, ${after.taskId})
     order by p.position, p.task_id
     limit ${limit}`;

/** A place in the line of a task queue. */
export interface LinePlace {
  readonly taskQueueId: string;
  readonly priority: number;
  readonly position: number;
}

/** The place of the first run in each of these parts of lines; parts without runs are left out. */
export const findHeads = (db: Sql, parts: readonly LinePart[], now: Date) =>
  db<LinePlace>`
    select part.task_queue_id, head.priority, head.position
      from unnest(
        ${parts.map((p) => p.taskQueueId)}::text[], ${parts.map((p) => p.fromPriority)}::smallint[],
        ${parts.map((p) => p.fromPosition)}::bigint[], ${parts.map((p) => p.untilPriority)}::smallint[]
      ) as part(task_queue_id, from_priority, from_position, until_priority)
     cross join lateral (
       select p.priority, p.position from pending p
        where p.task_queue_id = part.task_queue_id
          and (p.priority, p.position) >= (part.from_priority, part.from_position)
          and p.priority < part.until_priority
          and p.deadline > ${now}
        order by p.priority, p.position, p.task_id
        limit 1) as head`;

/** The first run of the same priority before each of these places; places with none before them are left out. */
export const findBehind = (db: Sql, places: readonly LinePlace[], now: Date) =>
  db<LinePlace>`
    select place.task_queue_id, place.priority, hidden.position
      from unnest(
        ${places.map((p) => p.taskQueueId)}::text[], ${places.map((p) => p.priority)}::smallint[],
        ${places.map((p) => p.position)}::bigint[]
      ) as place(task_queue_id, priority, position)
     cross join lateral (
       select p.position from pending p
        where p.task_queue_id = place.task_queue_id and p.priority = place.priority
          and p.position < place.position and p.deadline > ${now}
        order by p.position, p.task_id
        limit 1) as hidden`;
