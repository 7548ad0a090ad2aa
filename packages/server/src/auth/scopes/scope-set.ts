import type { ScopeExpression } from '../../http/index.ts';

/** Printable ASCII; the empty scope is allowed. */
export const scopePattern = /^[ -~]*$/;

/** Scopes in any order, with repetitions. */
export type Scopes = readonly string[] | ReadonlySet<string>;

/** Normalized scopes with a fast check of whether they satisfy others. */
export interface ScopeSet {
  /** Sorted, without repetitions and without scopes that others of the set cover. */
  readonly scopes: readonly string[];
  /** Whether the set satisfies this scope. */
  has(scope: string): boolean;
  satisfies(required: ScopeExpression): boolean;
}

/** Whether these are the same scopes, in any order. */
export const areEqual = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length &&
  new Set([...a, ...b]).size === new Set(a).size &&
  new Set(b).size === new Set(a).size;

/** The approximate memory of a set in bytes: its texts, and their places in a list and in a set. */
export const bytesOf = ({ scopes }: Pick<ScopeSet, 'scopes'>): number =>
  scopes.reduce((sum, scope) => sum + scope.length + scopeBytes, 0);
const scopeBytes = 60;

// Scopes ending in `*`, without it, found by the few lengths that occur.
class Prefixes {
  private readonly texts = new Set<string>();
  private lengths: number[] = [];

  add(prefix: string): void {
    this.texts.add(prefix);
    if (!this.lengths.includes(prefix.length))
      this.lengths = [...this.lengths, prefix.length].sort((a, b) => a - b);
  }

  /** Whether the text begins with a prefix of this set that is at most `lengthMax` long. */
  cover(text: string, lengthMax: number = text.length): boolean {
    for (const length of this.lengths) {
      if (length > lengthMax) return false;
      if (this.texts.has(text.slice(0, length))) return true;
    }
    return false;
  }
}

const everything = (scopes: Scopes): boolean => {
  for (const scope of scopes) if (scope === '*') return true;
  return false;
};

const starless = (scope: string): string => scope.slice(0, -1);

const prefixesOf = (scopes: Scopes): Prefixes => {
  const prefixes = new Prefixes();
  for (const scope of scopes) if (scope.endsWith('*')) prefixes.add(starless(scope));
  return prefixes;
};

const uncovered = (scopes: Scopes, prefixes: Prefixes): string[] =>
  [...new Set(scopes)]
    // A starred scope does not cover itself: only a shorter prefix makes it redundant.
    .filter((scope) => !prefixes.cover(scope, scope.endsWith('*') ? scope.length - 2 : scope.length))
    .sort();

/** Sorted, without repetitions and without what starred scopes cover. It satisfies the same scopes as before. */
export const normalise = (scopes: Scopes): string[] =>
  everything(scopes) ? ['*'] : uncovered(scopes, prefixesOf(scopes));

/** Prepares scopes for fast checks. */
export const scopeSet = (given: Scopes): ScopeSet => {
  const scopes = normalise(given);
  const exact = new Set(scopes);
  const prefixes = prefixesOf(scopes);
  const has = (scope: string): boolean => exact.has(scope) || prefixes.cover(scope);
  return { scopes, has, satisfies: (required) => satisfies(has, required) };
};

const satisfies = (has: (scope: string) => boolean, required: ScopeExpression): boolean => {
  if (typeof required === 'string') return has(required);
  if ('AllOf' in required) return required.AllOf.every((part) => satisfies(has, part));
  return required.AnyOf.some((part) => satisfies(has, part));
};

/** Orders scopes so that a starred one comes before everything that it covers. */
export const compareScopes = (a: string, b: string): number => {
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  return rank(a, i) - rank(b, i);
};

// The final star comes first, then the end of the text, then other characters.
const rank = (scope: string, i: number): number => {
  if (i === scope.length - 1 && scope[i] === '*') return -2;
  return i === scope.length ? -1 : scope.charCodeAt(i);
};
