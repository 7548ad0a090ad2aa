import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import fc from 'fast-check';
import { later, minutes, RequestError, seconds } from '../base/index.ts';
import {
  type Priority,
  priorities,
  type ReportedReason,
  type RunStatus,
  reportedReasons,
  type TaskStatus,
} from './schema/index.ts';
import { anybody, aTask, type TestQueue, testQueue } from './testing.ts';

// Compares the queue with a simple model of it: both get random commands, and after each one all statuses, all messages
// and the bookkeeping in the database must match the model.

type Run = { -readonly [Field in keyof RunStatus]: RunStatus[Field] };
interface Task {
  readonly taskId: string;
  readonly group: string;
  readonly deadline: Date;
  readonly retries: number;
  readonly requires: 'all-completed' | 'all-resolved';
  readonly dependencies: readonly string[];
  readonly created: Date;
  readonly firstPriority: Priority;
  priority: Priority;
  retriesLeft: number;
  readonly unmet: Set<string>;
  wasResolved: boolean;
  runs: Run[];
}

interface World {
  readonly round: number;
  now: Date;
  readonly tasks: Map<string, Task>;
  readonly sealed: Map<string, boolean>;
  /** The expected messages, by task or group, in order: `task-pending 0`. */
  readonly told: Map<string, string[]>;
}

// Few tasks with many commands find more than many tasks with few.
const tasksMax = 10;
const claimTimeout = minutes(20);
const deadlineDelay = minutes(1);
const groups = ['group-a', 'group-b', 'group-c'];
const workers = ['one', 'two'].map((workerId) => ({ workerGroup: 'hall', workerId }));

const stateOf = (task: Task): TaskStatus['state'] => task.runs.at(-1)?.state ?? 'unscheduled';
const isOver = (task: Task): boolean => ['completed', 'failed', 'exception'].includes(stateOf(task));
const isPast = (world: World, task: Task): boolean => task.deadline < world.now;
const tasksOf = (world: World): Task[] => [...world.tasks.values()];
const groupOf = (world: World, group: string): string => `${group}-${world.round}`;
const queueOf = (world: World): string => `prov/round-${world.round}`;

const tell = (world: World, about: string, message: string): void => {
  world.told.set(about, [...(world.told.get(about) ?? []), message]);
};

const makePending = (world: World, task: Task, reasonCreated: Run['reasonCreated']): void => {
  const runId = task.runs.length;
  task.runs.push({ runId, state: 'pending', reasonCreated, scheduled: world.now.toJSON() });
  tell(world, task.taskId, `task-pending ${runId}`);
};

type Ending = { state: 'completed' | 'failed' | 'exception'; reason: NonNullable<Run['reasonResolved']> };

/** Ends the last run of a task; returns true when that ends the task, false when it is retried. */
const endRun = (world: World, task: Task, { state, reason }: Ending): boolean => {
  const last = task.runs.at(-1);
  const time = world.now.toJSON();
  if (last) Object.assign(last, { state, reasonResolved: reason, resolved: time });
  else {
    const end = {
      reasonCreated: 'exception',
      reasonResolved: reason,
      scheduled: time,
      resolved: time,
    } as const;
    task.runs.push({ runId: 0, state, ...end });
  }
  tell(world, task.taskId, `task-${state} ${task.runs.length - 1}`);
  const isRetried = ['worker-shutdown', 'claim-expired', 'intermittent-task'].includes(reason);
  if (!isRetried || task.retriesLeft === 0 || task.runs.length >= 50) return true;
  task.retriesLeft--;
  makePending(world, task, reason === 'intermittent-task' ? 'task-retry' : 'retry');
  return false;
};

const satisfies = (task: Task, requires: Task['requires']): boolean =>
  stateOf(task) === 'completed' || (requires === 'all-resolved' && isOver(task));

