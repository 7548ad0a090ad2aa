import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { later, seconds } from '../base/index.ts';
import { names, nextFire, requireSoundSchedule } from './schedule.ts';

const at = (text: string): Date => new Date(text);
const next = (schedule: readonly string[], after: string): string | undefined =>
  nextFire(schedule, at(after))?.toJSON();

/** The times that a pattern names after another one, in order. */
const timesOf = (pattern: string, after: string, count: number): string[] => {
  let time = at(after);
  return Array.from({ length: count }, () => {
    time = nextFire([pattern], time) ?? at('1970-01-01T00:00:00Z');
    return time.toJSON();
  });
};

describe('the next fire of a schedule', () => {
  it('is the first time that a pattern names, in UTC and with seconds', () => {
    assert.equal(next(['0 0 3 1 1 *'], '2026-03-01T12:00:00Z'), '2027-01-01T03:00:00.000Z');
    assert.equal(next(['30 */15 * * * *'], '2026-03-01T12:00:31Z'), '2026-03-01T12:15:30.000Z');
    assert.equal(next(['0 5/20 * * * *'], '2026-03-01T12:06:00Z'), '2026-03-01T12:25:00.000Z');
    assert.equal(next(['0 0 12 * * 7'], '2026-03-01T12:00:00Z'), '2026-03-08T12:00:00.000Z');
    assert.equal(next(['*/5 * * * *'], '2026-03-01T12:01:00Z'), '2026-03-01T12:05:00.000Z');
    assert.equal(next([' 0  0 12 * *\t* '], '2026-03-01T12:01:00Z'), '2026-03-02T12:00:00.000Z');
  });

  it('is the earliest of several patterns', () => {
    assert.equal(next(['0 0 18 * * *', '0 30 13 * * *'], '2026-03-01T12:00:00Z'), '2026-03-01T13:30:00.000Z');
  });

  it('is none without a pattern', () => {
    assert.equal(next([], '2026-03-01T12:00:00Z'), undefined);
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
      assert.ok(names([pattern], expected), pattern);
      assert.ok(!names([pattern], later(expected, 1)), pattern);
    }
  });
});

// Each rule by which the original's library reads patterns where others differ. Days are those after noon on 1 March 2026,
// a Sunday, at midnight.
const readings: readonly (readonly [rule: string, pattern: string, days: readonly string[]])[] = [
  ['day of month and weekday mean either', '0 0 0 15 * 1', ['03-02', '03-09', '03-15', '03-16', '03-23']],
  ['a step restricts', '0 0 0 */2 * 1', ['03-02', '03-03', '03-05', '03-07', '03-09']],
  ['a step of one restricts', '0 0 0 */1 * 1', ['03-02', '03-03', '03-04', '03-05', '03-06']],
  ['a range over all days restricts', '0 0 0 1-31 * 1', ['03-02', '03-03', '03-04', '03-05', '03-06']],
  ['a range over all weekdays restricts', '0 0 0 15 * 0-6', ['03-02', '03-03', '03-04', '03-05', '03-06']],
  ['a question mark is a star', '0 0 0 15 * ?', ['03-15', '04-15', '05-15', '06-15', '07-15']],
  ['a star restricts nothing', '0 0 0 * * 1', ['03-02', '03-09', '03-16', '03-23', '03-30']],
  ['7 is Sunday', '0 0 0 * * 7', ['03-08', '03-15', '03-22', '03-29', '04-05']],
  ['a range may end on Sunday', '0 0 0 * * 6-7', ['03-07', '03-08', '03-14', '03-15', '03-21']],
  ['and so it does with a step', '0 0 0 * * 5/7', ['03-06', '03-08', '03-13', '03-15', '03-20']],
  ['0 and 7 are one day', '0 0 0 * * 0,7', ['03-08', '03-15', '03-22', '03-29', '04-05']],
  ['a step from a value on', '0 0 0 5/15 * *', ['03-05', '03-20', '04-05', '04-20', '05-05']],
  ['a step beyond the end', '0 0 0 5/90 * *', ['03-05', '04-05', '05-05', '06-05', '07-05']],
  ['the last day of a month', '0 0 0 L * *', ['03-31', '04-30', '05-31', '06-30', '07-31']],
  ['the last day or another', '0 0 0 L,15 * *', ['03-15', '03-31', '04-15', '04-30', '05-15']],
  ['the last Friday', '0 0 0 * * 5L', ['03-27', '04-24', '05-29', '06-26', '07-31']],
  ['the second Monday', '0 0 0 * * 1#2', ['03-09', '04-13', '05-11', '06-08', '07-13']],
  ['names in any case', '0 0 0 * JAN-mar Mon', ['03-02', '03-09', '03-16', '03-23', '03-30']],
  ['a name for all of it', '@weekdays', ['03-02', '03-03', '03-04', '03-05', '03-06']],
];

