import { Auth } from '@taskyard/client';
import type { HeldClaim } from '../claims/index.ts';
import { minutes } from '../clock.ts';
import type { RequiredScope } from '../payload/index.ts';

const satisfies = (held: readonly string[], required: string): boolean =>
  held.some((scope) => (scope.endsWith('*') ? required.startsWith(scope.slice(0, -1)) : scope === required));

const lackingIn = (held: readonly string[], required: readonly RequiredScope[]): RequiredScope[] =>
  required.filter(({ anyOf }) => !anyOf.some((scope) => satisfies(held, scope)));

/**
 * What a task has no right to of all that its payload asks for. Roles among the task's scopes are looked up
 * only when the answer depends on them.
 */
export const missingScopes = async (
  claim: HeldClaim,
  required: readonly RequiredScope[],
  signal: AbortSignal,
): Promise<RequiredScope[]> => {
  const { scopes } = claim.task;
  const lacking = lackingIn(scopes, required);
  if (lacking.length === 0 || !scopes.some((scope) => scope.startsWith('assume:'))) return lacking;
  const expanded = await claim.call(
    ({ options }) => new Auth({ ...options }).expandScopes({ scopes: [...scopes] }, { signal }),
    { signal, giveUpAfterMs: minutes(3) },
  );
  return lackingIn(expanded.scopes, lacking);
};
