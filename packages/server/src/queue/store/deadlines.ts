import type { Sql, Transaction } from '../../base/index.ts';

/** A place in the order of deadlines: after this task. */
export interface DeadlinePlace {
  readonly deadline: Date;
  readonly taskId: string;
}

/** The cursor of the deadline loop. */
export interface DeadlineCursor {
  /** Up to here every task has been handled for good. */
  readonly settled: DeadlinePlace;
  /** Up to here the loop has read. Tasks of transactions that did not see this yet may still appear before it. */
  readonly looked: DeadlinePlace;
  /** The place of the loop when it last recorded the transactions in progress. */
  readonly marked: DeadlinePlace;
  /** Whether those transactions have all ended. */
  readonly isMarkOver: boolean;
}

interface CursorRow extends DeadlinePlace {
  readonly lookedDeadline: Date;
  readonly lookedTaskId: string;
  readonly markedDeadline: Date;
  readonly markedTaskId: string;
  readonly isMarkOver: boolean;
}

/** Reads the cursor of the deadline loop, and locks it until the transaction ends. */
export const lockDeadlineCursor = async (tx: Transaction): Promise<DeadlineCursor | undefined> => {
  // A mark in the future was made before a crash or a restore: none of those transactions exists any more.
  const [row] = await tx<CursorRow>`
    select deadline, task_id, looked_deadline, looked_task_id, marked_deadline, marked_task_id,
           marked_xid <= pg_snapshot_xmin(pg_current_snapshot())
           or marked_xid > pg_snapshot_xmax(pg_current_snapshot()) as is_mark_over
      from deadline_cursor for update skip locked`;
  return (
    row && {
      settled: { deadline: row.deadline, taskId: row.taskId },
      looked: { deadline: row.lookedDeadline, taskId: row.lookedTaskId },
      marked: { deadline: row.markedDeadline, taskId: row.markedTaskId },
      isMarkOver: row.isMarkOver,
    }
  );
};

/** Whether the deadline loop has anything to do: it locks nothing, so an idle platform writes nothing. */
export const hasPastDeadline = async (db: Sql, due: Date): Promise<boolean> => {
  const [row] = await db<{ found: boolean }>`
    select (c.deadline, c.task_id) <> (c.looked_deadline, c.looked_task_id)
           or exists (
             select from task_status s
              where (s.deadline, s.task_id) > (c.looked_deadline, c.looked_task_id) and s.deadline < ${due}
             offset 0) as found
      from deadline_cursor c`;
  return row?.found ?? false;
};

/** A task whose deadline has passed. */
export interface OverdueTask extends DeadlinePlace {
  readonly state: string;
}

/**
 * Tasks whose deadline is after a place and before `due`, in order of time. Deadlines of the current moment are left out,
 * since tasks can still be created or rerun with them.
 */
export const pastDeadline = (
  tx: Transaction,
  after: DeadlinePlace,
  { due, limit }: { due: Date; limit: number },
) =>
  tx<OverdueTask>`
    select task_id, deadline, state from task_status
     where (deadline, task_id) > (${after.deadline}, ${after.taskId}) and deadline < ${due}
     order by deadline, task_id
     limit ${limit}`;

/** Unresolved tasks between two places, the second included, and before `due`. */
export const openBetween = (
  tx: Transaction,
  { after, until }: { after: DeadlinePlace; until: DeadlinePlace },
  { due, limit }: { due: Date; limit: number },
) =>
  tx<OverdueTask>`
    select task_id, deadline, state from task_status
     where (deadline, task_id) > (${after.deadline}, ${after.taskId})
       and (deadline, task_id) <= (${until.deadline}, ${until.taskId})
       and deadline < ${due} and state in ('unscheduled', 'pending', 'running')
     order by deadline, task_id
     limit ${limit}`;

/** Records how far the loop has read. */
export const moveLooked = (tx: Transaction, { deadline, taskId }: DeadlinePlace) =>
  tx`update deadline_cursor set looked_deadline = ${deadline}, looked_task_id = ${taskId}`;

/**
 * Counts everything up to the mark as handled, and sets the next mark to where the loop had read by an earlier
 * transaction: transactions that begin from now on see that.
 */
export const settleMark = (tx: Transaction, { marked, looked }: DeadlineCursor) =>
  tx`
    update deadline_cursor
       set deadline = ${marked.deadline}, task_id = ${marked.taskId},
           marked_deadline = ${looked.deadline}, marked_task_id = ${looked.taskId},
           marked_xid = pg_snapshot_xmax(pg_current_snapshot())`;

/**
 * Moves the loop back to the earliest of these deadlines when it has already passed it. To be called for tasks that were
 * added or reopened, after they were written: the transaction must have its id when the cursor is read.
 */
export const lookAgainFor = (tx: Transaction, tasks: readonly { readonly deadline: Date }[]) => {
  let earliestMs = Number.POSITIVE_INFINITY;
  for (const { deadline } of tasks) earliestMs = Math.min(earliestMs, deadline.getTime());
  const earliest = new Date(earliestMs);
  return tx`
    update deadline_cursor
       set task_id = case when deadline < ${earliest} then task_id else '' end,
           deadline = least(deadline, ${earliest}),
           looked_task_id = case when looked_deadline < ${earliest} then looked_task_id else '' end,
           looked_deadline = least(looked_deadline, ${earliest}),
           marked_task_id = case when marked_deadline < ${earliest} then marked_task_id else '' end,
           marked_deadline = least(marked_deadline, ${earliest})
     where looked_deadline >= ${earliest}`;
};
