import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import {
  type Fields,
  isFields,
  type Mistake,
  MistakesError,
  mergeOver,
  parseSource,
  type Source,
} from '@taskyard/taskcluster-yml/template';
import type { Setting, TaskBody } from './complete.ts';
import { checkerOf, draftOf, mistakeIn } from './draft.ts';
import { type Entry, type Expanded, expandTasks } from './expand.ts';
import { type Head, readForm, renderHead } from './head.ts';
import { link } from './links.ts';
import { labelsWith } from './machine-paths.ts';
import type { Origin } from './origin.ts';
import { leaveToShell } from './shell.ts';
import { strayLabels, taskIds } from './task-ids.ts';
import { grantScopes } from './task-scopes.ts';

/** The inputs of a graph besides the text of its file. */
export interface LoadOptions {
  /** The parameters of the command line: every value is text. */
  readonly params: Readonly<Record<string, string>>;
  readonly now: Date;
  readonly slugid: () => string;
  /** The task queue of tasks without one. */
  readonly taskQueueId?: string;
  /** Further JSON schemas of complete tasks: the queue's of a task, the worker's of a payload. */
  readonly taskSchema?: object;
  readonly payloadSchema?: object;
}

export interface GraphTask {
  readonly label: string;
  readonly taskId: string;
  /** The body for the queue's createTask. */
  readonly task: TaskBody;
  /** Whether it works on the source of the graph. */
  readonly hasSource: boolean;
}

/** A graph that is ready to be submitted; each task comes after its dependencies. */
export interface Graph {
  readonly name: string;
  readonly description?: string;
  readonly taskGroupId: string;
  readonly tasks: readonly GraphTask[];
  /** The taskId of each label. */
  readonly labels: Readonly<Record<string, string>>;
  /** The source of the files that its tasks work on. */
  readonly source?: Origin;
  /** The tasks that only run on this machine: they use `dir`, the folder of the file, or `node`, a program. */
  readonly boundTo: Readonly<Record<'dir' | 'node', readonly string[]>>;
}

/** Reads, renders and checks a graph file. Throws a MistakesError with all its mistakes. */
export const loadGraph = async (path: string, options: LoadOptions): Promise<Graph> =>
  graphOf(parseSource(path, await textOf(path)), options);

const textOf = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'there is no such file' : message;
    throw new MistakesError([{ file, line: 1, column: 1, message: `cannot be read: ${reason}` }]);
  }
};

/** The same for the text of a file. */
export const graphOf = (read: Source, options: LoadOptions): Graph => {
  const form = readForm(read, options.params);
  const tasks = isFields(read.content) ? read.content.tasks : undefined;
  // Without the parameters every expression that uses one would fail, and hide the real mistake.
  if (form.params === undefined || typeof tasks !== 'object' || tasks === null)
    throw new MistakesError(form.mistakes);

  const ids = taskIds(options.slugid);
  const taskGroupId = options.slugid();
  const context = contextOf(read, {
    params: form.params,
    taskGroupId,
    taskId: ids.of,
    now: options.now.toJSON(),
  });
  const source = leaveToShell(read, context);
  const head = renderHead(source, context);
  const expanded = expandTasks(source, (source.content as Fields).tasks, context);
  const setting = { file: source.file, graph: head.name, taskGroupId, now: options.now, taskId: ids.of };
  return checked(source, {
    form: form.mistakes,
    head,
    expanded,
    setting,
    asked: new Map(ids.asked()),
    options,
  });
};

const folderOf = ({ file }: Source): string => dirname(resolve(file));

/** The context of expressions; json-e adds its own functions. */
const contextOf = (source: Source, given: Fields): Fields => ({
  ...given,
  dir: folderOf(source),
  node: process.execPath,
});

interface Rendering {
  readonly form: readonly Mistake[];
  readonly head: Head;
  readonly expanded: Expanded;
  readonly setting: Setting;
  readonly asked: ReadonlyMap<string, string>;
  readonly options: LoadOptions;
}

const checked = (source: Source, { form, head, expanded, setting, asked, options }: Rendering): Graph => {
  const { entries, isWhole } = expanded;
  const labels = new Set(entries.map(({ label }) => label));
  const queue = options.taskQueueId === undefined ? {} : { taskQueueId: options.taskQueueId };
  const defaults = mergeOver(queue, head.defaults) as Fields;
  const { granted: drafts, mistakes: scopeless } = grantScopes(
    distinct(entries)
      .filter(isRendered)
      .map((entry) => draftOf(entry, defaults, setting)),
  );
  const { ordered, mistakes: loose } = link(drafts);
  const check = checkerOf(source, {
    ...options,
    ...(isWhole && { labels }),
    hasOrigin: head.origin !== undefined,
  });
  const mistakes = [
    ...form,
    ...head.mistakes,
    ...expanded.mistakes,
    ...duplicates(source, entries),
    ...drafts.flatMap(check),
    ...(isWhole ? strayLabels(source, drafts, { asked, labels }) : []),
    ...[...loose, ...scopeless].map(({ draft, ...found }) => mistakeIn(source, draft, found)),
    ...(isWhole && labels.size === 0 ? [source.mistake(['tasks'], 'there are no tasks')] : []),
  ];
  if (mistakes.length > 0) throw new MistakesError(mistakes);
  return {
    name: head.name,
    ...(head.description !== undefined && { description: head.description }),
    taskGroupId: setting.taskGroupId,
    tasks: ordered.map(({ label, taskId, task, hasSource }) => ({
      label,
      taskId,
      task,
      hasSource: hasSource && head.origin !== undefined,
    })),
    ...(head.origin !== undefined && { source: head.origin }),
    boundTo: {
      dir: labelsWith('dir', { source, drafts: ordered, path: folderOf(source) }),
      node: labelsWith('node', { source, drafts: ordered, path: process.execPath }),
    },
    labels: Object.fromEntries(ordered.map(({ label, taskId }) => [label, taskId])),
  };
};

const distinct = (entries: readonly Entry[]): Entry[] =>
  [...new Map([...entries].reverse().map((entry) => [entry.label, entry])).values()].reverse();

const isRendered = (entry: Entry): boolean => 'task' in entry;

const duplicates = (source: Source, entries: readonly Entry[]): Mistake[] => {
  const first = new Map<string, Entry>();
  return entries.flatMap((entry) => {
    const earlier = first.get(entry.label);
    if (earlier === undefined) {
      first.set(entry.label, entry);
      return [];
    }
    const { line } = source.mistake(earlier.path, '');
    return [source.mistake(entry.path, `there is another task of this label, at line ${line}`, entry.label)];
  });
};
