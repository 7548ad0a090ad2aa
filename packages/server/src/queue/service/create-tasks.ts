import { isDeepStrictEqual } from 'node:util';
import {
  type Answer,
  answerOf,
  hours,
  inSlices,
  later,
  minutes,
  partsOf,
  RequestError,
  type Transaction,
  together,
  type Verb,
  type Work,
} from '../../base/index.ts';
import { outbox } from '../../events/index.ts';
import type { Authorize } from '../../http/index.ts';
import { type Dependent, type RequiredTask, recordDependencies, unmetOf } from '../../scheduler/index.ts';
import { announcePending } from '../changes/follow.ts';
import { traceNew } from '../changes/spans.ts';
import { positionAt, writeNew } from '../changes/write.ts';
import type { Context } from '../context.ts';
import { type NewTask, newTask, scopeValues } from '../definition.ts';
import * as events from '../events.ts';
import * as lifecycle from '../lifecycle.ts';
import { type Change, definitionText, type TaskRecord } from '../record.ts';
import type { FilledTaskRequest } from '../schema/index.ts';
import * as store from '../store/index.ts';

/** A task that is to be created, and the check of its creator's scopes. */
export interface TaskToCreate {
  readonly taskId: string;
  readonly request: FilledTaskRequest;
  readonly authorize: Authorize;
}

/**
 * Creates tasks, each under an id that its creator chose. A repeat of the same task changes nothing; another task under a
 * used id is refused. Tasks of one set may depend on each other. A task whose dependencies are satisfied is pending at
 * once.
 */
export const createTasks: Verb<TaskToCreate, TaskRecord, Context> = (tx, items, work) =>
  create(tx, { items, promised: [] }, work);

/**
 * The same for tasks that the caller rolls back as a whole when one is refused. No task is refused because of another
 * refused one, so each mistake is reported once.
 */
export const createTasksTogether: Verb<TaskToCreate, TaskRecord, Context> = (tx, items, work) =>
  create(tx, { items, promised: items.map(({ taskId }) => taskId) }, work);

interface Creating {
  readonly items: readonly TaskToCreate[];
  /** Ids that count as existing tasks, even if their tasks are refused. */
  readonly promised: readonly string[];
}

const create = async (
  tx: Transaction,
  { items, promised }: Creating,
  work: Work<Context>,
): Promise<Answer<TaskRecord>[]> => {
  const checked = await inSlices(items, (item) => answerOf(() => checkTask(item, work)));
  // A group stays even when its first task is refused after all.
  const groups = await ensureGroups(tx, checked.filter(isTask), work.now);
  const admitted = checked.map((task) => (isTask(task) ? admit(task, groups) : task));
  const { dependents, answers } = await resolveDependencies(tx, admitted, promised);
  const fresh = await insertFresh(tx, { answers, dependents }, work);
  return adoptExisting(tx, checked, { answers, fresh });
};

const isTask = (answer: Answer<NewTask>): answer is NewTask => !(answer instanceof RequestError);

const checkTask = (
  { taskId, request, authorize }: TaskToCreate,
  { now, context }: Work<Context>,
): NewTask => {
  authorize(scopeValues(request));
  return newTask(taskId, request, { limits: context.settings, now });
};

/** Rounds up to whole minutes, so that a stream of tasks does not rewrite its group for each later expiry. */
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

/** A task of the same set, as far as its dependents are concerned. */
const notYetRun = ({ taskId, expires }: Pick<Dependency, 'taskId' | 'expires'>): Dependency => ({
  taskId,
  state: 'unscheduled',
  lastRunId: -1,
  expires,
});

/** Finds the dependencies of tasks, in the database or in the same set. Their rows are locked until the commit. */
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
  const answers = await inSlices(tasks, (task): Answer<NewTask> => {
    if (!isTask(task)) return task;
    const { missing, expiring } = lacksOf(task, known);
    const isUsable = missing.length + expiring.length === 0;
    return isUsable ? task : new RequestError('InputError', unusable(missing, expiring));
  });
  const seen = new Set<string>();
  for (const { record, definition } of answers.filter(isTask)) {
    const { taskId } = record;
    // Of several tasks under one id the first one counts, with its dependencies.
    if (seen.has(taskId)) continue;
    seen.add(taskId);
    const { dependencies: ids, requires } = definition;
    const dependencies = ids.map((id) => known.get(id) as Dependency);
    if (ids.length > 0) dependents.set(taskId, { taskId, requires, dependencies });
  }
  return { dependents, answers };
};

