/** Whether a scope that is held covers another: itself, or what begins as it does before its star. */
export const scopeCovers = (held: string, wanted: string): boolean =>
  held === wanted || (held.endsWith('*') && wanted.startsWith(held.slice(0, -1)));

/** Whether who holds these scopes, already expanded, may do what needs all of the wanted ones. */
export const scopesSatisfy = (held: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((scope) => held.some((one) => scopeCovers(one, scope)));
