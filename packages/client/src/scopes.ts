/** Whether a scope satisfies another one: an equal one, or one that begins with the text before its star. */
export const scopeCovers = (held: string, wanted: string): boolean =>
  held === wanted || (held.endsWith('*') && wanted.startsWith(held.slice(0, -1)));

/** Whether these scopes, already expanded, satisfy all of the wanted ones. */
export const scopesSatisfy = (held: readonly string[], wanted: readonly string[]): boolean =>
  wanted.every((scope) => held.some((one) => scopeCovers(one, scope)));
