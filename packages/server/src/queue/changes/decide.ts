import { type Answer, RequestError, type Transaction } from '../../base/index.ts';
import type { Outcome } from '../lifecycle.ts';
import type { Change, TaskRecord } from '../record.ts';
import { lockRecords } from '../store/index.ts';

/** An attempt to change one task. It decides by the task's current record, and may throw a RequestError. */
export interface Attempt {
  readonly taskId: string;
  decide(task: TaskRecord): Outcome;
}

/** The results of some attempts. */
export interface Decided {
  /** For each attempt: the task after it, or the refusal. */
  readonly answers: Answer<TaskRecord>[];
  /** One for each changed task, however many attempts changed it. */
  readonly changes: Change[];
  /** One for each attempt that changed its task, in order. */
  readonly steps: Change[];
}

/** Reads tasks and locks their rows until the transaction ends. Tasks that do not exist are left out. */
export const lockTasks = async (
  tx: Transaction,
  refs: readonly { readonly taskId: string }[],
): Promise<Map<string, TaskRecord>> => {
  const taskIds = [...new Set(refs.map(({ taskId }) => taskId))];
  return new Map((await lockRecords(tx, taskIds)).map((record) => [record.taskId, record]));
};

/** Lets attempts decide in order, each on the result of those before it. The tasks must be locked. */
export const decideAll = (before: ReadonlyMap<string, TaskRecord>, attempts: readonly Attempt[]): Decided => {
  const current = new Map(before);
  const steps: Change[] = [];
  const answers = attempts.map((attempt): Answer<TaskRecord> => {
    const record = current.get(attempt.taskId);
    if (!record) return new RequestError('ResourceNotFound', `Task ${attempt.taskId} does not exist.`);
    const answer = decide(attempt, record);
    if (answer instanceof RequestError || answer === record) return answer;
    steps.push({ before: record, after: answer });
    current.set(attempt.taskId, answer);
    return answer;
  });
  const changes = [...before].flatMap(([taskId, old]) => {
    const after = current.get(taskId) as TaskRecord;
    return after === old ? [] : [{ before: old, after }];
  });
  return { answers, changes, steps };
};

const decide = (attempt: Attempt, record: TaskRecord): Answer<TaskRecord> => {
  try {
    const outcome = attempt.decide(record);
    if (outcome.kind === 'changed') return outcome.task;
    if (outcome.kind === 'unchanged') return record;
    if (outcome.kind === 'conflict') return new RequestError('RequestConflict', outcome.message);
    return new RequestError('ResourceNotFound', `Task ${record.taskId} has no such run.`);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
};
