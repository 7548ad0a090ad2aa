import { isDeepStrictEqual } from 'node:util';
import {
  type Answer,
  hours,
  later,
  minutes,
  RequestError,
  type Transaction,
  together,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { type Dependent, type RequiredTask, recordDependencies, unmetOf } from '../../scheduler/index.ts';
import { pendingRow, positionAt } from '../apply.ts';
import type { QueueDeps } from '../context.ts';
import { type NewTask, newTask, scopeValues } from '../definition.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import { definitionText, stateOf, type TaskRecord } from '../record.ts';
import type { FilledTaskRequest } from '../schema/index.ts';
import * as store from '../store/index.ts';

/** A task that is asked for, and by whose authority. */
export interface TaskToCreate {
  readonly taskId: string;
  readonly request: FilledTaskRequest;
  readonly authorize: Authorize;
}

type Deps = QueueDeps & {
  readonly now: Date;
  /** The caller takes all back when one task is refused: then others are not refused for its sake. */
  readonly allOrNone?: boolean;
};

/**
 * Creates tasks, each under an id that its creator chose. The same task again finds the work done; another task under
 * a used id is refused. Tasks of one set may depend on each other. A task whose dependencies are satisfied is pending
 * at once.
 */
export const createTasks = async (
  tx: Transaction,
  items: readonly TaskToCreate[],
  deps: Deps,
): Promise<Answer<TaskRecord>[]> => {
  const checked = items.map((item) => attempt(() => checkTask(item, deps)));
  // A group stays even when its first task is refused after all.
  const groups = await ensureGroups(tx, checked.filter(isTask), deps.now);
  const admitted = checked.map((task) => (isTask(task) ? admit(task, groups) : task));
  // What is taken back as a whole needs no second complaint about who depends on a refused task.
  const promised = deps.allOrNone ? items.map(({ taskId }) => taskId) : [];
  const { dependents, answers } = await resolveDependencies(tx, admitted, promised);
  const fresh = await insertFresh(tx, answers, { dependents, deps });
  return adoptExisting(tx, checked, { answers, fresh });
};

const isTask = (answer: Answer<NewTask>): answer is NewTask => !(answer instanceof RequestError);

const attempt = <T>(run: () => T): Answer<T> => {
  try {
    return run();
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
};

const checkTask = (
  { taskId, request, authorize }: TaskToCreate,
  deps: QueueDeps & { now: Date },
): NewTask => {
  authorize(scopeValues(request));
  return newTask(taskId, request, { limits: deps.settings, now: deps.now });
};

/** Whole minutes, so that a stream of tasks, each expiring a little later, does not rewrite its group each time. */
const groupExpiry = (expires: Date): Date => {
  const time = later(expires, hours(1)).getTime();
  return new Date(Math.ceil(time / minutes(1)) * minutes(1));
};

/** The groups of tasks; those that do not exist are added. */
const ensureGroups = async (
  tx: Transaction,
  tasks: readonly NewTask[],
  now: Date,
): Promise<Map<string, store.GroupRow>> => {
  const taskGroupIds = [...new Set(tasks.map(({ record }) => record.taskGroupId))];
  const byId = (rows: store.GroupRow[]) => new Map(rows.map((row) => [row.taskGroupId, row]));
  const known = byId(await store.readGroups(tx, taskGroupIds));
  if (known.size === taskGroupIds.length) return known;
  const missing = new Map<string, store.NewGroup>();
  for (const { record } of tasks) {
    const { taskGroupId, schedulerId } = record;
    if (known.has(taskGroupId) || missing.has(taskGroupId)) continue;
    missing.set(taskGroupId, { taskGroupId, schedulerId, expires: groupExpiry(record.expires) });
  }
  const [, rows] = await together(
    store.insertGroups(tx, [...missing.values()], now),
    store.readGroups(tx, taskGroupIds),
  );
  return byId(rows);
};

const admit = (task: NewTask, groups: ReadonlyMap<string, store.GroupRow>): Answer<NewTask> => {
  const { taskGroupId, schedulerId } = task.record;
  const group = groups.get(taskGroupId);
  if (group && group.schedulerId !== schedulerId) {
    return new RequestError(
      'RequestConflict',
      `Task group ${taskGroupId} belongs to schedulerId ${group.schedulerId}; the task has ${schedulerId}.`,
    );
  }
  if (group?.sealed) {
    return new RequestError(
      'RequestConflict',
      `Task group ${taskGroupId} is sealed; it takes no further tasks.`,
    );
  }
  return task;
};

interface Resolved {
  readonly dependents: Map<string, Dependent>;
  readonly answers: Answer<NewTask>[];
}

type Dependency = RequiredTask & { readonly expires: Date };

/** A task of the same set, as those see it that depend on it. */
const notYetRun = ({ taskId, expires }: Pick<Dependency, 'taskId' | 'expires'>): Dependency => ({
  taskId,
  state: 'unscheduled',
  lastRunId: -1,
  expires,
});

/** Finds what tasks depend on, in the database or in the same set. Those rows stay as they are until the commit. */
const resolveDependencies = async (
  tx: Transaction,
  tasks: readonly Answer<NewTask>[],
  promised: readonly string[],
): Promise<Resolved> => {
  const required = new Set(tasks.filter(isTask).flatMap(({ definition }) => definition.dependencies));
  const dependents = new Map<string, Dependent>();
  if (required.size === 0) return { dependents, answers: [...tasks] };
  const rows = await store.shareRequired(tx, [...required]);
  const known = new Map<string, Dependency>(rows.map((row) => [row.taskId, row]));
  addOwn(tasks.filter(isTask), known, new Set(promised));
  const answers = tasks.map((task): Answer<NewTask> => {
    if (!isTask(task)) return task;
    const { missing, expiring } = lacksOf(task, known);
    const isUsable = missing.length + expiring.length === 0;
    return isUsable ? task : new RequestError('InputError', unusable(missing, expiring));
  });
  const seen = new Set<string>();
  for (const { record, definition } of answers.filter(isTask)) {
    const { taskId } = record;
    // Of several tasks under one id the first one counts, and so do its dependencies.
    if (seen.has(taskId)) continue;
    seen.add(taskId);
    const { dependencies: ids, requires } = definition;
    const dependencies = ids.map((id) => known.get(id) as Dependency);
    if (ids.length > 0) dependents.set(taskId, { taskId, requires, dependencies });
  }
  return { dependents, answers };
};

/**
 * Adds the tasks of a set to what is known, each after those that it depends on. One that will be refused is left out,
 * for it must not be waited for.
 */
const addOwn = (
  tasks: readonly NewTask[],
  known: Map<string, Dependency>,
  promised: ReadonlySet<string>,
): void => {
  const waiting = new Map<string, NewTask[]>();
  const next = [...tasks].reverse();
  for (let task = next.pop(); task !== undefined; task = next.pop()) {
    const { taskId } = task.record;
    if (known.has(taskId)) continue;
    const { missing, expiring } = lacksOf(task, known);
    const first = missing.find((id) => !promised.has(id));
    if (first !== undefined) waiting.set(first, [...(waiting.get(first) ?? []), task]);
    else if (expiring.length === 0) {
      known.set(taskId, notYetRun(task.record));
      next.push(...(waiting.get(taskId) ?? []));
    }
  }
  for (const taskId of promised) {
    if (!known.has(taskId)) known.set(taskId, notYetRun({ taskId, expires: never }));
  }
};

const never = new Date(8.64e15);

/** Which dependencies of a task do not exist, and which expire too soon. A task may depend on itself. */
const lacksOf = ({ record, definition }: NewTask, known: ReadonlyMap<string, Dependency>) => {
  const { taskId, deadline } = record;
  const { dependencies } = definition;
  return {
    missing: dependencies.filter((id) => id !== taskId && !known.has(id)),
    expiring: dependencies.filter((id) => (known.get(id)?.expires ?? deadline) < deadline),
  };
};

const unusable = (missing: readonly string[], expiring: readonly string[]): string =>
  [
    ...(missing.length > 0 ? [`dependencies names tasks that do not exist: ${missing.join(', ')}.`] : []),
    ...(expiring.length > 0
      ? [`dependencies names tasks whose expires lies before this task's deadline: ${expiring.join(', ')}.`]
      : []),
  ].join('\n');

interface Inserting {
  readonly dependents: ReadonlyMap<string, Dependent>;
  readonly deps: QueueDeps & { now: Date };
}

/** Inserts the tasks whose ids are free, with edges, places in line and messages; answers them as they stand. */
const insertFresh = async (
  tx: Transaction,
  answers: readonly Answer<NewTask>[],
  { dependents, deps }: Inserting,
): Promise<Map<string, TaskRecord>> => {
  // Of several tasks under one id in the same set the first one counts.
  const tasks = [
    ...new Map(
      answers
        .filter(isTask)
        .reverse()
        .map((task) => [task.record.taskId, task]),
    ).values(),
  ];
  const rows = tasks.reverse().map((task, i) => {
    const dependent = dependents.get(task.record.taskId);
    const waits = dependent !== undefined && unmetOf(dependent) > 0;
    return {
      ...task,
      record: waits ? task.record : scheduled(task.record, deps.now, i),
      before: task.record,
    };
  });
  if (rows.length === 0) return new Map();
  const ids = await store.insertTasks(tx, rows);
  const fresh = rows.filter(({ record }) => ids.has(record.taskId));
  const records = fresh.map(({ record }) => record);
  const pending = records.filter((record) => stateOf(record) === 'pending' && record.deadline > deps.now);
  const messages = fresh.flatMap(({ before, record }) => [
    events.taskDefined(before),
    ...events.messagesOf({ before, after: record }),
  ]);
  const edges = records.map(({ taskId }) => dependents.get(taskId)).filter((each) => each !== undefined);
  const written = together(
    pending.length > 0 && store.insertPending(tx, pending.map(pendingRow)),
    recordDependencies(tx, edges),
    outbox.append(tx, messages, deps.now),
    records.length > 0 && store.growGroups(tx, growthOf(records)),
  );
  tx.last(written);
  const queues = [...new Set(pending.map(({ taskQueueId }) => taskQueueId))];
  if (queues.length > 0) tx.afterCommit(() => deps.pendingChanged.wake(queues));
  return new Map(records.map((record) => [record.taskId, record]));
};

const scheduled = (record: TaskRecord, now: Date, index: number): TaskRecord => {
  const outcome = lifecycle.schedule(record, now);
  return outcome.kind === 'moved' ? { ...outcome.task, position: positionAt(now, index) } : record;
};

const growthOf = (records: readonly TaskRecord[]) => {
  const growth = new Map<string, { taskGroupId: string; tasks: number; expires: Date }>();
  for (const { taskGroupId, expires } of records) {
    const known = growth.get(taskGroupId);
    const needed = groupExpiry(expires);
    growth.set(taskGroupId, {
      taskGroupId,
      tasks: (known?.tasks ?? 0) + 1,
      expires: known && known.expires > needed ? known.expires : needed,
    });
  }
  return [...growth.values()];
};

interface Adopting {
  readonly answers: readonly Answer<NewTask>[];
  readonly fresh: ReadonlyMap<string, TaskRecord>;
}

/** The answers for all: new tasks as they stand, and for used ids the task that is there, if it is the same. */
const adoptExisting = async (
  tx: Transaction,
  checked: readonly Answer<NewTask>[],
  { answers, fresh }: Adopting,
): Promise<Answer<TaskRecord>[]> => {
  const first = new Set<string>();
  const isNew = answers.map((task) => {
    if (!isTask(task) || !fresh.has(task.record.taskId) || first.has(task.record.taskId)) return false;
    first.add(task.record.taskId);
    return true;
  });
  const wanted = checked.filter(
    (task, i): task is NewTask => isTask(task) && !isNew[i] && mayExist(answers[i]),
  );
  const rows = await existingTasks(tx, wanted);
  return answers.map((answer, i): Answer<TaskRecord> => {
    const task = checked[i] as Answer<NewTask>;
    if (!isTask(task)) return task;
    if (isNew[i]) return fresh.get(task.record.taskId) as TaskRecord;
    const existing = rows.get(task.record.taskId);
    if (existing && mayExist(answer) && isSame(task, existing)) return existing.record;
    if (!isTask(answer)) return answer;
    return new RequestError(
      'RequestConflict',
      `taskId ${task.record.taskId} is already used by another task.`,
    );
  });
};

/** A sealed group or another scheduler's refuses even a repetition; dependencies that are gone by now do not. */
const mayExist = (answer: Answer<NewTask> | undefined): boolean =>
  !(answer instanceof RequestError) || answer.code === 'InputError';

interface Existing {
  readonly record: TaskRecord;
  readonly definition: string;
}

const existingTasks = async (tx: Transaction, tasks: readonly NewTask[]): Promise<Map<string, Existing>> => {
  if (tasks.length === 0) return new Map();
  const taskIds = tasks.map(({ record }) => record.taskId);
  const [records, definitions] = await together(
    store.readRecords(tx, taskIds),
    store.readDefinitions(tx, taskIds),
  );
  const byId = new Map(definitions.map((row) => [row.taskId, row.definition]));
  return new Map(
    records.map((record) => [record.taskId, { record, definition: byId.get(record.taskId) ?? '{}' }]),
  );
};

const isSame = (task: NewTask, { record, definition }: Existing): boolean => {
  if (task.record.priority === record.priority && task.stored === definition) return true;
  // The same values in another order are the same task.
  return isDeepStrictEqual(
    JSON.parse(JSON.stringify(task.definition)),
    JSON.parse(definitionText(definition, record.priority)),
  );
};
