import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usageRecord } from './usage-record.ts';

test('the highest memory counts, and the processor time of all commands together', () => {
  const record = usageRecord();
  record.add({ seconds: 0, memoryBytes: 10, cpuSeconds: 0.1 });
  record.add({ seconds: 1, memoryBytes: 30, cpuSeconds: 0.5 });
  record.add({ seconds: 2, memoryBytes: 20, cpuSeconds: 0.4 });
  record.nextCommand();
  record.add({ seconds: 3, memoryBytes: 5, cpuSeconds: 0.25 });
  const { peakMemoryBytes, cpuSeconds, samples } = record.figures();
  assert.deepEqual([peakMemoryBytes, cpuSeconds], [30, 0.75]);
  assert.deepEqual(
    samples.map((sample) => sample.cpuSeconds),
    [0.1, 0.5, 0.5, 0.75],
  );
});

test('a long record is thinned out evenly, and forgets no peak', () => {
  const record = usageRecord();
  for (let seconds = 0; seconds < 100_000; seconds++) {
    record.add({ seconds, memoryBytes: seconds === 77_777 ? 999 : 1, cpuSeconds: seconds });
  }
  const { samples, peakMemoryBytes, cpuSeconds } = record.figures();
  assert.ok(samples.length >= 500 && samples.length <= 1000, String(samples.length));
  assert.deepEqual([peakMemoryBytes, cpuSeconds], [999, 99_999]);
  const steps = new Set(
    samples.slice(1).map(({ seconds }, index) => seconds - (samples[index]?.seconds ?? 0)),
  );
  assert.equal(steps.size, 1);
});
