import { basename } from 'node:path';
import { type Fields, isFields } from './values.ts';

/** A body of createTask, every field filled in that a graph file may leave out. */
export interface TaskBody {
  readonly taskQueueId?: string;
  readonly taskGroupId: string;
  readonly dependencies: readonly string[];
  readonly created: string;
  readonly deadline: string;
  readonly expires: string;
  readonly payload: Fields;
  readonly metadata: { readonly [field: string]: string };
  readonly [field: string]: unknown;
}

const deadlineMinutes = 24 * 60;
const expiresDays = 7;

/** What all tasks of a graph share. */
export interface Setting {
  readonly file: string;
  readonly graph: string;
  readonly taskGroupId: string;
  readonly now: Date;
  readonly taskId: (label: string) => string;
}

/** The queue's form of a checked task of the file: labels become taskIds, what was left out is filled in. */
export const completeTask = (label: string, task: Fields, setting: Setting): TaskBody => {
  const { needs, dependencies, metadata, payload, tags, source: _source, ...given } = task;
  const after = (minutes: number) => new Date(setting.now.getTime() + minutes * 60_000).toJSON();
  const deadline = typeof given.deadline === 'string' ? given.deadline : after(deadlineMinutes);
  return {
    ...given,
    taskGroupId: setting.taskGroupId,
    dependencies: [...new Set([...strings(needs).map(setting.taskId), ...strings(dependencies)])],
    created: setting.now.toJSON(),
    deadline,
    expires: typeof given.expires === 'string' ? given.expires : after(expiresDays * 24 * 60),
    payload: isFields(payload) ? payload : {},
    // Listings of groups name them by this tag.
    tags: { graph: setting.graph, ...(isFields(tags) ? tags : {}) },
    metadata: {
      name: label,
      description: `The task "${label}" of the graph "${setting.graph}".`,
      owner: 'nobody@localhost',
      source: `https://localhost/${encodeURIComponent(basename(setting.file))}`,
      ...(isFields(metadata) ? metadata : {}),
    },
  };
};

/** The strings of a list; what is none has been refused by the schema and is passed over here. */
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
