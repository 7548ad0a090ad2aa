// What is known of a test file after a run.

/** Of one of which nothing is known yet. `seconds` is the time that it took, on a clock. */
export const emptyRecord = (file) => ({
  file,
  seconds: 0,
  hasFailed: false,
  counts: { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 },
  failures: [],
  skipped: [],
  output: '',
});