/** The effects of tasks that ended for good in one transaction: dependents are released, groups may be resolved. */
const follow = (world: World, ended: readonly Task[]): void => {
  for (const task of ended) task.wasResolved = true;
  for (const dependent of tasksOf(world)) {
    const before = dependent.unmet.size;
    for (const task of ended) {
      if (satisfies(task, dependent.requires)) dependent.unmet.delete(task.taskId);
    }
    if (before > 0 && dependent.unmet.size === 0 && dependent.runs.length === 0) {
      makePending(world, dependent, 'scheduled');
    }
  }
  for (const group of new Set(ended.map((task) => task.group))) {
    const members = tasksOf(world).filter((task) => task.group === group);
    if (members.every((task) => task.wasResolved)) tell(world, group, 'task-group-resolved');
  }
};

const endAll = (world: World, tasks: readonly Task[], ending: Ending): void => {
  follow(
    world,
    tasks.filter((task) => endRun(world, task, ending)),
  );
};

// --- commands ---

type Command = fc.AsyncCommand<World, TestQueue>;
interface Step {
  readonly name: string;
  readonly isPossible?: (world: World) => boolean;
  /** Changes the model and the queue in the same way. */
  run(world: World, real: TestQueue): Promise<unknown>;
}

const command = ({ name, isPossible = () => true, run }: Step): Command => ({
  check: isPossible,
  toString: () => name,
  run: async (world, real) => {
    await run(world, real);
    await compare(world, real);
  },
});

/** The result of a verb: its value, or the code of the refusal. */
const outcome = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof RequestError) return error.code;
      throw error;
    },
  );

const hasTasks = (world: World): boolean => world.tasks.size > 0;
const pick = (world: World, n: number): Task => tasksOf(world)[n % world.tasks.size] as Task;

interface Creation {
  readonly group: number;
  readonly needs: readonly number[];
  readonly needsItself: boolean;
  readonly requires: Task['requires'];
  readonly retries: number;
  readonly priority: Priority;
  readonly minutes: number;
}

const requestOf = (world: World, task: Omit<Task, 'runs' | 'retriesLeft' | 'unmet' | 'wasResolved'>) =>
  aTask(task.created, {
    workerType: queueOf(world).split('/')[1] as string,
    taskGroupId: task.group,
    dependencies: [...task.dependencies],
    requires: task.requires,
    retries: task.retries,
    priority: task.firstPriority,
    deadline: task.deadline.toJSON(),
  });

const define = (world: World, { group, needs, needsItself, ...fields }: Creation): Task => {
  const number = world.tasks.size;
  // Ids that are not in the order of creation.
  const taskId = `task-${world.round}-${String((number * 7919) % 1000).padStart(3, '0')}`;
  const others = hasTasks(world) ? needs.map((n) => pick(world, n)) : [];
  const dependencies = [...new Set(others.map((task) => task.taskId)), ...(needsItself ? [taskId] : [])];
  const unmet = dependencies.filter((id) => {
    const required = world.tasks.get(id);
    return !required || !satisfies(required, fields.requires);
  });
  return {
    taskId,
    group: groupOf(world, groups[group] as string),
    dependencies,
    created: world.now,
    deadline: later(world.now, minutes(fields.minutes)),
    requires: fields.requires,
    retries: fields.retries,
    retriesLeft: fields.retries,
    firstPriority: fields.priority,
    priority: fields.priority,
    unmet: new Set(unmet),
    wasResolved: false,
    runs: [],
  };
};

const createInModel = (world: World, task: Task): void => {
  world.tasks.set(task.taskId, task);
  if (!world.sealed.has(task.group)) world.sealed.set(task.group, false);
  tell(world, task.taskId, 'task-defined');
  if (task.unmet.size === 0) makePending(world, task, 'scheduled');
};

const create = (creation: Creation): Command =>
  command({
    name: `create(${JSON.stringify(creation)})`,
    isPossible: (world) => world.tasks.size < tasksMax,
    run: async (world, { queue }) => {
      const task = define(world, creation);
      const request = requestOf(world, task);
      const answer = outcome(queue.createTasks.one({ taskId: task.taskId, request, authorize: anybody }));
      if (world.sealed.get(task.group)) {
        assert.equal(await answer, 'RequestConflict');
        return;
      }
      createInModel(world, task);
      assert.equal(await answer, 'done');
    },
  });

