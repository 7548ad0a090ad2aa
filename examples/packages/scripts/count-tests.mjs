// A reporter for `node --test-reporter`: how many tests passed and failed, as JSON.
export default async function* countTests(events) {
  const counts = { passed: 0, failed: 0 };
  for await (const { type, data } of events) {
    if (data.details?.type === 'suite') continue;
    if (type === 'test:pass') counts.passed++;
    if (type === 'test:fail') counts.failed++;
  }
  yield JSON.stringify(counts);
}
