import { join } from 'node:path';
import { pause, type Queue } from '@taskyard/client';
import { forgetRun, noteRun } from './begun-runs.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Change, isFailed } from './follow/group-state.ts';
import type { Presenter, Subject } from './follow/presenter.ts';
import { gatherReport, printJsonReport, printReport } from './follow/report.ts';
import { fileNameOf, type SaveResult, saveResultsIn } from './follow/results.ts';
import { type Watch, watchGroup } from './follow/watch.ts';
import { cancelGroup } from './group/cancel.ts';
import type { Io } from './io.ts';
import type { Platform } from './platform.ts';

/** A group on its way: what is created, followed and shown. */
export interface Course {
  readonly io: Io;
  readonly platform: Platform;
  /** The data folder. */
  readonly folder: string;
  readonly queue: Queue;
  readonly subject: Subject;
  readonly presenter: Presenter;
  readonly options: CourseOptions;
  /** Creates the tasks. */
  readonly submit: () => Promise<unknown>;
  /** For tasks that are added by others than the command. */
  readonly watching?: Pick<Watch, 'look' | 'onUnknown' | 'onChange'> | undefined;
}

/** What a run is told about its end. */
export interface CourseOptions {
  readonly json?: true;
  readonly keepGoing?: true;
  /** False with --no-output. */
  readonly output?: string | false;
}

// Long enough for a worker to notice, and to report how its tasks ended.
const cancelPatienceMs = 30_000;

/** Creates the tasks, and cancels them at most once. A cancellation waits until they exist. */
const groupOf = ({ queue, subject, submit, presenter, platform, folder }: Course) => {
  const { taskGroupId } = subject;
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
      submission = submit();
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
    course.presenter.note('Canceling the graph. Press Ctrl-C again to kill it.');
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
  const { queue, subject, folder, presenter, options } = course;
  if (options.output === false) return undefined;
  const output = options.output ?? join(folder, 'out', fileNameOf(subject.title));
  return saveResultsIn(queue, output, presenter.note);
};

/** Submits the graph and follows it until it has settled, or is given up. */
const followGraph = async (course: Course): Promise<{ readonly wasInterrupted: boolean }> => {
  const { queue, subject, presenter, platform, options, watching } = course;
  const { submit, cancel, canceled, end } = groupOf(course);
  const giveUp = new AbortController();
  const { stopListening, wasInterrupted } = onInterrupts(course, cancel, giveUp);
  platform.guest?.lost.addEventListener('abort', () => giveUp.abort());
  const onChange = (change: Change): void => {
    watching?.onChange?.(change);
    if (!options.keepGoing && isFailed(change.task)) void cancel();
  };
  try {
    const { look, onUnknown } = watching ?? {};
    const signal = giveUp.signal;
    await watchGroup({ queue, subject, presenter, signal, begin: submit, onChange, onUnknown, look });
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

/** Creates the tasks of a group, follows it to its end and reports how it ended; returns the exit status. */
export const runToEnd = async (course: Course): Promise<number> => {
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