const createAgain = (n: number, differently: boolean): Command =>
  command({
    name: `createAgain(${n}, ${differently ? 'differently' : 'as it was'})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const { taskId } = task;
      const request = { ...requestOf(world, task), ...(differently ? { extra: { other: true } } : {}) };
      const isLate = isPast(world, task) || world.now.getTime() - task.created.getTime() > minutes(15);
      const isAnother = differently || task.priority !== task.firstPriority;
      const expected = isLate
        ? 'InputError'
        : world.sealed.get(task.group) || isAnother
          ? 'RequestConflict'
          : 'done';
      assert.equal(await outcome(queue.createTasks.one({ taskId, request, authorize: anybody })), expected);
    },
  });

const schedule = (n: number): Command =>
  command({
    name: `schedule(${n})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const answer = outcome(queue.scheduleTasks.one({ taskId: task.taskId, authorize: anybody }));
      const isRefused = isPast(world, task);
      if (!isRefused && task.runs.length === 0) makePending(world, task, 'scheduled');
      assert.equal(await answer, isRefused ? 'RequestConflict' : 'done');
    },
  });

const takenUntil = (world: World): string => {
  const end = later(world.now, claimTimeout).getTime();
  return new Date(end - (end % 1000)).toJSON();
};

const startRun = (world: World, task: Task, worker: (typeof workers)[number]): void => {
  const { runId, reasonCreated, scheduled } = task.runs.at(-1) as Run;
  task.runs[runId] = {
    runId,
    state: 'running',
    reasonCreated,
    ...worker,
    takenUntil: takenUntil(world),
    scheduled,
    started: world.now.toJSON(),
  };
  tell(world, task.taskId, `task-running ${runId}`);
};

const waiting = (world: World): Task[] =>
  tasksOf(world).filter((task) => stateOf(task) === 'pending' && task.deadline > world.now);

const urgency = (task: Task): string =>
  `${priorities.indexOf(task.priority)} ${(task.runs.at(-1) as Run).scheduled}`;

/** Waits for the full time, on a queue that is closed afterwards, so that nothing is in flight any more. */
const waitInVain = async (world: World, real: TestQueue, worker: (typeof workers)[number]): Promise<void> => {
  const queue = real.again();
  const gone = new AbortController().signal;
  const answer = queue.claimWork({ taskQueueId: queueOf(world), worker, count: 1, gone });
  real.clock.advance(seconds(20));
  world.now = real.clock.now();
  assert.deepEqual(await answer, []);
  await queue.drain();
};

const claimWork = (n: number, count: number): Command =>
  command({
    name: `claimWork(${n}, ${count})`,
    run: async (world, real) => {
      const worker = workers[n] as (typeof workers)[number];
      const line = waiting(world);
      if (line.length === 0) return waitInVain(world, real, worker);
      const gone = new AbortController().signal;
      const answer = real.queue.claimWork({ taskQueueId: queueOf(world), worker, count, gone });
      const claimed = (await answer).map((text) => JSON.parse(text) as { status: TaskStatus; runId: number });
      assert.equal(claimed.length, Math.min(count, line.length));
      const tasks = claimed.map(({ status }) => world.tasks.get(status.taskId) as Task);
      assert.equal(new Set(tasks).size, tasks.length);
      const left = line.filter((task) => !tasks.includes(task)).map(urgency);
      for (const task of tasks) {
        assert.ok(line.includes(task), `${task.taskId} was not in line`);
        assert.ok(
          left.every((other) => urgency(task) <= other),
          `${task.taskId} was not the most urgent`,
        );
      }
      for (const task of tasks) startRun(world, task, worker);
    },
  });

const waitForWork = (creation: Creation): Command =>
  command({
    name: `waitForWork(${JSON.stringify(creation)})`,
    isPossible: (world) =>
      world.tasks.size < tasksMax &&
      waiting(world).length === 0 &&
      !world.sealed.get(groupOf(world, groups[creation.group] as string)),
    run: async (world, { queue }) => {
      const [worker] = workers as [(typeof workers)[number]];
      const gone = new AbortController().signal;
      const answer = queue.claimWork({ taskQueueId: queueOf(world), worker, count: 1, gone });
      const task = define(world, { ...creation, needs: [], needsItself: false });
      createInModel(world, task);
      const request = requestOf(world, task);
      await queue.createTasks.one({ taskId: task.taskId, request, authorize: anybody });
      assert.equal((await answer).length, 1);
      startRun(world, task, worker);
    },
  });

