import type { TaskStatus } from '@taskyard/client';

/** The state of a task, as in the queue. */
export type TaskState = TaskStatus['state'];

/** A task of a followed group. */
export interface FollowedTask {
  readonly taskId: string;
  readonly label: string;
  readonly dependencies: readonly string[];
  readonly needsSuccess: boolean;
  readonly status: TaskStatus | undefined;
  /** Why it is not to run here: it is canceled, which is no failure. */
  readonly skipped?: string | undefined;
}

/** A changed task. */
export interface Change {
  readonly task: FollowedTask;
  readonly state: TaskState;
}

export type Counts = Readonly<Record<TaskState, number>>;

/** The parts of a definition that a follower needs. */
export interface PlannedTask {
  readonly taskId: string;
  readonly label: string;
  readonly dependencies?: readonly string[] | undefined;
  readonly requires?: string | undefined;
}

export const stateOf = ({ status }: FollowedTask): TaskState => status?.state ?? 'unscheduled';

const isUnresolved = (state: TaskState): boolean => ['unscheduled', 'pending', 'running'].includes(state);

export const isResolved = (task: FollowedTask): boolean => !isUnresolved(stateOf(task));

const lacksSuccess = (task: FollowedTask): boolean => isResolved(task) && stateOf(task) !== 'completed';

/** Resolved without success. */
export const isFailed = (task: FollowedTask): boolean => lacksSuccess(task) && task.skipped === undefined;

// Statuses with equal marks are at the same point of the task's history.
const marks = (status: TaskStatus | undefined): string => `${status?.runs.length ?? 0} ${status?.state}`;

/** The reason of the last run's end, when it is more precise than the state: `canceled`, `deadline-exceeded`. */
export const reasonOf = ({ status, skipped }: FollowedTask): string | undefined => {
  if (skipped !== undefined) return `skipped: ${skipped}`;
  const reason = status?.runs.at(-1)?.reasonResolved;
  return reason === status?.state ? undefined : reason;
};

/** The tasks of a group, kept up to date by the queue's messages. */
export class GroupState {
  readonly #tasks = new Map<string, FollowedTask>();
  readonly #counts: Record<TaskState, number> = {
    unscheduled: 0,
    pending: 0,
    running: 0,
    completed: 0,
    failed: 0,
    exception: 0,
  };

  get tasks(): FollowedTask[] {
    return [...this.#tasks.values()];
  }
  get size(): number {
    return this.#tasks.size;
  }
  get counts(): Counts {
    return this.#counts;
  }

  task(taskId: string): FollowedTask | undefined {
    return this.#tasks.get(taskId);
  }

  /** Notes why a task is not to run here, before it is canceled. */
  skip(taskId: string, reason: string): void {
    const task = this.#tasks.get(taskId);
    if (task) this.#tasks.set(taskId, { ...task, skipped: reason });
  }

  /** Adds a new task. */
  plan({ taskId, label, dependencies = [], requires }: PlannedTask): void {
    const known = this.#tasks.get(taskId);
    const needsSuccess = requires !== 'all-resolved';
    const planned = { taskId, label, dependencies, needsSuccess, status: known?.status };
    this.#tasks.set(taskId, { ...planned, skipped: known?.skipped });
    if (!known) this.#counts.unscheduled += 1;
  }

  /** Applies a message; returns the change. An unknown task is added. */
  apply(status: TaskStatus): Change | undefined {
    if (!this.#tasks.has(status.taskId)) this.plan({ taskId: status.taskId, label: status.taskId });
    const before = this.#tasks.get(status.taskId);
    if (!before || marks(before.status) === marks(status)) return undefined;
    const task = { ...before, status };
    this.#tasks.set(status.taskId, task);
    this.#counts[stateOf(before)] -= 1;
    this.#counts[status.state] += 1;
    return before.status === undefined && status.state === 'unscheduled'
      ? undefined
      : { task, state: status.state };
  }

  /** Tasks that can no longer start: one of their dependencies did not complete, or cannot start itself. */
  blocked(): Set<string> {
    const waiting = this.tasks.filter((task) => stateOf(task) === 'unscheduled');
    const dependents = new Map<string, string[]>();
    for (const { taskId, dependencies } of waiting) {
      for (const needed of dependencies)
        dependents.get(needed)?.push(taskId) ?? dependents.set(needed, [taskId]);
    }
    const found = new Set(waiting.filter((task) => this.#lacksSuccess(task)).map(({ taskId }) => taskId));
    // Iteration includes what is added to the set meanwhile.
    for (const taskId of found) for (const dependent of dependents.get(taskId) ?? []) found.add(dependent);
    return found;
  }

  #lacksSuccess({ needsSuccess, dependencies }: FollowedTask): boolean {
    if (!needsSuccess) return false;
    return dependencies.some((needed) => {
      const dependency = this.#tasks.get(needed);
      return dependency !== undefined && lacksSuccess(dependency);
    });
  }

  /** Whether nothing runs and no remaining task can start. */
  get isSettled(): boolean {
    const { pending, running, unscheduled, failed, exception } = this.#counts;
    if (pending + running > 0) return false;
    if (unscheduled === 0) return true;
    return failed + exception > 0 && this.blocked().size === unscheduled;
  }

  /** Whether every task completed, but for those that were skipped. */
  get isComplete(): boolean {
    return this.tasks.every((task) => isResolved(task) && !isFailed(task));
  }
}
