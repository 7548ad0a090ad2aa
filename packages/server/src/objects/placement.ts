/** A text, told by all of it, its beginning, or a pattern. */
export type Matcher = { readonly exact: string } | { readonly prefix: string } | { readonly regexp: string };

/** Which objects go to a backend. Of several conditions all must hold. */
export interface PlacementRule {
  readonly backendId: string;
  readonly when: 'all' | { readonly name?: Matcher; readonly projectId?: Matcher };
}

const matches = (matcher: Matcher | undefined, text: string): boolean => {
  if (matcher === undefined) return true;
  if ('exact' in matcher) return text === matcher.exact;
  if ('prefix' in matcher) return text.startsWith(matcher.prefix);
  return new RegExp(matcher.regexp).test(text);
};

/** The backend of the first rule that holds for an object; undefined when none does. */
export const backendFor = (
  rules: readonly PlacementRule[],
  object: { readonly name: string; readonly projectId: string },
): string | undefined =>
  rules.find(
    ({ when }) =>
      when === 'all' || (matches(when.name, object.name) && matches(when.projectId, object.projectId)),
  )?.backendId;