const claimTask = (n: number, w: number): Command =>
  command({
    name: `claimTask(${n}, ${w})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const worker = workers[w] as (typeof workers)[number];
      const runId = Math.max(0, task.runs.length - 1);
      const run = task.runs[runId];
      const answer = outcome(queue.claimRuns.one({ taskId: task.taskId, runId, worker, authorize: anybody }));
      const isTheirs = run?.state === 'running' && run.workerId === worker.workerId;
      const expected = isPast(world, task)
        ? 'RequestConflict'
        : !run
          ? 'ResourceNotFound'
          : run.state === 'pending' || isTheirs
            ? 'done'
            : 'RequestConflict';
      if (expected === 'done' && !isTheirs) startRun(world, task, worker);
      assert.equal(await answer, expected);
    },
  });

const reclaim = (n: number): Command =>
  command({
    name: `reclaim(${n})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const runId = Math.max(0, task.runs.length - 1);
      const run = task.runs[runId];
      const answer = outcome(queue.reclaimRuns.one({ taskId: task.taskId, runId }));
      const expected = !run
        ? 'ResourceNotFound'
        : run.state === 'running' && !isPast(world, task)
          ? 'done'
          : 'RequestConflict';
      if (run && expected === 'done') run.takenUntil = takenUntil(world);
      assert.equal(await answer, expected);
    },
  });

const finish = (n: number, end: 'completed' | 'failed', back: number): Command =>
  command({
    name: `${end}(${n}, ${back} back)`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const runId = Math.max(0, task.runs.length - 1 - back);
      const run = task.runs[runId];
      const isLast = run === task.runs.at(-1);
      const answer = outcome(queue.resolveRuns.one({ taskId: task.taskId, runId, end }));
      const isAllowed = isLast && (run?.state === 'running' || run?.state === end);
      if (isLast && run?.state === 'running') endAll(world, [task], { state: end, reason: end });
      assert.equal(await answer, !run ? 'ResourceNotFound' : isAllowed ? 'done' : 'RequestConflict');
    },
  });

/** Executes a whole run of a task, or another one. Dependents become ready by it, or keep waiting. */
const work = (n: number, end: 'completed' | 'failed'): Command =>
  command({
    name: `work(${n}, ${end})`,
    isPossible: (world) => hasTasks(world) && !isPast(world, pick(world, n)),
    run: async (world, real) => {
      if (stateOf(pick(world, n)) === 'running') return;
      if (stateOf(pick(world, n)) !== 'pending') await rerun(n).run(world, real);
      await claimTask(n, 0).run(world, real);
      await finish(n, end, 0).run(world, real);
    },
  });

const except = (n: number, reason: ReportedReason, back: number): Command =>
  command({
    name: `exception(${n}, ${reason}, ${back} back)`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const runId = Math.max(0, task.runs.length - 1 - back);
      const run = task.runs[runId];
      const report = { taskId: task.taskId, runId, end: 'exception', reason } as const;
      const answer = outcome(queue.resolveRuns.one(report));
      const isRepeat = run?.reasonResolved === reason && runId >= task.runs.length - 2;
      const isNew = run === task.runs.at(-1) && run?.state === 'running';
      if (isNew) endAll(world, [task], { state: 'exception', reason });
      assert.equal(await answer, !run ? 'ResourceNotFound' : isNew || isRepeat ? 'done' : 'RequestConflict');
    },
  });

