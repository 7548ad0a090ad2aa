import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { later, seconds } from '../base/index.ts';
import { nextFire, requireSoundSchedule } from './schedule.ts';

const at = (text: string): Date => new Date(text);
const next = (schedule: readonly string[], after: string): string | undefined =>
  nextFire(schedule, at(after))?.toJSON();

describe('the next fire of a schedule', () => {
  it('is the first time that a pattern names, in UTC and with seconds', () => {
    assert.equal(next(['0 0 3 1 1 *'], '2026-03-01T12:00:00Z'), '2027-01-01T03:00:00.000Z');
    assert.equal(next(['30 */15 * * * *'], '2026-03-01T12:00:31Z'), '2026-03-01T12:15:30.000Z');
    assert.equal(next(['0 5/20 * * * *'], '2026-03-01T12:06:00Z'), '2026-03-01T12:25:00.000Z');
    assert.equal(next(['0 0 12 * * 7'], '2026-03-01T12:00:00Z'), '2026-03-08T12:00:00.000Z');
    assert.equal(next(['@daily'], '2026-03-01T12:00:00Z'), '2026-03-02T00:00:00.000Z');
    assert.equal(next(['*/5 * * * *'], '2026-03-01T12:01:00Z'), '2026-03-01T12:05:00.000Z');
  });

  it('lies strictly after the time asked about, whatever its fraction', () => {
    assert.equal(next(['0 0 * * * *'], '2026-03-01T12:00:00Z'), '2026-03-01T13:00:00.000Z');
    assert.equal(next(['0 0 * * * *'], '2026-03-01T11:59:59.999Z'), '2026-03-01T12:00:00.000Z');
    assert.equal(next(['* * * * * *'], '2026-03-01T12:00:00.001Z'), '2026-03-01T12:00:01.000Z');
  });

  it('is the earliest of several patterns', () => {
    assert.equal(next(['0 0 18 * * *', '0 30 13 * * *'], '2026-03-01T12:00:00Z'), '2026-03-01T13:30:00.000Z');
  });

  it('is none without a pattern', () => {
    assert.equal(next([], '2026-03-01T12:00:00Z'), undefined);
  });

  it('knows days of the month or of the week, and no change of clocks', () => {
    // Both are restricted: a day fits when either does.
    assert.equal(next(['0 0 0 15 * 1'], '2026-03-01T12:00:00Z'), '2026-03-02T00:00:00.000Z');
    assert.equal(next(['0 0 0 15 * 1'], '2026-03-09T12:00:00Z'), '2026-03-15T00:00:00.000Z');
    assert.equal(next(['0 30 2 * * *'], '2026-03-29T00:00:00Z'), '2026-03-29T02:30:00.000Z');
    assert.equal(next(['0 0 0 29 2 *'], '2026-03-01T00:00:00Z'), '2028-02-29T00:00:00.000Z');
  });

  it('is the one that counting second by second finds', () => {
    const fits = (time: Date, [second, minute, hour]: readonly [number, number, number]) =>
      time.getUTCSeconds() % second === 0 &&
      time.getUTCMinutes() % minute === 0 &&
      time.getUTCHours() % hour === 0;
    for (let i = 0; i < 50; i++) {
      const steps = [1 + ((i * 7) % 40), 1 + ((i * 11) % 6), 1 + (i % 2)] as const;
      const pattern = `*/${steps[0]} */${steps[1]} */${steps[2]} * * *`;
      const start = later(at('2026-02-28T22:58:41.5Z'), i * 977_003);
      let expected = later(start, seconds(1) - (start.getTime() % seconds(1)));
      while (!fits(expected, steps)) expected = later(expected, seconds(1));
      assert.deepEqual(nextFire([pattern], start), expected, pattern);
    }
  });
});

describe('a schedule is refused', () => {
  const now = at('2026-03-01T12:00:00Z');
  const refused = (pattern: string): void =>
    assert.throws(() => requireSoundSchedule(['0 0 0 * * *', pattern], now), {
      code: 'InputError',
      message: /^schedule\[1\] /,
    });

  it('when one of its patterns is none', () => {
    for (const pattern of ['not cron', '', '* * *', '99 * * * * *', '* * * * * * 2030']) refused(pattern);
  });

  it('when a pattern is a date, or names one that never comes', () => {
    refused('2030-01-01T00:00:00');
    refused('0 0 0 31 2 *');
  });

  it('when it has more than 100 patterns', () => {
    const many = Array.from({ length: 101 }, (_, i) => `${i % 60} ${i >= 60 ? 1 : 0} * * * *`);
    assert.throws(() => requireSoundSchedule(many, now), { code: 'InputError', message: /101 patterns/ });
    requireSoundSchedule(many.slice(1), now);
  });
});
