// What came of files that failed and ran once more.

/** A record after the second run. Tests of a file that others run are counted where they are written. */
const combined = (record, again, isRunAgain) => {
  if (isRunAgain) return again ?? record;
  const failures = again?.failures ?? [];
  const { counts } = record;
  const mended = Math.min(counts.fail, record.failures.length - failures.length);
  return {
    ...record,
    failures,
    counts: { ...counts, pass: counts.pass + mended, fail: counts.fail - mended },
  };
};

/**
 * The records of a run, after those of its files that failed have run again.
 *
 * @returns `records`, and as `flakes` those whose failures did not come a second time, each with these failures
 */
export const combine = (first, again) => {
  const second = new Map(again.map((record) => [record.file, record]));
  const affected = first.filter(({ hasFailed, failures }) => hasFailed || failures.length > 0);
  const isLasting = (file, name) => second.get(file)?.failures.some((failure) => failure.name === name);
  return {
    records: first.map((record) =>
      affected.includes(record) ? combined(record, second.get(record.file), record.hasFailed) : record,
    ),
    flakes: affected
      .map(({ file, failures }) => ({
        file,
        failures: failures.filter(({ name }) => !isLasting(file, name)),
      }))
      .filter(({ failures }) => failures.length > 0),
  };
};