const cancel = (n: number): Command =>
  command({
    name: `cancel(${n})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const isRefused = isPast(world, task);
      const answer = outcome(queue.cancelTasks.one({ taskId: task.taskId, authorize: anybody }));
      if (!isRefused && !isOver(task)) endAll(world, [task], { state: 'exception', reason: 'canceled' });
      assert.equal(await answer, isRefused ? 'RequestConflict' : 'done');
    },
  });

const rerun = (n: number): Command =>
  command({
    name: `rerun(${n})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const isOpen = ['pending', 'running'].includes(stateOf(task));
      const isRefused = isPast(world, task) || (!isOpen && task.runs.length >= 50);
      const answer = outcome(queue.rerunTasks.one({ taskId: task.taskId, authorize: anybody }));
      if (!isRefused && !isOpen) {
        task.retriesLeft = Math.min(task.retries, 50 - task.runs.length - 1);
        makePending(world, task, 'rerun');
      }
      assert.equal(await answer, isRefused ? 'RequestConflict' : 'done');
    },
  });

const changePriority = (n: number, newPriority: Priority): Command =>
  command({
    name: `changePriority(${n}, ${newPriority})`,
    isPossible: hasTasks,
    run: async (world, { queue }) => {
      const task = pick(world, n);
      const isRefused = isPast(world, task) || task.wasResolved || task.priority === newPriority;
      const request = { taskId: task.taskId, newPriority, authorize: anybody };
      const answer = outcome(queue.changePriorities.one(request));
      if (!isRefused) {
        task.priority = newPriority;
        tell(world, task.taskId, `task-priority-changed ${task.runs.at(-1)?.runId ?? '_'}`);
      }
      assert.equal(await answer, isRefused ? 'RequestConflict' : 'done');
    },
  });

const openMembers = (world: World, taskGroupId: string): Task[] =>
  tasksOf(world).filter((task) => task.group === taskGroupId && !isOver(task) && task.deadline > world.now);

const changeGroupPriority = (g: number, newPriority: Priority): Command =>
  command({
    name: `changeGroupPriority(${g}, ${newPriority})`,
    run: async (world, { queue }) => {
      const taskGroupId = groupOf(world, groups[g] as string);
      const answer = outcome(queue.changeGroupPriority({ taskGroupId, newPriority, authorize: anybody }));
      const exists = world.sealed.has(taskGroupId);
      if (exists) tell(world, taskGroupId, 'task-group-priority-changed');
      for (const task of openMembers(world, taskGroupId)) if (!task.wasResolved) task.priority = newPriority;
      assert.equal(await answer, exists ? 'done' : 'ResourceNotFound');
    },
  });

const seal = (g: number): Command =>
  command({
    name: `seal(${g})`,
    run: async (world, { queue }) => {
      const taskGroupId = groupOf(world, groups[g] as string);
      const exists = world.sealed.has(taskGroupId);
      const answer = outcome(queue.sealGroups.one({ taskGroupId, authorize: anybody }));
      if (exists) {
        world.sealed.set(taskGroupId, true);
        tell(world, taskGroupId, 'task-group-sealed');
      }
      assert.equal(await answer, exists ? 'done' : 'ResourceNotFound');
    },
  });

const cancelGroup = (g: number): Command =>
  command({
    name: `cancelGroup(${g})`,
    run: async (world, { queue }) => {
      const taskGroupId = groupOf(world, groups[g] as string);
      const answer = queue.cancelGroup({ taskGroupId, authorize: anybody });
      if (!world.sealed.get(taskGroupId)) {
        const exists = world.sealed.has(taskGroupId);
        assert.equal(await outcome(answer), exists ? 'RequestConflict' : 'ResourceNotFound');
        return;
      }
      const open = openMembers(world, taskGroupId);
      endAll(world, open, { state: 'exception', reason: 'canceled' });
      const { taskIds, cancelledCount, taskGroupSize } = await answer;
      assert.deepEqual([...taskIds].sort(), open.map((task) => task.taskId).sort());
      assert.equal(cancelledCount, open.length);
      const members = tasksOf(world).filter((task) => task.group === taskGroupId);
      assert.equal(taskGroupSize, members.length);
    },
  });

const pass = (howManyMinutes: number): Command =>
  command({
    name: `pass(${howManyMinutes} minutes)`,
    run: async (world, { clock }) => {
      clock.advance(minutes(howManyMinutes));
      world.now = clock.now();
    },
  });

