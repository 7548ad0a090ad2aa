import assert from 'node:assert/strict';
import { it } from 'node:test';
import { memoryIo } from './testing/memory-io.ts';
import { ageText, localText, shownClock, shownMoment, shownTime } from './times.ts';

const now = new Date(2026, 10, 30, 12, 0, 0);
const before = (ms: number): string => new Date(now.getTime() - ms).toJSON();

it('shows how long ago a time was, in the largest possible unit', () => {
  assert.deepEqual(
    [0, 59_000, 60_000, 3_599_000, 3 * 3_600_000, 50 * 3_600_000, -120_000, -3e13].map((ms) =>
      ageText(before(ms), now),
    ),
    ['0 s ago', '59 s ago', '1 min ago', '59 min ago', '3 h ago', '2 d ago', 'in 2 min', 'in 951 years'],
  );
});

it('shows local times, with the date unless it is today', () => {
  assert.equal(localText(before(1000), now), '11:59:59');
  assert.equal(localText(before(24 * 3_600_000), now), '2026-11-29 12:00:00');
});

it('shows local times and ages on a terminal, and the time itself to programs', () => {
  const [terminal, pipe] = [memoryIo({}, { isTTY: true }).io, memoryIo().io];
  const time = '2020-01-02T03:04:05.000Z';
  assert.match(shownTime(terminal, time), /^\d+ years ago$/);
  assert.match(shownMoment(terminal, time), /^2020-01-0[123] \d\d:\d\d:05 \(\d+ years ago\)$/);
  assert.match(shownClock(terminal, time), /^2020-01-0[123] \d\d:\d\d:05$/);
  for (const shown of [shownTime, shownMoment, shownClock]) assert.equal(shown(pipe, time), time);
});
