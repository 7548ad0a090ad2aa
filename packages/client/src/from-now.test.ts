import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromNow, periodMilliseconds } from './from-now.ts';
import { slugid } from './slugid.ts';

describe('a period of time', () => {
  const hour = 3600 * 1000;
  for (const [text, expected] of [
    ['1 day 3 hours', 27 * hour],
    ['30s', 30_000],
    ['-2 weeks', -14 * 24 * hour],
    ['1 year 2 months', (365 + 60) * 24 * hour],
    ['1y2mo3w4d5h6min7sec', (365 + 60 + 21 + 4) * 24 * hour + 5 * hour + 6 * 60_000 + 7000],
    ['', 0],
  ] as const) {
    it(`"${text}" is ${expected} ms`, () => assert.equal(periodMilliseconds(text), expected));
  }
  it('that cannot be read is refused', () => {
    for (const text of ['soon', '3', '1 fortnight', '1 day and 2 hours']) {
      assert.throws(() => periodMilliseconds(text));
    }
  });
  it('counts from a given date', () => {
    assert.equal(fromNow('1 hour', new Date(0)).toJSON(), '1970-01-01T01:00:00.000Z');
  });
});

describe('a slugid', () => {
  it('is a UUID of version 4 that never begins with a dash', () => {
    const form = /^[A-Za-f][A-Za-z0-9_-]{7}[Q-T][A-Za-z0-9_-][CGKOSWaeimquy26-][A-Za-z0-9_-]{10}[AQgw]$/;
    for (let count = 0; count < 1000; count++) assert.match(slugid(), form);
  });
});
