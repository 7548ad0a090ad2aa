import { fillTemplate } from '../../auth/index.ts';
import { RequestError } from '../../base/index.ts';
import type { Authorize, Caller, ScopeExpression } from '../../http/index.ts';
import { createTaskScopes } from '../../queue/index.ts';

/** Throws InsufficientScopes when a task exceeds the scopes of its graph. */
export type AuthorizeTask = Authorize;

/**
 * Checks tasks against the scopes of their graph, once for each combination of values.
 */
export const authorizeBy = (graph: Caller): AuthorizeTask => {
  const refusals = new Map<string, RequestError | undefined>();
  return (values) => {
    const key = JSON.stringify(values);
    if (!refusals.has(key)) refusals.set(key, refusalFor(graph, values));
    const refusal = refusals.get(key);
    if (refusal) throw refusal;
  };
};

const refusalFor = (graph: Caller, values: Readonly<Record<string, unknown>>): RequestError | undefined => {
  const required = fillTemplate(createTaskScopes, values);
  if (required === undefined)
    throw new Error('The scopes of createTask need more values than those of a task.');
  const missing = missingScopes(graph, required);
  if (missing.length === 0) return undefined;
  return new RequestError('InsufficientScopes', `The scopes of the graph lack ${missing.join(', ')}.`);
};

const missingScopes = (graph: Caller, required: ScopeExpression): string[] => {
  if (graph.satisfies(required)) return [];
  if (typeof required === 'string') return [required];
  if ('AllOf' in required) return required.AllOf.flatMap((part) => missingScopes(graph, part));
  // The last one is the narrowest sufficient one.
  return required.AnyOf.slice(-1).flatMap((part) => missingScopes(graph, part));
};

/** Whether two lists have the same elements, in any order. */
export const sameSet = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && [...one].sort().join() === [...other].sort().join();
