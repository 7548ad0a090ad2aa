// What is printed after all tests: flaky and failed ones by name, and the summary in the form of Node's own.

/** The sum of the counts of all files. */
const sumOf = (records) => {
  const sum = {};
  for (const { counts } of records)
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
};

const indented = (text) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');

/** The ten slowest files, with their share of the time of all files. */
export const slowest = (records) => {
  const all = records.reduce((sum, { seconds }) => sum + seconds, 0);
  return [...records]
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 10)
    .map(
      ({ file, seconds }) =>
        `slow: ${seconds.toFixed(1).padStart(6)} s ${((100 * seconds) / all).toFixed(1).padStart(5)} %  ${file}`,
    );
};

/** A line for each test that failed and passed when its file ran again by itself. */
export const flaky = (records) =>
  records.flatMap(({ file, failures }) => failures.map(({ name }) => `flaky: ${file}: ${name}`));

/** Why tests were left out, each reason once with its number. */
export const leftOut = (records) => {
  const counts = new Map();
  for (const { skipped } of records)
    for (const { why } of skipped) counts.set(why, (counts.get(why) ?? 0) + 1);
  return [...counts].map(([why, count]) => `left out: ${count} tests: ${why}`);
};

/** The failed tests with their errors, and what their files printed. */
export const failing = (records) => {
  const failed = records.filter(({ hasFailed, failures }) => hasFailed || failures.length > 0);
  if (failed.length === 0) return [];
  return [
    '',
    '✖ failing tests:',
    ...failed.flatMap(({ file, failures, output }) => [
      ...failures.flatMap(({ name, line, error }) => [
        '',
        `test at ${file}${line === undefined ? '' : `:${line}`}`,
        `✖ ${name}`,
        indented(error),
      ]),
      ...(output.trim() === '' ? [] : ['', `What ${file} printed:`, indented(output)]),
    ]),
  ];
};

/** The summary, in the lines that Node's test runner writes. */
export const totals = (records, milliseconds) =>
  [...Object.entries(sumOf(records)), ['duration_ms', milliseconds]].map(
    ([name, value]) => `ℹ ${name} ${value}`,
  );
