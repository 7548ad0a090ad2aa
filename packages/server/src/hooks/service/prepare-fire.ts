import { type Answer, RequestError } from '../../base/index.ts';
import type { Authorize } from '../../http/index.ts';
import type { FilledTaskRequest } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import type { HookRow } from '../store.ts';
import { contextOf, type Occasion, taskRequestOf } from '../task-request.ts';
import { authorityOf } from './authority.ts';

/** A hook that is to fire, and the task that it is to create: none, or why there can be none. */
export interface Fire extends Occasion {
  readonly hook: HookRow;
  readonly request: Answer<FilledTaskRequest | undefined>;
  /** By the authority of the hook's role. */
  readonly authorize: Authorize;
}

/**
 * Renders the task of a hook. That may take its time, so it comes before the transaction in which the hook fires.
 * Throws a `Misfit` when the payload is not one for the hook.
 */
export const prepareFire = async (
  context: Pick<Context, 'rendering' | 'callerFor'>,
  hook: HookRow,
  occasion: Occasion,
): Promise<Fire> => {
  const rendered = await context.rendering.render(hook, contextOf(occasion));
  return {
    ...occasion,
    hook,
    request: rendered instanceof RequestError ? rendered : requestOf(rendered, occasion),
    authorize: await authorityOf(context, hook),
  };
};

const requestOf = (rendered: unknown, occasion: Occasion): Fire['request'] => {
  try {
    return taskRequestOf(rendered, occasion);
  } catch (error) {
    if (error instanceof RequestError) return error;
    throw error;
  }
};
