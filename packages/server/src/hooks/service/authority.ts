import { fillTemplate } from '../../auth/index.ts';
import { RequestError } from '../../base/index.ts';
import type { Authorize, Caller, ScopeExpression } from '../../http/index.ts';
import { createTaskScopes } from '../../queue/index.ts';
import type { Context } from '../context.ts';
import type { HookRef } from '../store.ts';
import { nameOf } from './naming.ts';

/** Checks what a hook may do: as much as its role, no matter who fires it. */
export const authorityOf = async (context: Pick<Context, 'callerFor'>, ref: HookRef): Promise<Authorize> => {
  const role = `hook-id:${nameOf(ref)}`;
  const caller = await context.callerFor([`assume:${role}`]);
  return (values) => {
    const required = fillTemplate(createTaskScopes, values);
    if (required === undefined)
      throw new Error('The scopes of createTask need more values than those of a task.');
    const missing = missingScopes(caller, required);
    if (missing.length === 0) return;
    const list = missing.map((scope) => `  * ${scope}`).join('\n');
    throw new RequestError(
      'InsufficientScopes',
      `The role \`${role}\` does not have sufficient scopes to create the task; it lacks:\n${list}`,
    );
  };
};

const missingScopes = (caller: Caller, required: ScopeExpression): string[] => {
  if (caller.satisfies(required)) return [];
  if (typeof required === 'string') return [required];
  if ('AllOf' in required) return required.AllOf.flatMap((part) => missingScopes(caller, part));
  // The last one is the narrowest of those that would do.
  return required.AnyOf.slice(-1).flatMap((part) => missingScopes(caller, part));
};
