import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { agoText, durationText } from './times.ts';

describe('a length of time', () => {
  it('is told in its two largest units', () => {
    assert.equal(durationText(250), '250 ms');
    assert.equal(durationText(5000), '5 s');
    assert.equal(durationText(125_000), '2 min 5 s');
    assert.equal(durationText(120_000), '2 min');
    assert.equal(durationText(3_600_000 * 25), '1 d 1 h');
    assert.equal(durationText(-5), '0 ms');
  });
});

describe('a moment', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  it('lies before or after now', () => {
    assert.equal(agoText('2025-12-31T23:58:00Z', now), '2 min ago');
    assert.equal(agoText('2026-01-01T01:00:00Z', now), 'in 1 h');
    assert.equal(agoText(now, now), 'now');
    assert.equal(agoText('2027-01-01T00:00:00Z', now), 'in 365 d');
    assert.equal(agoText('3026-01-01T00:00:00Z', now), 'in 1000 years');
  });
});
