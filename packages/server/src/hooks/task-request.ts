import { days, later, RequestError } from '../base/index.ts';
import { mistakesIn } from '../http/index.ts';
import { createTaskRequest, type FilledTaskRequest } from '../queue/index.ts';
import type { Firer } from './schema.ts';

/** Why and when a hook fires. */
export interface Occasion {
  readonly firedBy: Firer;
  readonly taskId: string;
  readonly at: Date;
  /** JSON; whatever fires the hook has it, but for its schedule. */
  readonly payload?: object;
  /** Who called `triggerHook`. */
  readonly clientId?: string;
}

/** What a template sees. */
export const contextOf = ({ firedBy, taskId, at, payload, clientId }: Occasion): object => ({
  firedBy,
  taskId,
  now: at.toJSON(),
  ...(payload === undefined ? {} : { payload }),
  ...(clientId === undefined ? {} : { clientId }),
});

/**
 * The task that a rendered template asks for, complete and checked like any request for a task; undefined when it
 * asks for none: it renders to null, false, zero or an empty text. Throws an InputError when it is no task.
 */
export const taskRequestOf = (rendered: unknown, occasion: Occasion): FilledTaskRequest | undefined => {
  if (!rendered) return undefined;
  if (typeof rendered !== 'object' || Array.isArray(rendered))
    throw new RequestError('InputError', 'The template of the hook does not render to an object.');
  const task = withDefaults(rendered as object, occasion);
  const mistakes = mistakesIn(createTaskRequest, task);
  if (mistakes.length === 0) return task as unknown as FilledTaskRequest;
  const list = mistakes.map((mistake) => `  * ${mistake.replace(/^body\.?/, 'task.')}`).join('\n');
  throw new RequestError(
    'InputError',
    `The template of the hook does not render to a task definition:\n${list}`,
  );
};

const withDefaults = (task: object, { taskId, at }: Occasion) => ({
  created: at.toJSON(),
  deadline: later(at, days(1)).toJSON(),
  expires: later(at, days(30)).toJSON(),
  taskGroupId: taskId,
  ...task,
});