/**
 * Adds the tasks of a set to the known ones, each after its dependencies. A task that will be refused is left out, since
 * no other task may wait for it.
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

/** The dependencies of a task that do not exist or expire too soon. A task may depend on itself. */
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
      ? [`dependencies names tasks whose expires is before this task's deadline: ${expiring.join(', ')}.`]
      : []),
  ].join('\n');

/** Inserts the tasks whose ids are free, with edges, places in line and messages; returns their records. */
const insertFresh = async (
  tx: Transaction,
  { answers, dependents }: Resolved,
  { now, context }: Work<Context>,
): Promise<Map<string, TaskRecord>> => {
  const rows = await inSlices(firstOfEach(answers.filter(isTask)), (task, i) => {
    const dependent = dependents.get(task.record.taskId);
    const isWaiting = dependent !== undefined && unmetOf(dependent) > 0;
    const record = isWaiting ? task.record : scheduled(task.record, now, i);
    return { ...task, record, before: task.record };
  });
  if (rows.length === 0) return new Map();
  const ids = await insertRows(tx, rows);
  const changes = rows
    .filter(({ record }) => ids.has(record.taskId))
    .map(({ before, record: after }) => ({ before, after }));
  await announceNew(tx, { changes, dependents }, now);
  announcePending(tx, changes, context);
  traceNew(tx, changes, { now, context });
  return new Map(changes.map(({ after }) => [after.taskId, after]));
};

/** The largest number of rows of one statement, since building and sending it blocks the process. */
const rowsAtOnceMax = 1000;

/** Adds tasks in order of their ids, so that two graphs with the same tasks do not deadlock. */
const insertRows = async (tx: Transaction, rows: readonly store.NewTaskRow[]): Promise<Set<string>> => {
  if (rows.length <= rowsAtOnceMax) return store.insertTasks(tx, rows);
  const inOrder = [...rows].sort((a, b) => (a.record.taskId < b.record.taskId ? -1 : 1));
  const ids = new Set<string>();
  for (const part of partsOf(inOrder, rowsAtOnceMax))
    for (const taskId of await store.insertTasks(tx, part)) ids.add(taskId);
  return ids;
};

interface New {
  readonly changes: readonly Change[];
  readonly dependents: ReadonlyMap<string, Dependent>;
}

/** Writes everything else about new tasks: edges, places in line, messages, the sizes of their groups. */
const announceNew = async (tx: Transaction, { changes, dependents }: New, now: Date): Promise<void> => {
  const parts = partsOf(changes, rowsAtOnceMax);
  const last = parts.pop() ?? [];
  const write = (part: readonly Change[]) =>
    together(
      writeNew(
        tx,
        part.map(({ after }) => after),
        now,
      ),
      recordDependencies(
        tx,
        part.flatMap(({ after }) => dependents.get(after.taskId) ?? []),
      ),
      outbox.append(
        tx,
        part.flatMap((change) => [events.taskDefined(change.before), ...events.messagesOf(change)]),
        now,
      ),
    );
  for (const part of parts) await write(part);
  const records = changes.map(({ after }) => after);
  const written = together(
    write(last),
    records.length > 0 && store.lookAgainFor(tx, records),
    records.length > 0 && store.growGroups(tx, growthOf(records)),
  );
  tx.last(written);
};

/** Of several tasks under one id in the same set the first one counts. */
const firstOfEach = (tasks: readonly NewTask[]): NewTask[] => {
  const byId = new Map<string, NewTask>();
  for (const task of tasks) if (!byId.has(task.record.taskId)) byId.set(task.record.taskId, task);
  return [...byId.values()];
};

const scheduled = (record: TaskRecord, now: Date, index: number): TaskRecord => {
  const outcome = lifecycle.schedule(record, now);
  return outcome.kind === 'changed' ? { ...outcome.task, position: positionAt(now, index) } : record;
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

/** The result for each task: the new task, or the existing one if it is the same. */
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

/** A repeat is refused in a sealed group or one of another scheduler, but not for dependencies that are gone by now. */
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
