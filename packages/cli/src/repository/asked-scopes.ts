import type { Rendering } from '@taskyard/taskcluster-yml';
import type { Fields } from '@taskyard/taskcluster-yml/template';
import type { LocalFile } from './local-file.ts';
import { queueOf } from './machine.ts';

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];

/** The scopes that creating a task takes, beside those that are in the rendering. */
const scopesOf = (task: Fields): string[] => [
  `queue:create-task:${typeof task.priority === 'string' ? task.priority : 'lowest'}:${queueOf(task)}`,
  `queue:scheduler-id:${task.schedulerId}`,
  // Tasks of no project are let in by every role.
  ...(typeof task.projectId === 'string' ? [`queue:create-task:project:${task.projectId}`] : []),
  ...texts(task.routes).map((route) => `queue:route:${route}`),
  ...texts(task.scopes),
];

/** The role of an event, among the scopes that its tasks are created with. */
export const roleIn = (scopes: readonly string[]): string | undefined =>
  scopes.find((scope) => scope.startsWith('assume:'))?.slice('assume:'.length);

const secretOf = (scope: string): string | undefined => /^secrets:get:([^*]+)$/.exec(scope)?.[1];

/** What a local file must say for the tasks of some events: a role for each event, and the secrets that are named. */
export const askedOf = (renderings: readonly Rendering[]): LocalFile => {
  const roles = new Map<string, Set<string>>();
  const secrets = new Map<string, Record<string, unknown>>();
  for (const { scopes, tasks } of renderings) {
    const role = roleIn(scopes);
    if (role === undefined || tasks.length === 0) continue;
    const own = new Set(scopes);
    const asked = tasks.flatMap(({ task }) => scopesOf(task)).filter((scope) => !own.has(scope));
    roles.set(role, new Set([...(roles.get(role) ?? []), ...asked]));
    for (const scope of asked) {
      const secret = secretOf(scope);
      if (secret !== undefined) secrets.set(secret, {});
    }
  }
  return {
    roles: Object.fromEntries([...roles].map(([role, scopes]) => [role, [...scopes].sort()])),
    secrets: Object.fromEntries(secrets),
    skip: [],
  };
};
