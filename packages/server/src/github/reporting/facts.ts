import { RequestError } from '../../base/index.ts';
import type { TaskDefinition, TaskStatus } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import type { Excerpt } from '../excerpt.ts';
import { checksMax, standingOf, wentWrong } from '../lifecycle.ts';
import type { BuildRow } from '../store/index.ts';
import { annotationsIn } from './annotations.ts';
import { type Run, readFirstError, readText } from './artifacts.ts';
import { firstCauses, type Line, neverRun } from './causes.ts';
import type { GroupFacts, TaskFacts } from './compose.ts';

/** Where a task says which artifacts its check run shows: `extra.github.customCheckRun`. */
interface Extra {
  readonly github?: {
    readonly customCheckRun?: {
      readonly textArtifactName?: unknown;
      readonly annotationsArtifactName?: unknown;
    } | null;
  };
}

const ownTextName = 'public/github/customCheckRunText.md';
const ownAnnotationsName = 'public/github/customCheckRunAnnotations.json';

const nameIn = (given: unknown, standard: string): string => (typeof given === 'string' ? given : standard);

/** What the task itself wants to be shown. */
const readOwn = async (context: Context, run: Run, { extra }: TaskDefinition) => {
  const { customCheckRun } = (extra as Extra).github ?? {};
  if (!customCheckRun) return {};
  const textName = nameIn(customCheckRun.textArtifactName, ownTextName);
  const annotationsName = nameIn(customCheckRun.annotationsArtifactName, ownAnnotationsName);
  const ownText = await readText(context, run, textName);
  const { shown, remark } = annotationsIn(await readText(context, run, annotationsName), annotationsName);
  return {
    ownText: [ownText, remark].filter((text) => text !== undefined).join('\n\n'),
    annotations: shown,
  };
};

const taskPage = ({ rootUrl }: Context, taskId: string): string => `${rootUrl()}/tasks/${taskId}`;

const logNameIn = ({ payload }: TaskDefinition): string | undefined => {
  const { log } = payload as { log?: unknown };
  return typeof log === 'string' ? log : undefined;
};

const parsed = <T>(answer: string | RequestError | undefined): T | undefined =>
  typeof answer === 'string' ? (JSON.parse(answer) as T) : undefined;

/** The lines of a run's log that tell why it failed, looked for once. */
const excerptOf = (context: Context, run: Run, definition: TaskDefinition): Promise<Excerpt | undefined> =>
  context.excerpts.of(`${run.taskId}/${run.runId}`, () =>
    readFirstError(context, run, logNameIn(definition)),
  );

const excerptOfLine = async (context: Context, { taskId, runs }: Line): Promise<Excerpt | undefined> => {
  const [text] = await context.queue.readDefinitions.all([taskId]);
  const definition = parsed<TaskDefinition>(text);
  return definition && runs > 0 ? excerptOf(context, { taskId, runId: runs - 1 }, definition) : undefined;
};

/** What there is to say about a task now; undefined when it has expired. */
export const readTaskFacts = async (context: Context, taskId: string): Promise<TaskFacts | undefined> => {
  const [statusText, definitionText] = await Promise.all([
    context.queue.readStatuses.all([taskId]),
    context.queue.readDefinitions.all([taskId]),
  ]);
  const status = parsed<TaskStatus>(statusText[0]);
  const definition = parsed<TaskDefinition>(definitionText[0]);
  if (!status || !definition) return undefined;
  const last = status.runs.at(-1);
  const facts = {
    taskId,
    name: definition.metadata.name,
    description: definition.metadata.description,
    href: taskPage(context, taskId),
    state: status.state,
    reasonResolved: last?.reasonResolved,
    started: last?.started,
    resolved: last?.resolved,
  };
  if (!last?.resolved) return facts;
  const run = { taskId, runId: last.runId };
  const excerpt = wentWrong(status) ? await excerptOf(context, run, definition) : undefined;
  return { ...facts, excerpt, ...(await readOwn(context, run, definition)) };
};

// A group of more tasks is reported by as many of them.
const pagesMax = 100;

const readLines = async ({ views }: Context, taskGroupId: string): Promise<Line[]> => {
  const lines: Line[] = [];
  let continuationToken: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const read = await views.listGroupLines({ taskGroupId, continuationToken });
    lines.push(...read.tasks);
    ({ continuationToken } = read);
    if (continuationToken === undefined) break;
  }
  return lines;
};

const isDone = ({ state }: Line): boolean => ['completed', 'failed', 'exception'].includes(state);

/** What there is to say about a build now; undefined when its group has expired. */
export const readGroupFacts = async (context: Context, build: BuildRow): Promise<GroupFacts | undefined> => {
  const { taskGroupId, eventType } = build;
  const lines = await readLines(context, taskGroupId).catch((error: unknown) => {
    if (error instanceof RequestError) return undefined;
    throw error;
  });
  if (!lines) return undefined;
  const standing = standingOf(lines, build.state === 'cancelled');
  const causes = standing.state === 'failure' ? firstCauses(lines) : [];
  const [first] = causes;
  const excerpt = first && (await excerptOfLine(context, first));
  return {
    ...standing,
    taskGroupId,
    name: `${context.settings?.statusContext ?? 'Taskyard'} (${eventType.split('.')[0]})`,
    href: `${context.rootUrl()}/tasks/groups/${taskGroupId}`,
    total: lines.length,
    done: lines.filter(isDone).length,
    causes,
    neverRun: causes.length > 0 ? neverRun(lines) : 0,
    excerpt,
    isLarge: lines.length > checksMax,
    taskHref: (taskId) => taskPage(context, taskId),
  };
};
