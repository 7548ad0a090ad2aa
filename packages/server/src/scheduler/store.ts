import type { Sql, Transaction } from '../base/index.ts';

/** Columns of new edges. */
export interface NewEdges {
  readonly requiredTaskIds: string[];
  readonly dependentTaskIds: string[];
  readonly allResolved: boolean[];
  readonly fromRuns: (number | null)[];
}

/** Adds edges between tasks. */
export const insertEdges = (tx: Transaction, edges: NewEdges) =>
  tx`
    insert into task_dependencies (required_task_id, dependent_task_id, all_resolved, from_run)
    select required, dependent, all_resolved, from_run
      from unnest(${edges.requiredTaskIds}::text[], ${edges.dependentTaskIds}::text[],
                  ${edges.allResolved}::bool[], ${edges.fromRuns}::smallint[])
           as e(required, dependent, all_resolved, from_run)`;

/** Records for how many dependencies tasks wait. */
export const insertBlocked = (tx: Transaction, taskIds: string[], unmet: number[]) =>
  tx`
    insert into blocked_tasks (task_id, unmet)
    select task_id, unmet from unnest(${taskIds}::text[], ${unmet}::int[]) as b(task_id, unmet)`;

/** Columns of resolutions. */
export interface Resolutions {
  readonly taskIds: string[];
  readonly runIds: number[];
  readonly completed: boolean[];
  readonly completedBefore: number[];
  readonly resolvedBefore: number[];
}

/** An edge that a resolution satisfies. */
export interface SatisfiedEdge {
  readonly requiredTaskId: string;
  readonly dependentTaskId: string;
}

/** The edges that these resolutions satisfy for the first time, at most `limit` of each, in order of the dependents. */
export const newlySatisfied = (tx: Transaction, resolved: Resolutions, limit: number) =>
  tx<SatisfiedEdge>`
    select r.task_id as required_task_id, e.dependent_task_id
      from unnest(${resolved.taskIds}::text[], ${resolved.runIds}::smallint[], ${resolved.completed}::bool[],
                  ${resolved.completedBefore}::smallint[], ${resolved.resolvedBefore}::smallint[])
           as r(task_id, run_id, completed, completed_before, resolved_before)
     cross join lateral (
       select dependent_task_id
         from task_dependencies d
        where d.required_task_id = r.task_id
          and d.from_run <= r.run_id
          and case when d.all_resolved then d.from_run > r.resolved_before
                   else r.completed and d.from_run > r.completed_before end
        order by dependent_task_id
        limit ${limit}) e`;

/** The same for one resolution whose release is in progress, after the dependent that was released last. */
export const nextOfRelease = (tx: Transaction, release: Release, limit: number) =>
  tx<SatisfiedEdge>`
    select required_task_id, dependent_task_id
      from task_dependencies d
     where d.required_task_id = ${release.requiredTaskId}
       and d.dependent_task_id > ${release.afterTaskId}
       and d.from_run <= ${release.runId}::smallint
       and case when d.all_resolved then d.from_run > ${release.resolvedBefore}::smallint
                else ${release.completed}::bool and d.from_run > ${release.completedBefore}::smallint end
     order by dependent_task_id
     limit ${limit}`;

/**
 * Subtracts these numbers from the unmet dependencies of tasks and returns the tasks that have none left. When the last two
 * dependencies resolve at once, each locks the row in turn, so exactly one of them sees zero. The order of the ids prevents
 * deadlocks.
 */
export const decrementUnmet = async (
  tx: Transaction,
  taskIds: string[],
  met: number[],
): Promise<string[]> => {
  const rows = await tx<{ taskId: string; unmet: number }>`
    with locked as materialized (
      select b.task_id, m.met
        from (select task_id collate "C" as task_id, met
                from unnest(${taskIds}::text[], ${met}::int[]) as m(task_id, met) order by 1) as m
       cross join lateral (
         select task_id from blocked_tasks where task_id = m.task_id for no key update) as b
    )
    update blocked_tasks b set unmet = b.unmet - locked.met
      from locked where b.task_id = any(array[locked.task_id])
    returning b.task_id, b.unmet`;
  return rows.filter((row) => row.unmet <= 0).map((row) => row.taskId);
};

/** Deletes the counts of tasks that no longer wait. */
export const deleteBlocked = (tx: Transaction, taskIds: string[]) =>
  tx`delete from blocked_tasks where task_id = any(${taskIds}::text[])`;

/** A resolution whose dependents are released in several steps. */
export interface Release {
  readonly requiredTaskId: string;
  readonly runId: number;
  readonly completed: boolean;
  readonly completedBefore: number;
  readonly resolvedBefore: number;
  readonly afterTaskId: string;
}

export const insertRelease = (tx: Transaction, release: Release) =>
  tx`
    insert into dependency_releases
      (required_task_id, run_id, completed, completed_before, resolved_before, after_task_id)
    values (${release.requiredTaskId}, ${release.runId}, ${release.completed}, ${release.completedBefore},
            ${release.resolvedBefore}, ${release.afterTaskId})`;

/** Locks a release that no other process works on. */
export const lockRelease = async (tx: Transaction): Promise<Release | undefined> => {
  const [release] = await tx<Release>`
    select required_task_id, run_id, completed, completed_before, resolved_before, after_task_id
      from dependency_releases
     order by required_task_id, run_id
     limit 1
       for update skip locked`;
  return release;
};

export const advanceRelease = (tx: Transaction, { requiredTaskId, runId }: Release, afterTaskId: string) =>
  tx`
    update dependency_releases set after_task_id = ${afterTaskId}
     where required_task_id = ${requiredTaskId} and run_id = ${runId}`;

export const deleteRelease = (tx: Transaction, { requiredTaskId, runId }: Release) =>
  tx`delete from dependency_releases where required_task_id = ${requiredTaskId} and run_id = ${runId}`;

/** A page of the tasks that depend on a task, by id. */
export const dependentsOf = async (
  db: Sql,
  taskId: string,
  after: string,
  limit: number,
): Promise<string[]> => {
  const rows = await db<{ dependentTaskId: string }>`
    select dependent_task_id from task_dependencies
     where required_task_id = ${taskId} and dependent_task_id > ${after}
     order by dependent_task_id limit ${limit}`;
  return rows.map((row) => row.dependentTaskId);
};

/** Deletes everything about expired tasks. */
export const deleteTasks = (tx: Transaction, taskIds: string[]) =>
  tx`
    with edges as (delete from task_dependencies where required_task_id = any(${taskIds}::text[]))
    delete from blocked_tasks where task_id = any(${taskIds}::text[])`;
