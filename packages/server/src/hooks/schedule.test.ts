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

  // How the original's library reads patterns, where others differ.
  const readings: readonly (readonly [pattern: string, why: string, next: readonly string[]])[] = [
    ['0 0 0 */2 * 1', 'a step restricts, so either day fits', ['03-02', '03-03', '03-05', '03-07', '03-09']],
    ['0 0 0 15 * 7', '7 is Sunday', ['03-08', '03-15', '03-22', '03-29', '04-05']],
    ['0 0 0 5/15 * *', 'from 5 on, each 15th', ['03-05', '03-20', '04-05', '04-20', '05-05']],
    ['0 0 0 L * *', 'the last day of a month', ['03-31', '04-30', '05-31', '06-30', '07-31']],
    ['0 0 0 * * 1#2', 'the second Monday', ['03-09', '04-13', '05-11', '06-08', '07-13']],
    ['0 0 0 * JAN-MAR MON', 'names', ['03-02', '03-09', '03-16', '03-23', '03-30']],
  ];
  for (const [pattern, why, days] of readings)
    it(`of '${pattern}': ${why}`, () => {
      let time = at('2026-03-01T12:00:00Z');
      const found = days.map(() => {
        time = nextFire([pattern], time) ?? at('1970-01-01T00:00:00Z');
        return time.toJSON();
      });
      assert.deepEqual(
        found,
        days.map((day) => `2026-${day}T00:00:00.000Z`),
      );
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

  it('as the original refuses it: a value named twice, a range that wraps, H, a field more', () => {
    for (const pattern of ['0 0 0 1,1 * *', '0 0 0 * * 5-2', '0 0 22-2 * * *', 'H H * * *', '0 0 0 5L * *'])
      refused(pattern);
  });

  // never-comes: a well-formed pattern whose day never exists must stop nobody, and a leap day exists.
  it('at once when no day of its months exists, while 29 February is one', () => {
    for (const pattern of ['0 0 0 30 2 *', '0 0 0 31 4,6,9,11 *', '0 0 0 31 FEB,JUN *']) refused(pattern);
    requireSoundSchedule(['0 0 0 29 2 *'], now);
  });

  it('when it has more than 100 patterns', () => {
    const many = Array.from({ length: 101 }, (_, i) => `${i % 60} ${i >= 60 ? 1 : 0} * * * *`);
    assert.throws(() => requireSoundSchedule(many, now), { code: 'InputError', message: /101 patterns/ });
    requireSoundSchedule(many.slice(1), now);
  });
});
