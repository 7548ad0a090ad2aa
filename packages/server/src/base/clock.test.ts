import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { days, hours, later, manualClock, minutes, seconds, systemClock } from './clock.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a manual clock', () => {
  it('does not move until a test moves it', () => {
    const clock = manualClock(new Date('2026-08-01T00:00:00Z'));
    assert.equal(clock.now().toJSON(), '2026-08-01T00:00:00.000Z');
    clock.advance(hours(1));
    assert.equal(clock.now().toJSON(), '2026-08-01T01:00:00.000Z');
  });

  it('wakes what is due in order of time, each at its own time', () => {
    const clock = manualClock(new Date(0));
    const woken: [string, number][] = [];
    const note = (name: string) => () => void woken.push([name, clock.now().getTime()]);
    clock.after(300, note('third'));
    clock.after(100, note('first'));
    const cancel = clock.after(150, note('never'));
    clock.after(200, () => {
      note('second')();
      clock.after(50, note('between'));
    });
    clock.after(1000, note('later'));
    cancel();
    clock.advance(500);
    assert.deepEqual(woken, [
      ['first', 100],
      ['second', 200],
      ['between', 250],
      ['third', 300],
    ]);
    assert.equal(clock.now().getTime(), 500);
  });
});

describe("the machine's clock", () => {
  it('does not wake at once what is due in more than 24 days', async () => {
    const woken: string[] = [];
    const cancel = systemClock.after(days(25), () => woken.push('in 25 days'));
    await new Promise<void>((resolve) => {
      systemClock.after(20, () => resolve(void woken.push('soon')));
    });
    cancel();
    assert.deepEqual(woken, ['soon']);
  });
});

describe('sleep', () => {
  it('ends after its time, and not before', async () => {
    const clock = manualClock();
    let isOver = false;
    const sleeping = clock.sleep(seconds(10)).then(() => {
      isOver = true;
    });
    clock.advance(seconds(10) - 1);
    await turn();
    assert.equal(isOver, false);
    clock.advance(1);
    await sleeping;
  });

  for (const [name, clock] of [['manual', manualClock()] as const, ['system', systemClock] as const]) {
    it(`of the ${name} clock ends at once when its signal aborts, and never fails`, async () => {
      const ended = AbortSignal.abort();
      await clock.sleep(days(1), ended);
      const waiting = new AbortController();
      const sleeping = clock.sleep(days(1), waiting.signal);
      waiting.abort();
      await sleeping;
    });
  }
});

it('periods and dates count in milliseconds', () => {
  assert.deepEqual([seconds(2), minutes(2), hours(2), days(2)], [2000, 120_000, 7_200_000, 172_800_000]);
  assert.equal(later(new Date(5), -5).getTime(), 0);
  assert.ok(Math.abs(systemClock.now().getTime() - Date.now()) < seconds(60));
});
