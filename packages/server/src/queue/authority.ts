import { fillTemplate } from '../auth/index.ts';
import { RequestError } from '../base/index.ts';
import type { Authorize, Caller, ScopeExpression } from '../http/index.ts';
import { createScopes } from './routes/tasks.ts';

/** Checks tasks that are created in somebody's name: `who` is named where scopes are missing, as in "The role `x`". */
export const authorizeBy =
  (caller: Caller, who: string): Authorize =>
  (values) => {
    const required = fillTemplate(createScopes, values);
    if (required === undefined)
      throw new Error('The scopes of createTask need more values than those of a task.');
    const missing = missingScopes(caller, required);
    if (missing.length === 0) return;
    const list = missing.map((scope) => `  * ${scope}`).join('\n');
    throw new RequestError(
      'InsufficientScopes',
      `${who} does not have sufficient scopes to create the task; it lacks:\n${list}`,
    );
  };

const missingScopes = (caller: Caller, required: ScopeExpression): string[] => {
  if (caller.satisfies(required)) return [];
  if (typeof required === 'string') return [required];
  if ('AllOf' in required) return required.AllOf.flatMap((part) => missingScopes(caller, part));
  // The last one is the narrowest of those that would do.
  return required.AnyOf.slice(-1).flatMap((part) => missingScopes(caller, part));
};
