import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { poolCurves, poolUseText } from './pool-use.ts';

const sample = (workers: number, running: number, idle: number, usdPerHour?: number) => ({
  begins: '2026-03-01T12:00:00.000Z',
  workers,
  running,
  idle,
  ...(usdPerHour === undefined ? {} : { usdPerHour }),
});

describe('what a pool had and cost', () => {
  it('is drawn with gaps where nothing is known', () => {
    const samples = [sample(4, 2, 1, 0.5), sample(1, 0, 0)];
    assert.deepEqual(poolCurves({ seconds: 900, samples }).slice(1), [
      [4, 1],
      [50, null],
      [0.5, null],
    ]);
  });
  it('is summed up in hours, and in dollars where all prices are known', () => {
    const known = [sample(4, 4, 1, 2), sample(4, 4, 1, 2)];
    assert.equal(
      poolUseText({ seconds: 900, samples: known }),
      '2.0 hours of workers in the last week, 25 % of their running time idle, for 1.00 USD.',
    );
    assert.match(poolUseText({ seconds: 900, samples: [...known, sample(1, 0, 0)] }), /not known\.$/);
  });
});
