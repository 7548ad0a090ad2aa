/** Things by a word of theirs, in the order in which they came. */
export const grouped = <T>(things: readonly T[], wordOf: (thing: T) => string): ReadonlyMap<string, T[]> => {
  const groups = new Map<string, T[]>();
  for (const thing of things) {
    const group = groups.get(wordOf(thing));
    if (group) group.push(thing);
    else groups.set(wordOf(thing), [thing]);
  }
  return groups;
};
