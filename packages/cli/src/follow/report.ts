import { openArtifact, type Queue } from '@taskyard/client';
import { harmless, type Io, paintFor, say, sayJsonLine } from '../io.ts';
import { listArtifacts } from '../listings.ts';
import { taskPage } from '../pages.ts';
import { durationText } from './duration.ts';
import {
  type FollowedTask,
  type GroupState,
  isFailed,
  isResolved,
  reasonOf,
  stateOf,
} from './group-state.ts';
import { type Excerpt, excerptOf } from './log-excerpt.ts';
import { type SaveResult, shownPath } from './results.ts';

/** An artifact of a task. */
export interface ReportedArtifact {
  readonly label: string;
  readonly name: string;
  readonly url: string;
  /** The file that it was saved as. */
  readonly path?: string;
}

export interface ReportedFailure {
  readonly label: string;
  readonly taskId: string;
  readonly url: string;
  readonly state: string;
  readonly reason?: string;
  readonly excerpt?: Excerpt;
}

/** How a group ended. */
export interface Report {
  readonly isComplete: boolean;
  readonly milliseconds: number;
  readonly counts: GroupState['counts'];
  readonly failures: readonly ReportedFailure[];
  /** Tasks that are not for this machine. */
  readonly skipped: readonly { readonly label: string; readonly taskId: string; readonly reason: string }[];
  readonly artifacts: readonly ReportedArtifact[];
}

const atOnce = 8;
const failuresMax = 100;
const failuresShownMax = 5;
const artifactsShownMax = 40;
const tasksAskedMax = 2000;

/** Runs a step for each item, a few at once; returns the results in the order of the items. */
const each = async <In, Out>(items: readonly In[], step: (item: In) => Promise<Out>): Promise<Out[]> => {
  const answers: Out[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) answers[at] = await step(items[at] as In);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return answers;
};

const runOf = ({ status }: FollowedTask): number => (status?.runs.length ?? 0) - 1;

const excerptOfTask = async (queue: Queue, task: FollowedTask): Promise<Excerpt | undefined> => {
  const { taskId } = task;
  try {
    const ref = { taskId, runId: runOf(task), name: 'public/logs/live_backing.log' };
    const { response } = await openArtifact(queue, ref);
    return response.body ? await excerptOf(response.body) : undefined;
  } catch {
    // A task that was canceled, or whose worker vanished, has no log. The report goes on without.
    return undefined;
  }
};

const failureOf = async (queue: Queue, task: FollowedTask): Promise<ReportedFailure> => {
  const { label, taskId } = task;
  const reason = reasonOf(task);
  const excerpt = reason === 'canceled' ? undefined : await excerptOfTask(queue, task);
  return {
    label,
    taskId,
    url: taskPage(queue.options.rootUrl, taskId),
    state: stateOf(task),
    ...(reason ? { reason } : {}),
    ...(excerpt ? { excerpt } : {}),
  };
};

const isLog = (name: string): boolean => name.startsWith('public/logs/');

const artifactsOf = async (
  queue: Queue,
  task: FollowedTask,
  save: SaveResult | undefined,
): Promise<ReportedArtifact[]> => {
  const { taskId, label } = task;
  const runId = runOf(task);
  const listed = await listArtifacts(queue, { taskId, runId }).catch(() => []);
  return each(
    listed.filter(({ name, storageType }) => !isLog(name) && storageType !== 'error'),
    async ({ name }) => {
      const path = await save?.({ label, taskId, runId, name });
      return {
        label,
        name,
        url: queue.buildUrl('getArtifact', taskId, runId, name),
        ...(path ? { path } : {}),
      };
    },
  );
};

/** The tasks that failed, up to a hundred, with the lines of their logs where the trouble begins. */
export const gatherFailures = (queue: Queue, { tasks }: GroupState): Promise<ReportedFailure[]> => {
  // What failed on its own comes before what was canceled because of it.
  const failed = tasks
    .filter(isFailed)
    .sort((a, b) => Number(stateOf(b) === 'failed') - Number(stateOf(a) === 'failed'));
  return each(failed.slice(0, failuresMax), (task) => failureOf(queue, task));
};