const expireClaims = (): Command =>
  command({
    name: 'expireClaims()',
    run: async (world, real) => {
      await real.step('expire-claims');
      const expired = tasksOf(world).filter(
        (task) =>
          stateOf(task) === 'running' &&
          new Date(task.runs.at(-1)?.takenUntil ?? 0) <= world.now &&
          task.deadline > world.now,
      );
      endAll(world, expired, { state: 'exception', reason: 'claim-expired' });
    },
  });

const endPastDeadline = (): Command =>
  command({
    name: 'endPastDeadline()',
    run: async (world, real) => {
      await real.step('end-past-deadline');
      const due = later(world.now, -deadlineDelay);
      const late = tasksOf(world).filter((task) => !isOver(task) && task.deadline < due);
      endAll(world, late, { state: 'exception', reason: 'deadline-exceeded' });
    },
  });

// --- comparison ---

const compare = async (world: World, { db, queue, ...real }: TestQueue): Promise<void> => {
  const tasks = tasksOf(world).sort((a, b) => (a.taskId < b.taskId ? -1 : 1));
  const texts = await queue.readStatuses.all(tasks.map((task) => task.taskId));
  const statuses = texts.map((text) => JSON.parse(text as string) as TaskStatus);
  assert.deepEqual(
    statuses.map(({ taskId, state, priority, retriesLeft, runs }) => ({
      taskId,
      state,
      priority,
      retriesLeft,
      runs,
    })),
    tasks.map((task) => {
      const { taskId, priority, retriesLeft, runs } = task;
      return { taskId, state: stateOf(task), priority, retriesLeft, runs };
    }),
  );
  await compareLine({ db, world, tasks });
  await compareCounts({ db, world, tasks });
  const told = new Map<string, string[]>();
  for (const { exchange, routingKey } of await real.messages()) {
    const [name = ''] = exchange.split('/').slice(-1);
    const [, about = '', runId = ''] = routingKey.split('.');
    const isGroup = name.startsWith('task-group');
    const text = isGroup || name === 'task-defined' ? name : `${name} ${runId}`;
    told.set(about, [...(told.get(about) ?? []), text]);
  }
  assert.deepEqual(sorted(told), sorted(world.told));
};

const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

interface Compared {
  readonly db: TestQueue['db'];
  readonly world: World;
  readonly tasks: readonly Task[];
}

/** The line of pending runs and the claims must contain exactly the waiting and the running runs. */
const compareLine = async ({ db, world, tasks }: Compared): Promise<void> => {
  const pending = await db<{
    taskId: string;
    runId: number;
    priority: number;
    isInPlace: boolean;
    deadline: Date;
  }>`
    select p.task_id, p.run_id, p.priority, p.deadline, p.position = s.position as is_in_place
      from pending p left join task_status s using (task_id) order by p.task_id`;
  const line = tasks.filter((task) => stateOf(task) === 'pending');
  const expected = new Map(
    line.map((task) => [
      task.taskId,
      {
        taskId: task.taskId,
        runId: task.runs.length - 1,
        priority: priorities.indexOf(task.priority),
        deadline: task.deadline,
        isInPlace: true,
      },
    ]),
  );
  // A run whose deadline has passed may stay in line until the deadline loop runs, but it can no longer be claimed.
  const isBefore = ({ deadline }: { deadline: Date }): boolean => deadline > world.now;
  assert.deepEqual(pending.filter(isBefore), [...expected.values()].filter(isBefore));
  for (const row of pending) assert.deepEqual(row, expected.get(row.taskId));
  const claims = await db<{ taskId: string; runId: number; workerId: string; takenUntil: Date }>`
    select task_id, run_id, worker_id, taken_until from claims order by task_id`;
  assert.deepEqual(
    claims.map((claim) => ({ ...claim, takenUntil: claim.takenUntil.toJSON() })),
    tasks
      .filter((task) => stateOf(task) === 'running')
      .map(({ taskId, runs }) => {
        const { runId, workerId, takenUntil } = runs.at(-1) as Run;
        return { taskId, runId, workerId, takenUntil };
      }),
  );
};

