const togetherMax = 6;

/** Does something for each element, a few at a time; tells of each that failed. */
export const forEachInSteps = async <T>(
  elements: readonly T[],
  run: (element: T) => Promise<unknown>,
): Promise<void> => {
  const failures: unknown[] = [];
  const left = [...elements];
  const work = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      await run(next).catch((error: unknown) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: togetherMax }, work));
  const [first] = failures;
  if (failures.length === 1) throw first;
  if (failures.length > 1) {
    const reason = first instanceof Error ? first.message : String(first);
    throw new Error(`${failures.length} of ${elements.length} failed, the first because: ${reason}`);
  }
};
