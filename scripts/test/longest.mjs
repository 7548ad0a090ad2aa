/**
 * Test files that take long, as `npm test -- --slow` shows them on idle processors. They start in this order, before
 * all others. The test of the runner finds a name without a file.
 */
export const longest = [
  'test/provisioner-ec2',
  'test/conformance',
  'test/command-line',
  'test/web-ui',
  'packages/worker/killed-at-random',
  'test/pulse',
  'packages/worker/payload-cases-in-docker',
  'test/installed',
  'test/processes',
  'packages/worker/faults',
  'test/crash',
  'test/demo-cloud',
  'test/worker-pools',
  'packages/worker/mount-cases-in-docker',
  'test/second-day',
  'test/edits',
  'test/listings',
  'packages/worker/payload-cases',
  'test/security/fuzz-methods',
  'packages/server/base/embedded-postgres/embedded-postgres',
];
