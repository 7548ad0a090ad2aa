import { parameter, type RoleScopes, type RoleSet } from './roles.ts';

/** A role that is a pattern: what its star matches is passed on by `<..>`. */
const isPattern = (roleId: string): boolean => roleId.endsWith('*');

/**
 * Everything that a role can give, whoever assumes it: in a pattern, `kept:<..>/more` can become `kept:` with anything
 * after it. To hold the scope `kept:<..>/more` as it is written is not enough.
 */
const giftOf = (roleId: string, scope: string): string => {
  const at = isPattern(roleId) ? scope.indexOf(parameter) : -1;
  return at < 0 ? scope : `${scope.slice(0, at)}*`;
};

/** The scopes that the creator of a role needs. */
export const grantedBy = ({ roleId, scopes }: RoleScopes): string[] =>
  scopes.map((scope) => giftOf(roleId, scope));

// Stands for whatever may be assumed by a pattern: no scope and no role can hold this character.
const anyArgument = '\0';

/**
 * The scopes that whoever changes a role needs: those that the role's own stored scopes, with all that they expand to,
 * did not give before. What other roles give to those who match its id does not count. A pattern is measured by what
 * it gave to each who assumed it: from `kept:<..>`, whoever assumes `made/a` has `kept:a`, and neither `kept:*` nor
 * `kept:admin`.
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

/** The scopes that whoever changes a client needs: those that are not among its own, letter by letter. */
export const addedToClient = (stored: readonly string[], wanted: readonly string[]): string[] =>
  wanted.filter((scope) => !stored.includes(scope));