describe('a schedule is read as the original reads it', () => {
  for (const [rule, pattern, days] of readings)
    it(`${rule}: ${pattern}`, () => {
      assert.deepEqual(
        timesOf(pattern, '2026-03-01T12:00:00Z', days.length),
        days.map((day) => `2026-${day}T00:00:00.000Z`),
      );
    });

  it('in UTC, whatever the zone of the process', () => {
    const zone = process.env.TZ;
    try {
      for (const other of ['America/New_York', 'Asia/Kathmandu', 'Pacific/Kiritimati']) {
        process.env.TZ = other;
        assert.deepEqual(timesOf('0 30 2 * * 1', '2026-03-28T23:00:00Z', 2), [
          '2026-03-30T02:30:00.000Z',
          '2026-04-06T02:30:00.000Z',
        ]);
        assert.equal(next(['0 30 2 * * *'], '2026-03-29T00:00:00Z'), '2026-03-29T02:30:00.000Z');
        assert.equal(next(['0 30 1 1 * *'], '2026-10-25T00:00:00Z'), '2026-11-01T01:30:00.000Z');
      }
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });

  it('strictly after the last fire, whatever its fraction', () => {
    assert.equal(next(['0 0 * * * *'], '2026-03-01T12:00:00Z'), '2026-03-01T13:00:00.000Z');
    assert.equal(next(['0 0 * * * *'], '2026-03-01T11:59:59.999Z'), '2026-03-01T12:00:00.000Z');
    assert.equal(next(['* * * * * *'], '2026-03-01T12:00:00.001Z'), '2026-03-01T12:00:01.000Z');
    assert.equal(next(['59 59 23 31 12 *'], '2026-12-31T23:59:59Z'), '2027-12-31T23:59:59.000Z');
  });
});

describe('a schedule is refused', () => {
  const now = at('2026-03-01T12:00:00Z');
  const refused = (pattern: string): void =>
    assert.throws(
      () => requireSoundSchedule(['0 0 0 * * *', pattern], now),
      { code: 'InputError', message: /^schedule\[1\] / },
      pattern,
    );

  const refusals: Readonly<Record<string, readonly string[]>> = {
    'with another number of fields': [
      '',
      '   ',
      'not cron',
      '* * *',
      '* * * * * * 2030',
      '@reboot',
      '@DAILY',
    ],
    'with a date': ['2030-01-01T00:00:00', '2030-01-01 00:00:00'],
    'with a value out of bounds': [
      '99 * * * * *',
      '0 0 24 * * *',
      '0 0 0 0 * *',
      '0 0 0 * 13 *',
      '0 0 0 * * 8',
    ],
    'with a value named twice': [
      '0 0 0 1,1 * *',
      '0 0 0 01,1 * *',
      '0 0 0 1-5,3 * *',
      '0 */5,10 * * * *',
      '0 0 0 * * MON,1',
      '0 0 0 *,4 * *',
    ],
    'with a range that wraps': ['0 0 0 * * 5-2', '0 0 0 * * FRI-MON', '0 0 22-2 * * *', '0 0 0 * NOV-FEB *'],
    'with H, which means another time for each hook': ['H H * * *', '0 H/15 * * * *', '0 0 0 H(1-7) * *'],
    'with signs that other programs know': ['0 0 0 15W * *', '0 0 0 LW * *', '0 0 0 1 * +1', '0 0 0 5L * *'],
    'with a step that is none': [
      '*/0 * * * * *',
      '*/ * * * * *',
      '/5 * * * * *',
      '*/5/2 * * * * *',
      '*/-1 * * * * *',
    ],
    'with a list or a range that is none': [
      '0, * * * * *',
      ',0 * * * * *',
      '1-2-3 * * * * *',
      '-5 * * * * *',
      '5- * * * * *',
    ],
    'with a week that no month has': [
      '0 0 0 * * 1#6',
      '0 0 0 * * 1#0',
      '0 0 0 * * 1,2#1',
      '0 0 0 * * 5L#1',
      '0 0 0 * * L',
    ],
  };
  for (const [why, patterns] of Object.entries(refusals)) it(why, () => patterns.forEach(refused));

  it('when it has more than 100 patterns', () => {
    const many = Array.from({ length: 101 }, (_, i) => `${i % 60} ${i >= 60 ? 1 : 0} * * * *`);
    assert.throws(() => requireSoundSchedule(many, now), { code: 'InputError', message: /101 patterns/ });
    requireSoundSchedule(many.slice(1), now);
  });
});

// A well-formed pattern whose day never exists must stop nobody, and a leap day exists.
describe('never-comes: a day of no year', () => {
  const now = at('2096-03-01T00:00:00Z');

  it('is refused by the place of its pattern', () => {
    for (const pattern of [
      '0 0 0 30 2 *',
      '0 0 0 31 2 *',
      '* * * 31 4,6,9,11 *',
      '0 0 0 31 FEB,JUN *',
      '0 0 0 30-31 2 *',
      '0 0 0 30 2 1',
    ])
      assert.throws(
        () => requireSoundSchedule(['0 0 0 * * *', pattern], now),
        { code: 'InputError', message: /^schedule\[1\] / },
        pattern,
      );
  });

  it('is not 29 February, however seldom', () => {
    assert.equal(next(['0 0 0 29 2 *'], now.toJSON()), '2104-02-29T00:00:00.000Z');
    // Five Sundays in a February: 1976, 2004, 2032, 2060, 2088 and, since 2100 is no leap year, 2128.
    assert.equal(next(['0 0 0 * 2 0#5'], now.toJSON()), '2128-02-29T00:00:00.000Z');
  });
});
