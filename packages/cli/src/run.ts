import { dirname, join, resolve } from 'node:path';
import { pause, Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { forgetRun, noteRun } from './begun-runs.ts';
import { checkoutOf } from './checkout.ts';
import { commandNamed } from './connected.ts';
import { keepDurations, readDurations } from './durations.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Change, GroupState, isFailed } from './follow/group-state.ts';
import { type Presenter, presenterFor, type Subject } from './follow/presenter.ts';
import { gatherReport, printJsonReport, printReport } from './follow/report.ts';
import { fileNameOf, type SaveResult, saveResultsIn } from './follow/results.ts';
import { watchGroup } from './follow/watch.ts';
import type { Graph } from './graph-file/index.ts';
import { cancelGroup } from './group/cancel.ts';
import { readGraph, refuseTasksBoundHere, submitGraph, warnOfHiddenProject } from './group/submit.ts';
import { collectPairs } from './input.ts';
import { type Io, remark } from './io.ts';
import { groupPage } from './pages.ts';

import type { Platform, PlatformSettings } from './platform.ts';
import { sharePlatform } from './shared-platform/index.ts';
import { provideSource } from './source/index.ts';

interface RunOptions {
  readonly json?: true;
  readonly param: Record<string, string>;
  readonly data?: string;
  readonly keepGoing?: true;
  /** False with --no-output. */
  readonly output?: string | false;
}

/** How to get a platform; tests pass their own. */
export type OpenPlatform = (io: Io, folder: string, project: string) => Promise<Platform>;

const openPlatform: OpenPlatform = async (io, folder, project) => {
  const onStart = (): void => {
    if (io.stderr.isTTY) remark(io, `Starting the platform in ${folder} …`);
  };
  // The server checks the environment. By default its log does not mix with our output.
  const logLevel = (io.environment.logLevel ?? 'error') as NonNullable<PlatformSettings['logLevel']>;
  // A worker in the platform's process claims the first task sooner than one that has to be started.
  const worker = { mode: 'built-in' } as const;
  return sharePlatform({ data: folder, port: 0, logLevel, worker }, { project, onStart });
};

interface Course {
  readonly io: Io;
  readonly platform: Platform;
  /** The data folder. */
  readonly folder: string;
  readonly queue: Queue;
  readonly graph: Graph;
  readonly subject: Subject;
  readonly presenter: Presenter;
  readonly options: RunOptions;
}

// Long enough for a worker to notice, and to report how its tasks ended.
const cancelPatienceMs = 30_000;

/** Creates the tasks, and cancels them at most once. A cancellation waits until they exist. */
const groupOf = ({ queue, graph, presenter, platform, folder }: Course) => {
  const { taskGroupId } = graph;
  let submission: Promise<unknown> | undefined;
  let cancellation: Promise<void> | undefined;
  let mayGoOn = false;
  const cancelSubmitted = async (): Promise<void> => {
    if (!submission || platform.guest?.lost.aborted) return;
    try {
      await submission;
      await cancelGroup(queue, taskGroupId);
    } catch (error) {
      mayGoOn = true;
      presenter.note(`The group could not be canceled: ${(error as Error).message}`);
    }
  };
  const cancel = (): Promise<void> => {
    cancellation ??= cancelSubmitted();
    return cancellation;
  };
  return {
    cancel,
    submit: async (): Promise<void> => {
      await noteRun(folder, taskGroupId);
      await platform.guest?.begin(taskGroupId);
      if (cancellation)
        throw new CommandError(exitCodes.interrupted, 'Interrupted before the tasks existed.');
      submission = submitGraph(queue, graph);
      await submission;
    },
    canceled: async (): Promise<void> => cancellation,
    /** Tasks that may still run are canceled by the next platform on this folder. */
    end: async (): Promise<void> => {
      if (!mayGoOn && !platform.guest?.lost.aborted) await forgetRun(folder, taskGroupId);
    },
  };
};

/** Handles the first and the second request to end. Returns a function that stops that. */
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

const isLost = ({ platform }: Course): boolean => platform.guest?.lost.aborted === true;

/** Saves the artifacts of the tasks, in a folder for the graph. */
const saverFor = (course: Course): SaveResult | undefined => {
  const { queue, graph, folder, presenter, options } = course;
  if (options.output === false) return undefined;
  const output = options.output ?? join(folder, 'out', fileNameOf(graph.name));
  return saveResultsIn(queue, output, presenter.note);
};

/** Submits the graph and follows it until it has settled, or is given up. */
const followGraph = async (course: Course): Promise<{ readonly wasInterrupted: boolean }> => {
  const { queue, subject, presenter, platform, options } = course;
  const { submit, cancel, canceled, end } = groupOf(course);
  const giveUp = new AbortController();
  const { stopListening, wasInterrupted } = onInterrupts(course, cancel, giveUp);
  platform.guest?.lost.addEventListener('abort', () => giveUp.abort());
  const onChange = ({ task }: Change): void => {
    if (!options.keepGoing && isFailed(task)) void cancel();
  };
  try {
    await watchGroup({ queue, subject, presenter, signal: giveUp.signal, begin: submit, onChange });
    // With --keep-going, tasks that can no longer start still wait for their deadline.
    if (!subject.group.isComplete) await cancel();
    await canceled();
    return { wasInterrupted: wasInterrupted() };
  } catch (error) {
    await cancel();
    throw error;
  } finally {
    giveUp.abort();
    await end();
    stopListening();
  }
};

/** Runs the graph and reports how it ended; returns the exit status. */
const runToEnd = async (course: Course): Promise<number> => {
  const { io, queue, subject, options, platform } = course;
  const { wasInterrupted } = await followGraph(course);
  if (isLost(course)) {
    const message = `The platform ended while it ran the graph. Its log is ${platform.logFile}.`;
    throw new CommandError(exitCodes.failed, message);
  }
  const report = await gatherReport(queue, subject, wasInterrupted ? undefined : saverFor(course));
  if (options.json) printJsonReport(io, report);
  else printReport(io, report, { hasPages: !platform.guest });
  if (wasInterrupted) return exitCodes.interrupted;
  return report.isComplete ? exitCodes.ok : exitCodes.failed;
};

const runGraph = async (
  io: Io,
  platform: Platform,
  { file, graph: read, folder, options }: RunInput,
): Promise<number> => {
  const { rootUrl, credentials } = platform;
  const queue = new Queue({ rootUrl, credentials });
  refuseTasksBoundHere(read, file, rootUrl);
  if (!platform.guest) warnOfHiddenProject(io, read, { file, project: platform.project });
  const graph = await provideSource(io, read, { rootUrl, credentials, now: new Date(), hidden: [folder] });
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
  const exitCode = await runToEnd({ io, platform, folder, queue, graph, subject, presenter, options });
  await keepDurations(folder, graph.name, group);
  return exitCode;
};

/** The project folder of a file: its checkout, or else its folder. */
const projectOf = async (file: string): Promise<string> => {
  const home = dirname(resolve(file));
  return (await checkoutOf(home)) ?? home;
};

interface RunInput {
  readonly file: string;
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
    .option('-o, --output <folder>', 'where results are saved (default: <data>/out/<graph>)')
    .option('--no-output', 'save no results')
    .option('-k, --keep-going', 'when a task fails, go on with those that do not need it')
    .action(async (file: string, options: RunOptions) => {
      // Mistakes in the file are reported before anything is started.
      const { GenericWorkerPayload } = await import('@taskyard/worker');
      const graph = await readGraph({ file, params: options.param, payloadSchema: GenericWorkerPayload });
      const folder = options.data ?? io.environment.folder;
      let isEarlyEnd = false;
      const stopListening = io.onInterrupt(() => {
        if (isEarlyEnd) io.exit(exitCodes.interrupted);
        isEarlyEnd = true;
      });
      const platform = await open(io, folder, await projectOf(file)).finally(stopListening);
      try {
        io.setExitCode(
          isEarlyEnd ? exitCodes.interrupted : await runGraph(io, platform, { file, graph, folder, options }),
        );
      } finally {
        await platform.stop();
      }
    });
