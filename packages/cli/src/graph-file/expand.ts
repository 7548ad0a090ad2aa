import {
  type Fields,
  isExpression,
  isFields,
  type Mistake,
  type Path,
  type RenderMistake,
  render,
  type Source,
} from '@taskyard/taskcluster-yml/template';

/** A task of the file after rendering, before it is checked; without `task` if that failed. */
export interface Entry {
  readonly label: string;
  /** The path of the task in the document, for messages. */
  readonly path: Path;
  readonly task?: unknown;
}
/** `isWhole` is false when something that failed to render may have contained further labels. */
export interface Expanded {
  readonly entries: readonly Entry[];
  readonly mistakes: readonly Mistake[];
  readonly isWhole: boolean;
}

/** All tasks below `tasks`: maps of them, expressions that make such maps, and lists of both. */
export const expandTasks = (source: Source, tasks: unknown, context: Fields): Expanded =>
  expand(source, { template: tasks, path: ['tasks'], context });

interface Part {
  readonly template: unknown;
  readonly path: Path;
  readonly context: Fields;
}

const expand = (source: Source, { template, path, context }: Part): Expanded => {
  if (Array.isArray(template)) {
    return joined(
      template.map((item, index) => expand(source, { template: item, path: [...path, index], context })),
    );
  }
  if (isUnlabeled(template)) {
    const message = 'this task has no label: write "<label>:" before it, and its fields below';
    return { entries: [], mistakes: [source.mistake(path, message)], isWhole: false };
  }
  if (isFields(template) && !isExpression(template)) {
    const labels = Object.entries(template);
    return joined(
      labels.map(([key, task]) => expandOne(source, { template: { [key]: task }, path, context })),
    );
  }
  const { value, mistakes } = render(template, path, context);
  if (mistakes.length > 0) {
    return { entries: [], mistakes: mistakes.map((found) => told(source, found)), isWhole: false };
  }
  return value === undefined ? nothing : collected(source, value, path);
};

/** A task in place of a map of labels to tasks, as in the original's lists of tasks. */
const isUnlabeled = (template: unknown): boolean => {
  if (!isFields(template) || isExpression(template)) return false;
  const { taskQueueId, provisionerId, run, payload } = template;
  const isTold = [taskQueueId, provisionerId, run].some((value) => typeof value === 'string');
  return isTold || (isFields(payload) && 'command' in payload);
};

/** Each label of a plain map is rendered separately, so that its mistakes hide no others. */
const expandOne = (source: Source, { template, path, context }: Part): Expanded => {
  const { value, mistakes } = render(template, path, context);
  if (mistakes.length === 0) return collected(source, value, path);
  const [label = ''] = Object.keys(template as Fields);
  return {
    entries: [{ label, path: [...path, label] }],
    mistakes: mistakes.map((found) => told(source, found, label)),
    isWhole: !label.includes('${'),
  };
};

/** The maps of tasks in a rendered value, which may be a list of them (of lists of them). */
const collected = (source: Source, value: unknown, path: Path): Expanded => {
  if (Array.isArray(value)) return joined(value.map((item) => collected(source, item, path)));
  if (!isFields(value)) {
    const message = `tasks must be a map of labels to tasks, not ${JSON.stringify(value)}`;
    return { entries: [], mistakes: [source.mistake(path, message)], isWhole: false };
  }
  const entries = Object.entries(value).map(([label, task]) => ({ label, path: [...path, label], task }));
  return { entries, mistakes: [], isWhole: true };
};

const told = (source: Source, { path, message }: RenderMistake, label?: string): Mistake =>
  source.mistake(path, message, label);

const nothing: Expanded = { entries: [], mistakes: [], isWhole: true };

const joined = (parts: readonly Expanded[]): Expanded => ({
  entries: parts.flatMap(({ entries }) => entries),
  mistakes: parts.flatMap(({ mistakes }) => mistakes),
  isWhole: parts.every(({ isWhole }) => isWhole),
});
