import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pause, Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { commandNamed } from './connected.ts';
import { keepDurations, readDurations } from './durations.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Change, GroupState, isFailed } from './follow/group-state.ts';
import { type Presenter, presenterFor, type Subject } from './follow/presenter.ts';
import { gatherReport, printJsonReport, printReport } from './follow/report.ts';
import { watchGroup } from './follow/watch.ts';
import type { Graph } from './graph-file/index.ts';
import { cancelGroup } from './group/cancel.ts';
import { readGraph, submitGraph } from './group/submit.ts';
import { collectPairs } from './input.ts';
import { type Io, remark } from './io.ts';
import { groupPage } from './pages.ts';
import { findPlatform, type Platform, type PlatformSettings, startPlatform } from './platform.ts';
import { endWhenBroken } from './serve.ts';

interface RunOptions {
  readonly json?: true;
  readonly param: Record<string, string>;
  readonly data?: string;
  readonly keepGoing?: true;
}

/** How a platform is had; tests hand in their own. */
export type OpenPlatform = (io: Io, folder: string, project?: string) => Promise<Platform>;

const openPlatform: OpenPlatform = async (io, folder, project) => {
  const found = await findPlatform(folder);
  if (found) return found;
  if (io.stderr.isTTY) remark(io, `Starting the platform in ${folder} …`);
  // The server checks what the environment says; unless told otherwise, it does not talk into our output.
  const logLevel = (io.environment.logLevel ?? 'error') as NonNullable<PlatformSettings['logLevel']>;
  // A worker in this process takes the first task sooner than one that has to be started.
  const worker = { mode: 'built-in' } as const;
  return startPlatform({ data: folder, port: 0, logLevel, worker }, { project });
};

interface Course {
  readonly io: Io;
  readonly queue: Queue;
  readonly graph: Graph;
  readonly subject: Subject;
  readonly presenter: Presenter;
  readonly options: RunOptions;
}

// Long enough for a worker to notice, and to tell the queue how its tasks ended.
const cancelPatienceMs = 30_000;

/** Creates the tasks, and cancels them once, whoever asks first. A cancellation waits until they exist. */
const lifeOf = ({ queue, graph, presenter }: Course) => {
  let submission: Promise<unknown> | undefined;
  let cancellation: Promise<void> | undefined;
  const cancelSubmitted = async (): Promise<void> => {
    if (!submission) return;
    try {
      await submission;
      await cancelGroup(queue, graph.taskGroupId);
    } catch (error) {
      presenter.note(`The group could not be canceled: ${(error as Error).message}`);
    }
  };
  return {
    submit: async (): Promise<void> => {
      if (cancellation)
        throw new CommandError(exitCodes.interrupted, 'Interrupted before the tasks existed.');
      submission = submitGraph(queue, graph);
      await submission;
    },
    cancel: (): Promise<void> => {
      cancellation ??= cancelSubmitted();
      return cancellation;
    },
    canceled: async (): Promise<void> => cancellation,
  };
};

/** What the first and the second request to end do. Answers how to stop listening. */
const onInterrupts = (course: Course, cancel: () => Promise<void>, giveUp: AbortController) => {
  let count = 0;
  const stopListening = course.io.onInterrupt(() => {
    count += 1;
    if (count > 1) course.io.exit(exitCodes.interrupted);
    course.presenter.note('Canceling the graph. Once more to kill.');
    void cancel();
    pause(cancelPatienceMs, giveUp.signal).then(
      () => giveUp.abort(),
      () => {},
    );
  });
  return { stopListening, wasInterrupted: (): boolean => count > 0 };
};

/** Submits the graph and follows it to its end; answers the exit status. */
const followGraph = async (course: Course, platform: Platform): Promise<number> => {
  const { io, queue, subject, presenter, options } = course;
  const { submit, cancel, canceled } = lifeOf(course);
  const giveUp = new AbortController();
  const { stopListening, wasInterrupted } = onInterrupts(course, cancel, giveUp);
  const onChange = ({ task }: Change): void => {
    if (!options.keepGoing && isFailed(task)) void cancel();
  };
  try {
    await watchGroup({
      queue,
      subject,
      presenter,
      signal: giveUp.signal,
      begin: submit,
      onChange,
    });
    // With --keep-going what cannot start any more still waits for its deadline.
    if (!subject.group.isComplete) await cancel();
    await canceled();
    giveUp.abort();
    const report = await gatherReport(queue, subject, platform.locateFile);
    if (options.json) printJsonReport(io, report);
    else printReport(io, report);
    if (wasInterrupted()) return exitCodes.interrupted;
    return report.isComplete ? exitCodes.ok : exitCodes.failed;
  } finally {
    giveUp.abort();
    stopListening();
  }
};

const runGraph = async (
  io: Io,
  platform: Platform,
  { graph, folder, options }: RunInput,
): Promise<number> => {
  const { rootUrl, credentials } = platform;
  const queue = new Queue({ rootUrl, credentials });
  const group = new GroupState();
  for (const { taskId, label, task } of graph.tasks) {
    const { dependencies, requires } = task as { dependencies?: readonly string[]; requires?: string };
    group.plan({ taskId, label, dependencies, requires });
  }
  const durations = await readDurations(folder, graph.name);
  const subject: Subject = {
    title: graph.name,
    taskGroupId: graph.taskGroupId,
    url: groupPage(rootUrl, graph.taskGroupId),
    group,
    startedAt: new Date(),
    expectedMs: (label) => durations[label],
  };
  const presenter = presenterFor(io, subject, options.json);
  const exitCode = await followGraph({ io, queue, graph, subject, presenter, options }, platform);
  await keepDurations(folder, graph.name, group);
  return exitCode;
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The folder of the project that a file belongs to: the checkout around it, or the folder that it lies in. */
const projectOf = async (file: string): Promise<string> => {
  const home = dirname(resolve(file));
  for (let folder = home; folder !== dirname(folder); folder = dirname(folder)) {
    if (await exists(join(folder, '.git'))) return folder;
  }
  return home;
};

interface RunInput {
  readonly graph: Graph;
  readonly folder: string;
  readonly options: RunOptions;
}

/** `taskyard run <graph file>` */
export const runCommand = (io: Io, open: OpenPlatform = openPlatform): Command =>
  commandNamed('run')
    .description('Run a graph of tasks to its end on this machine, and show how it goes.')
    .argument('<file>', 'the graph file')
    .option('-p, --param <name=value>', 'a parameter of the graph; may be repeated', collectPairs, {})
    .option('--data <folder>', 'where the platform keeps its data (default: TASKYARD_DATA or .taskyard)')
    .option('-k, --keep-going', 'when a task fails, go on with those that do not need it')
    .action(async (file: string, options: RunOptions) => {
      // A mistake in the file is told before anything is started.
      const { GenericWorkerPayload } = await import('@taskyard/worker');
      const graph = await readGraph({ file, params: options.param, payloadSchema: GenericWorkerPayload });
      const folder = options.data ?? io.environment.folder;
      let isEarlyEnd = false;
      const stopListening = io.onInterrupt(() => {
        if (isEarlyEnd) io.exit(exitCodes.interrupted);
        isEarlyEnd = true;
      });
      const platform = await open(io, folder, await projectOf(file)).finally(stopListening);
      endWhenBroken(io, platform);
      try {
        io.setExitCode(
          isEarlyEnd ? exitCodes.interrupted : await runGraph(io, platform, { graph, folder, options }),
        );
      } finally {
        await platform.stop();
      }
    });
