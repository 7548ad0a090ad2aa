import { basename } from 'node:path';
import { type Fields, isFields } from '@taskyard/taskcluster-yml/template';
import { shellCommand } from './shell.ts';

/** A body of createTask, with every field that a graph file may leave out. */
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

// The default: long enough for most tasks, and short enough to notice a hanging one.
const maxRunTimeSeconds = 60 * 60;
const deadlineMinutes = 24 * 60;
const expiresDays = 7;

/** The common fields of all tasks of a graph. */
export interface Setting {
  readonly file: string;
  readonly graph: string;
  readonly taskGroupId: string;
  readonly now: Date;
  readonly taskId: (label: string) => string;
}

/** The queue's form of a checked task of the file: labels become taskIds, what was left out is filled in. */
export const completeTask = (label: string, task: Fields, setting: Setting): TaskBody => {
  const { needs, dependencies, metadata, payload, run, tags, source: _source, ...given } = task;
  const after = (minutes: number) => new Date(setting.now.getTime() + minutes * 60_000).toJSON();
  const deadline = typeof given.deadline === 'string' ? given.deadline : after(deadlineMinutes);
  return {
    ...given,
    taskGroupId: setting.taskGroupId,
    dependencies: [...new Set([...strings(needs).map(setting.taskId), ...strings(dependencies)])],
    created: setting.now.toJSON(),
    deadline,
    expires: typeof given.expires === 'string' ? given.expires : after(expiresDays * 24 * 60),
    payload: completePayload(isFields(payload) ? payload : {}, run),
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

const completePayload = (payload: Fields, run: unknown): Fields => {
  const given = { ...(typeof run === 'string' && { command: [shellCommand(run)] }), ...payload };
  // Tasks that run nothing are for other workers, whose payloads have other fields.
  return 'command' in given || 'image' in given ? { maxRunTime: maxRunTimeSeconds, ...given } : given;
};

/** The strings of a list. Other values have been refused by the schema and are skipped. */
const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
