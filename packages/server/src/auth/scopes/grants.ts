import { parameter, type RoleScopes, type RoleSet } from './roles.ts';

/** A role whose id ends in a star. Its scopes can contain `<..>`, which stands for what the star matched. */
const isPattern = (roleId: string): boolean => roleId.endsWith('*');

/**
 * Everything that a role can give to any identity: in a pattern, `kept:<..>/more` can become `kept:` followed by
 * anything. Having the literal scope `kept:<..>/more` is not enough.
 */
const giftOf = (roleId: string, scope: string): string => {
  const at = isPattern(roleId) ? scope.indexOf(parameter) : -1;
  return at < 0 ? scope : `${scope.slice(0, at)}*`;
};

/** The scopes that the creator of a role needs. */
export const grantedBy = ({ roleId, scopes }: RoleScopes): string[] =>
  scopes.map((scope) => giftOf(roleId, scope));

// Stands for anything that a pattern can match: no scope and no role can contain this character.
const anyArgument = '\0';

/**
 * The scopes that are needed to change a role: those that the role's own stored scopes, with everything that they expand
 * to, did not give before. What other roles give to identities that match its id does not count. A pattern counts by what
 * it gave to each identity: with `kept:<..>`, the identity `made/a` has `kept:a`, but neither `kept:*` nor `kept:admin`.
 */
export const addedToRole = (
  roles: RoleSet,
  { roleId, scopes: stored }: RoleScopes,
  wanted: readonly string[],
): string[] => {
  const filled = (scope: string) => (isPattern(roleId) ? scope.replace(parameter, anyArgument) : scope);
  const former = roles.expand(stored.map(filled));
  return wanted.filter((scope) => !former.has(filled(scope))).map((scope) => giftOf(roleId, scope));
};

/** The scopes that are needed to change a client: those that are not literally among its own. */
export const addedToClient = (stored: readonly string[], wanted: readonly string[]): string[] =>
  wanted.filter((scope) => !stored.includes(scope));