/** Gathers how a group ended: what failed and why, and what it made, which is saved where the caller says how. */
export const gatherReport = async (
  queue: Queue,
  { group, startedAt }: { readonly group: GroupState; readonly startedAt: Date },
  save?: SaveResult,
): Promise<Report> => {
  const { tasks } = group;
  const made = tasks.filter(
    (task) => isResolved(task) && runOf(task) >= 0 && task.status?.runs.at(-1)?.started,
  );
  return {
    isComplete: group.isComplete,
    milliseconds: Date.now() - startedAt.getTime(),
    counts: { ...group.counts },
    skipped: tasks.flatMap(({ label, taskId, skipped: reason }) =>
      reason === undefined ? [] : [{ label, taskId, reason }],
    ),
    failures: await gatherFailures(queue, group),
    artifacts: (await each(made.slice(0, tasksAskedMax), (task) => artifactsOf(queue, task, save))).flat(),
  };
};

interface ReportOptions {
  /** False where the server ends with the command: its pages do so too. */
  readonly hasPages?: boolean;
}

const failureLines = (io: Io, failure: ReportedFailure, { hasPages = true }: ReportOptions): string[] => {
  const paint = paintFor(io, io.stdout);
  const { label, state, reason, url, excerpt } = failure;
  const name = paint('bold', harmless(label));
  const page = hasPages ? `  ${paint('gray', url)}` : '';
  const head = `${paint('red', '✖')} ${name}  ${reason ?? state}${page}`;
  if (!excerpt || excerpt.lines.length === 0) return [head];
  const what = excerpt.isError ? `log, from line ${excerpt.firstLine}` : 'the last lines of the log';
  return [head, paint('gray', `  ${what}:`), ...excerpt.lines.map((line) => `  │ ${line}`)];
};

const artifactLines = ({ artifacts }: Report): string[] => {
  if (artifacts.length === 0) return [];
  const shown = artifacts.slice(-artifactsShownMax);
  const more = artifacts.length - shown.length;
  return [
    '',
    'Results:',
    ...(more > 0 ? [`  (${more} earlier ones are not listed)`] : []),
    ...shown.map(({ label, name, path }) =>
      path ? `  ${harmless(shownPath(path))}` : `  ${harmless(label)}: ${harmless(name)}`,
    ),
  ];
};

const skippedLines = ({ skipped }: Report): string[] => [
  ...(skipped.length > 0 ? ['', 'Skipped:'] : []),
  ...skipped
    .slice(0, artifactsShownMax)
    .map(({ label, reason }) => `  ${harmless(label)}: ${harmless(reason)}`),
  ...(skipped.length > artifactsShownMax ? [`  … and ${skipped.length - artifactsShownMax} more`] : []),
];

const verdict = (io: Io, { isComplete, counts, milliseconds, skipped }: Report): string => {
  const paint = paintFor(io, io.stdout);
  const shown = { ...counts, exception: counts.exception - skipped.length, skipped: skipped.length };
  const told = Object.entries(shown)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ');
  const whole =
    skipped.length > 0 ? 'Every task that this machine can run completed' : 'Every task completed';
  const word = isComplete ? paint('green', whole) : paint('red', 'Not every task completed');
  return `${word}: ${told || 'there are none'}, in ${durationText(milliseconds)}.`;
};

/** What failed on its own: tasks that were canceled because another failed are no news. */
export const causesOf = (failures: readonly ReportedFailure[]): ReportedFailure[] =>
  failures.filter(({ reason }) => reason !== 'canceled');

/** Prints the report for people. */
export const printReport = (io: Io, report: Report, options: ReportOptions = {}): void => {
  const causes = causesOf(report.failures);
  const shown = causes.slice(0, failuresShownMax);
  const lines = [
    ...shown.flatMap((failure) => ['', ...failureLines(io, failure, options)]),
    ...(causes.length > shown.length ? ['', `… and ${causes.length - shown.length} more that failed`] : []),
    ...artifactLines(report),
    ...skippedLines(report),
    '',
    verdict(io, report),
  ];
  say(io, lines.join('\n'));
};

/** Prints the report for programs: the last line of the output. */
export const printJsonReport = (io: Io, report: Report): void =>
  sayJsonLine(io, { type: 'summary', ...report });
