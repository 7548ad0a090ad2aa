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

const seconds = (value) => `${(value?.toFixed(1) ?? '?').padStart(6)} s`;

/** The files with the largest values; the smaller ones are not named. */
const largest = (records, count, measure) =>
  [...records].sort((a, b) => (measure(b) ?? 0) - (measure(a) ?? 0)).slice(0, count);

const sum = (records, measure) => records.reduce((total, record) => total + (measure(record) ?? 0), 0);

const line = (word, record, share) =>
  `${word}: ${seconds(record.seconds)} ${seconds(record.cpuSeconds)} computed ${(100 * share).toFixed(1).padStart(5)} %  ${record.file}`;

const secondsOf = (record) => record.seconds;
const cpuSecondsOf = (record) => record.cpuSeconds;

/** The slowest files, so many, with what they computed and their share of the time of all files. */
export const slowest = (records, count) => {
  const all = sum(records, secondsOf);
  return largest(records, count, secondsOf).map((record) => line('slow', record, record.seconds / all));
};

/**
 * The files that computed most, so many, with their share of what all files computed, and what the whole run did.
 *
 * @param total what this process and its children computed, in seconds of a processor
 */
export const computed = (records, count, total) => {
  const all = sum(records, cpuSecondsOf);
  return [
    ...largest(records, count, cpuSecondsOf).map((record) =>
      line('busy', record, (record.cpuSeconds ?? 0) / all),
    ),
    `computed: ${total.toFixed(1)} s of a processor: ${all.toFixed(1)} s by the test files, the rest by PostgreSQL, the build and the runner`,
  ];
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
