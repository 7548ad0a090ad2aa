import { Auth } from '@taskyard/client';
import { minutes } from '../clock.ts';
import type { TaskDescription } from '../payload/index.ts';
import type { HeldClaim } from './held-claim.ts';

const satisfies = (held: readonly string[], required: string): boolean =>
  held.some((scope) => (scope.endsWith('*') ? required.startsWith(scope.slice(0, -1)) : scope === required));

/**
 * The scopes that a task lacks for the caches it mounts: whoever shares a cache can change what the others
 * build. Roles among the task's scopes are looked up only when the answer depends on them.
 */
export const missingCacheScopes = async (
  claim: HeldClaim,
  { mounts }: TaskDescription,
  signal: AbortSignal,
): Promise<string[]> => {
  const required = mounts.flatMap((mount) =>
    mount.kind === 'cache' ? [`generic-worker:cache:${mount.cacheName}`] : [],
  );
  const { scopes } = claim.task;
  const lacking = required.filter((scope) => !satisfies(scopes, scope));
  if (lacking.length === 0 || !scopes.some((scope) => scope.startsWith('assume:'))) return lacking;
  const expanded = await claim.call(
    ({ options }) => new Auth({ ...options }).expandScopes({ scopes: [...scopes] }, { signal }),
    { signal, giveUpAfterMs: minutes(3) },
  );
  return lacking.filter((scope) => !satisfies(expanded.scopes, scope));
};
