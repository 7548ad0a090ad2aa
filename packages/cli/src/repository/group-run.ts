import { ApiError, type CreateTaskGroupTasksRequest, Queue } from '@taskyard/client';
import type { RenderedTask } from '@taskyard/taskcluster-yml';
import type { Fields } from '@taskyard/taskcluster-yml/template';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { GroupState } from '../follow/group-state.ts';
import { presenterFor, type Subject } from '../follow/presenter.ts';
import type { Watch } from '../follow/watch.ts';
import type { Io } from '../io.ts';
import { type ListedTask, listGroup } from '../listings.ts';
import { groupPage } from '../pages.ts';
import type { Platform } from '../platform.ts';
import { type CourseOptions, runToEnd } from '../run-course.ts';
import { roleIn } from './asked-scopes.ts';
import type { LocalWorkers } from './local-workers.ts';
import { formatOf, type Machine, queueOf, reasonToSkip } from './machine.ts';

/** One group of tasks of a file, or of a hook. */
export interface GroupToRun {
  readonly title: string;
  readonly taskGroupId: string;
  readonly tasks: readonly RenderedTask[];
  /** Creates them. */
  readonly submit: () => Promise<unknown>;
}

export interface Surroundings {
  readonly io: Io;
  readonly platform: Platform;
  readonly folder: string;
  readonly machine: Machine;
  readonly workers: LocalWorkers;
  readonly options: CourseOptions;
}

/** Creates the tasks of one group. The platform's own refusals pass through. */
export const submitTasks = (queue: Queue, taskGroupId: string, tasks: readonly RenderedTask[]) => {
  const body = { tasks: tasks.map(({ taskId, task }) => ({ taskId, task })) };
  return queue.createTaskGroupTasks(taskGroupId, body as unknown as CreateTaskGroupTasksRequest);
};

/**
 * Keeps an eye on a group that grows: each task is served by a worker of this machine, or skipped with the reason. Tasks
 * that were created by tasks are found by their messages, and once more before the run ends.
 */
class GroupKeeper implements Required<Pick<Watch, 'look' | 'onUnknown' | 'onChange'>> {
  readonly #queue: Queue;
  readonly #group: GroupState;
  readonly #taskGroupId: string;
  readonly #surroundings: Surroundings;
  readonly #seen = new Set<string>();
  readonly #canceling = new Map<string, Promise<unknown>>();
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;

  constructor(queue: Queue, group: GroupState, taskGroupId: string, surroundings: Surroundings) {
    this.#queue = queue;
    this.#group = group;
    this.#taskGroupId = taskGroupId;
    this.#surroundings = surroundings;
  }

  /** Serves a task, or notes why it is not to run here. */
  consider(taskId: string, task: Fields): void {
    if (this.#seen.has(taskId)) return;
    this.#seen.add(taskId);
    const { machine, workers } = this.#surroundings;
    const reason = reasonToSkip(task, machine);
    if (reason !== undefined) this.#group.skip(taskId, reason);
    else if (formatOf(task) !== 'other') {
      void workers.serve(queueOf(task), formatOf(task) as 'docker' | 'generic').then((failure) => {
        if (failure === undefined) return;
        this.#group.skip(taskId, failure);
        this.onChange();
      });
    }
  }

  onUnknown = (): void => {
    void this.look().catch(() => {});
  };

  onChange = (): void => {
    void this.cancelSkipped().catch(() => {});
  };

  /** Reads the group, and considers what is new in it. Calls that come while it reads make it read once more. */
  look = (): Promise<void> => {
    this.#mustLookAgain = true;
    this.#looking ??= this.#lookUntilDone().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  };

  async #lookUntilDone(): Promise<void> {
    while (this.#mustLookAgain) {
      this.#mustLookAgain = false;
      for (const listed of await listGroup(this.#queue, this.#taskGroupId)) this.#take(listed);
      await this.cancelSkipped();
    }
  }

  #take({ status, task }: ListedTask): void {
    const { taskId } = status;
    const { dependencies, requires, metadata } = task;
    const isNew = this.#group.task(taskId)?.status === undefined;
    this.#group.plan({ taskId, label: metadata.name, dependencies, requires });
    // A listing is older than the messages that have come meanwhile.
    if (isNew) this.#group.apply(status);
    this.consider(taskId, task as unknown as Fields);
  }

  /** Cancels what is skipped, and what cannot run without it. */
  async cancelSkipped(): Promise<void> {
    const blocked = this.#group.blocked();
    for (const { taskId, dependencies, skipped } of this.#group.tasks) {
      if (!blocked.has(taskId) || skipped !== undefined) continue;
      const missing = dependencies.map((needed) => this.#group.task(needed)).find((task) => task?.skipped);
      if (missing) this.#group.skip(taskId, `it needs ${missing.label}, which is skipped`);
    }
    const open = this.#group.tasks.filter(
      ({ skipped, status }) =>
        skipped !== undefined && ['unscheduled', 'pending'].includes(status?.state ?? ''),
    );
    await Promise.all(open.map(({ taskId }) => this.#cancelOnce(taskId)));
  }

  /** Calls that come while a task is being canceled wait for that. */
  #cancelOnce(taskId: string): Promise<unknown> {
    const running = this.#canceling.get(taskId);
    if (running) return running;
    const canceling = this.#queue.cancelTask(taskId).finally(() => this.#canceling.delete(taskId));
    this.#canceling.set(taskId, canceling);
    return canceling;
  }
}

/** Creates the tasks of a group and runs all of it, with what its tasks add; returns the exit status. */
export const runGroup = async (group: GroupToRun, surroundings: Surroundings): Promise<number> => {
  const { io, platform, folder, options } = surroundings;
  const { rootUrl, credentials } = platform;
  const queue = new Queue({ rootUrl, credentials });
  const state = new GroupState();
  const keeper = new GroupKeeper(queue, state, group.taskGroupId, surroundings);
  for (const { taskId, label, task } of group.tasks) {
    const { dependencies, requires } = task as { dependencies?: readonly string[]; requires?: string };
    state.plan({ taskId, label, dependencies, requires });
    keeper.consider(taskId, task);
  }
  const subject: Subject = {
    title: group.title,
    taskGroupId: group.taskGroupId,
    url: groupPage(rootUrl, group.taskGroupId),
    group: state,
    startedAt: new Date(),
    expectedMs: () => undefined,
  };
  const presenter = presenterFor(io, subject, options.json);
  const submit = async (): Promise<void> => {
    await group.submit();
    await keeper.look();
  };
  return runToEnd({ io, platform, folder, queue, subject, presenter, options, submit, watching: keeper });
};

/** A refusal for want of scopes, with where to write them. */
export const withRemedy = (error: unknown, scopes: readonly string[], localFile: string): unknown => {
  if (!(error instanceof ApiError) || error.statusCode !== 403) return error;
  const role = roleIn(scopes);
  const [message] = error.message.split('\n\n---\n');
  const place = role === undefined ? 'roles' : `roles, "${role}"`;
  return new CommandError(
    exitCodes.failed,
    `${message}\nAdd what is missing to ${localFile}, below ${place}.`,
  );
};
