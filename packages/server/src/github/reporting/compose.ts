import type { Annotation, CheckOutput, CheckRun, Status } from '../api/index.ts';
import type { Excerpt } from '../excerpt.ts';
import { checkStateOf, checkStateOfBuild, checksMax, type GroupStanding } from '../lifecycle.ts';
import { fenced, lineOf, type Part, stacked } from '../texts.ts';
import type { Line } from './causes.ts';

// GitHub's limits: 65,535 for a text of a check run, 140 characters for the words of a status.
const [textBytesMax, titleBytesMax, descriptionBytesMax] = [65_535, 250, 140];

const words: Readonly<Record<string, string>> = {
  unscheduled: 'waits for other tasks',
  pending: 'waits for a worker',
  running: 'runs',
  completed: 'completed',
  failed: 'failed',
  canceled: 'was canceled',
  'deadline-exceeded': 'was not done by its deadline',
  'malformed-payload': 'has a payload that its worker does not understand',
};

/** A task in words: how it stands, and why. */
const wordsFor = (state: string, reason: string | undefined): string =>
  (state === 'exception' ? words[reason ?? ''] : words[state]) ?? `ended as ${reason ?? state}`;

/** Lines of a log as people read them, in a block that says where they stand. */
export const excerptPart = ({ lines, firstLine }: Excerpt, from = 'the log'): Part => ({
  text: lines.join('\n'),
  wrap: (text) => `From line ${firstLine} of ${from}:\n\n${fenced(text)}`,
});

/** What is known of a task that is reported. */
export interface TaskFacts {
  readonly taskId: string;
  readonly name: string;
  readonly description: string;
  readonly href: string;
  readonly state: string;
  readonly reasonResolved?: string | undefined;
  readonly started?: string | undefined;
  readonly resolved?: string | undefined;
  /** Where its log tells why it failed. */
  readonly excerpt?: Excerpt | undefined;
  /** What the task itself wants to be shown, in Markdown. */
  readonly ownText?: string | undefined;
  readonly annotations?: readonly Annotation[] | undefined;
}

const linksOf = ({ href }: Pick<TaskFacts, 'href'>): Part => ({ text: `[The task](${href}) in Taskyard.` });

const outputOf = (facts: TaskFacts): CheckOutput => {
  const title = lineOf(`${facts.name} ${wordsFor(facts.state, facts.reasonResolved)}`, titleBytesMax);
  const text = stacked(
    [...(facts.excerpt ? [excerptPart(facts.excerpt)] : []), { text: facts.ownText ?? '' }],
    textBytesMax,
  );
  return {
    title,
    // The links first: they are what is wanted of a long description, too.
    summary: stacked([linksOf(facts), { text: facts.description }], textBytesMax),
    ...(text === '' ? {} : { text }),
    ...(facts.annotations?.length ? { annotations: facts.annotations } : {}),
  };
};

const timesOf = ({ started, resolved }: Pick<TaskFacts, 'started' | 'resolved'>, isCompleted: boolean) => ({
  ...(started === undefined ? {} : { started_at: started }),
  ...(isCompleted && resolved !== undefined ? { completed_at: resolved } : {}),
});

/** The check run of a task. */
export const checkOfTask = (facts: TaskFacts): CheckRun => {
  const state = checkStateOf(facts);
  return {
    name: lineOf(facts.name, titleBytesMax) || facts.taskId,
    external_id: facts.taskId,
    details_url: facts.href,
    ...state,
    ...timesOf(facts, state.status === 'completed'),
    output: outputOf(facts),
  };
};

/** What is known of a group that is reported. */
export interface GroupFacts extends GroupStanding {
  readonly taskGroupId: string;
  readonly name: string;
  readonly href: string;
  readonly total: number;
  readonly done: number;
  /** What it failed by, the first one first. */
  readonly causes: readonly Line[];
  readonly neverRun: number;
  /** Of the first of them. */
  readonly excerpt?: Excerpt | undefined;
  /** Whether it has more tasks than GitHub shows checks of. */
  readonly isLarge: boolean;
  taskHref(taskId: string): string;
}

const tasks = (count: number): string => (count === 1 ? '1 task' : `${count} tasks`);

/** A build in a line: what it failed by goes before everything else. */
const sentenceOf = ({ state, causes, total, done }: GroupFacts): string => {
  const [first] = causes;
  if (state === 'cancelled') return 'Canceled: a newer build replaces it, or somebody wanted it so.';
  if (first) {
    const more = causes.length > 1 ? `, and ${tasks(causes.length - 1)} more` : '';
    return `${first.name} ${wordsFor(first.state, first.reasonResolved)}${more}`;
  }
  return state === 'success' ? `${tasks(total)} completed` : `${done} of ${tasks(total)} done`;
};

const shownCausesMax = 20;

const largePart = ({ isLarge }: GroupFacts): Part => ({
  text: isLarge
    ? `Here ${checksMax} of its tasks have checks of their own, and others when they go wrong.`
    : '',
});

const causesPart = ({ causes, taskHref, neverRun }: GroupFacts): Part => {
  const lines = causes
    .slice(0, shownCausesMax)
    .map(
      (line) =>
        `- [${lineOf(line.name, titleBytesMax).replace(/[[\]]/g, '\\$&')}](${taskHref(line.taskId)}) ${wordsFor(line.state, line.reasonResolved)}`,
    );
  const more = causes.length > shownCausesMax ? [`- and ${causes.length - shownCausesMax} more`] : [];
  const waiting = neverRun > 0 ? ['', `${tasks(neverRun)} did not run.`] : [];
  return { text: causes.length > 0 ? [...lines, ...more, ...waiting].join('\n') : '' };
};

/** The check run of a whole build: green when all of its tasks have ended, and not before. */
export const checkOfGroup = (facts: GroupFacts): CheckRun => {
  const [first] = facts.causes;
  const text =
    facts.excerpt && first
      ? stacked([excerptPart(facts.excerpt, `the log of ${lineOf(first.name, titleBytesMax)}`)], textBytesMax)
      : '';
  return {
    name: facts.name,
    external_id: `group/${facts.taskGroupId}`,
    details_url: facts.href,
    ...checkStateOfBuild(facts.state),
    output: {
      title: lineOf(sentenceOf(facts), titleBytesMax),
      summary: stacked(
        [{ text: `[The tasks](${facts.href}) in Taskyard.` }, causesPart(facts), largePart(facts)],
        textBytesMax,
      ),
      ...(text === '' ? {} : { text }),
    },
  };
};

const statusStates = {
  pending: 'pending',
  success: 'success',
  failure: 'failure',
  error: 'error',
  cancelled: 'error',
} as const;

/** The commit status of a whole build. */
export const statusOfGroup = (facts: GroupFacts): Status => {
  const [line] = facts.excerpt?.lines.filter((each) => each.trim() !== '') ?? [];
  const why = facts.causes.length > 0 && line !== undefined ? `: ${line.trim()}` : '';
  return {
    state: statusStates[facts.state],
    context: facts.name,
    description: lineOf(sentenceOf(facts) + why, descriptionBytesMax),
    target_url: facts.href,
  };
};
