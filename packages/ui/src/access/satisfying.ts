import { scopeCovers, scopesSatisfy } from '@taskyard/client/browser';

/** The fewest of these scopes that say as much as all of them, in order. */
export const fewest = (scopes: readonly string[]): string[] => {
  const distinct = [...new Set(scopes)];
  return distinct
    .filter((scope) => !distinct.some((other) => other !== scope && scopeCovers(other, scope)))
    .sort();
};

/** What a method requires, as refusals spell it out. */
export type Required =
  | string
  | { readonly AllOf: readonly Required[] }
  | { readonly AnyOf: readonly Required[] };

/** The fewest of the missing scopes with which the user may do it: of alternatives, the one that lacks least. */
export const leastMissing = (required: Required, missing: readonly string[]): string[] => {
  const least = (part: Required): string[] => {
    if (typeof part === 'string') return missing.includes(part) ? [part] : [];
    if ('AllOf' in part) return fewest(part.AllOf.flatMap(least));
    const [first = [], ...others] = part.AnyOf.map(least);
    return others.reduce((best, other) => (other.length < best.length ? other : best), first);
  };
  return least(required);
};

interface Holder {
  readonly expandedScopes: readonly string[];
}

/** Those who may do it, who can do the least besides first. */
export const holdersOf = <T extends Holder>(holders: readonly T[], wanted: readonly string[]): T[] =>
  holders
    .filter(({ expandedScopes }) => scopesSatisfy(expandedScopes, wanted))
    .sort((a, b) => breadth(a) - breadth(b));

/** How much a user may do, roughly: a star counts for many scopes, the more the fewer words come before it. */
const breadth = ({ expandedScopes }: Holder): number =>
  expandedScopes.reduce((sum, scope) => sum + (scope.endsWith('*') ? 1000 / scope.length : 1), 0);
