/**
 * Why a test is left out, for its `skip`: `missing` says which part of the machine it lacks, false where nothing is
 * missing. With `TASKYARD_TEST_REQUIRES_ALL` it is left out for no such reason: it runs, and fails where the part is
 * missing. CI sets that wherever it can install all parts, so that none goes missing unnoticed.
 */
export const leftOutFor = (missing: string | false): string | false =>
  process.env.TASKYARD_TEST_REQUIRES_ALL ? false : missing;