/** Stored counters must equal the actual counts. */
const compareCounts = async ({ db, world, tasks }: Compared): Promise<void> => {
  const blocked = await db<{ taskId: string; unmet: number }>`
    select task_id, unmet from blocked_tasks order by task_id`;
  assert.deepEqual(
    blocked,
    tasks
      .filter((task) => task.unmet.size > 0)
      .map((task) => ({ taskId: task.taskId, unmet: task.unmet.size })),
  );
  const counted = await db<{ taskGroupId: string; unresolved: number; isSealed: boolean }>`
    select task_group_id, sealed is not null as is_sealed,
           unresolved + (select coalesce(sum(w.tasks), 0)::int from task_group_growth w
                          where w.task_group_id = g.task_group_id) as unresolved
      from task_groups g order by task_group_id`;
  assert.deepEqual(
    counted,
    sorted(world.sealed).map(([taskGroupId, isSealed]) => ({
      taskGroupId,
      unresolved: tasks.filter((task) => task.group === taskGroupId && !task.wasResolved).length,
      isSealed,
    })),
  );
};

// --- the test ---

let real: TestQueue;
before(async () => {
  real = await testQueue({ deadlineDelaySeconds: 60, claimTimeoutSeconds: 1200 });
});
after(() => real.close());

let round = 0;
const setup = async (): Promise<{ model: World; real: TestQueue }> => {
  await real.db`
    truncate tasks, task_status, pending, claims, task_groups, task_group_growth, task_dependencies, blocked_tasks, dependency_releases,
             outbox`;
  round++;
  const model = { round, now: real.clock.now(), tasks: new Map(), sealed: new Map(), told: new Map() };
  return { model, real };
};

const task = fc.nat({ max: tasksMax - 1 });
const group = fc.nat({ max: groups.length - 1 });
const priority = fc.constantFrom<Priority>('highest', 'medium', 'lowest');
const creation: fc.Arbitrary<Creation> = fc.record({
  group,
  needs: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 2, arbitrary: fc.array(task, { minLength: 1, maxLength: 3 }) },
  ),
  needsItself: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  requires: fc.constantFrom('all-completed', 'all-resolved'),
  retries: fc.constantFrom(0, 1, 2, 49),
  priority,
  minutes: fc.constantFrom(1, 60, 600, 600),
});
const back = fc.constantFrom(0, 0, 0, 1, 2);
const end = fc.constantFrom<('completed' | 'failed')[]>('completed', 'failed');

const commands = [
  creation.map(create),
  creation.map(create),
  creation.map(create),
  fc.tuple(task, fc.boolean()).map((a) => createAgain(...a)),
  task.map(schedule),
  fc.tuple(fc.nat({ max: 1 }), fc.integer({ min: 1, max: 4 })).map((a) => claimWork(...a)),
  fc.tuple(fc.nat({ max: 1 }), fc.integer({ min: 1, max: 4 })).map((a) => claimWork(...a)),
  creation.map(waitForWork),
  fc.tuple(task, fc.nat({ max: 1 })).map((a) => claimTask(...a)),
  task.map(reclaim),
  fc.tuple(task, end, back).map((a) => finish(...a)),
  fc.tuple(task, end).map((a) => work(...a)),
  fc.tuple(task, end).map((a) => work(...a)),
  fc.tuple(task, end).map((a) => work(...a)),
  fc.tuple(task, fc.constantFrom(...reportedReasons), back).map((a) => except(...a)),
  task.map(cancel),
  task.map(rerun),
  fc.tuple(task, priority).map((a) => changePriority(...a)),
  fc.tuple(group, priority).map((a) => changeGroupPriority(...a)),
  group.map(seal),
  group.map(cancelGroup),
  fc.constantFrom(1, 5, 21, 45).map(pass),
  fc.constant(0).map(expireClaims),
  fc.constant(0).map(endPastDeadline),
];

const seed = Number(process.env.TASKYARD_MODEL_SEED ?? 20_260_801);
const numRuns = Number(process.env.TASKYARD_MODEL_RUNS ?? 25);

it('the queue does what its model does for any commands', async (t) => {
  t.diagnostic(`TASKYARD_MODEL_SEED=${seed} TASKYARD_MODEL_RUNS=${numRuns}`);
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 120, size: 'max' }), (sequence) =>
      fc.asyncModelRun(setup, sequence),
    ),
    { seed, numRuns },
  );
});
