import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { manualClock, seconds } from './clock.ts';
import { silentLog } from './log.ts';
import { type Loop, runLoops } from './loop.ts';
import { localSignal, type Signal } from './signal.ts';

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Runs loops of one step, which is passed how often it ran, and counts the runs. */
const run = (loop: Partial<Omit<Loop, 'step'>> & { step(limit: number, count: number): Promise<number> }) => {
  const clock = manualClock();
  const state = { steps: 0 };
  const step: Loop['step'] = (limit) => {
    state.steps++;
    return loop.step(limit, state.steps);
  };
  const whole = { name: 'test', everyMs: seconds(10), limit: 3, ...loop, step };
  const recovered = localSignal();
  return { clock, state, recovered, loops: runLoops([whole], { clock, log: silentLog, recovered }) };
};

describe('a loop', () => {
  it('runs its step at once and after each period', async () => {
    const { clock, state, loops } = run({ step: async () => 0 });
    await turns();
    assert.equal(state.steps, 1);
    clock.advance(seconds(9));
    await turns();
    assert.equal(state.steps, 1);
    clock.advance(seconds(1));
    await turns();
    assert.equal(state.steps, 2);
    await loops.stop();
  });

  it('runs again at once when a step did as much as it may', async () => {
    const done = [3, 3, 2];
    const limits: number[] = [];
    const { state, loops } = run({
      step: async (limit) => {
        limits.push(limit);
        return done.shift() ?? 0;
      },
    });
    await turns();
    assert.equal(state.steps, 3);
    assert.deepEqual(limits, [3, 3, 3]);
    await loops.stop();
  });

  it('runs early when it is woken, also when that happens during a step', async () => {
    const wakeBy = localSignal();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const { state, loops } = run({
      wakeBy,
      step: async (_, count) => {
        if (count === 1) await gate;
        return 0;
      },
    });
    await turns();
    wakeBy.wake();
    open();
    await turns();
    assert.equal(state.steps, 2);
    wakeBy.wake();
    await turns();
    assert.equal(state.steps, 3);
    await loops.stop();
  });

  it('continues after a failure with growing delays, and as before once a step succeeds', async () => {
    const { clock, state, loops } = run({
      everyMs: seconds(1),
      step: async (_, count) => {
        if (count <= 3) throw new Error('The database has gone.');
        return 0;
      },
    });
    const stepsAfter = async (ms: number): Promise<number> => {
      clock.advance(ms);
      await turns();
      return state.steps;
    };
    await turns();
    assert.equal(state.steps, 1);
    assert.equal(await stepsAfter(seconds(1)), 1);
    assert.equal(await stepsAfter(seconds(1)), 2);
    assert.equal(await stepsAfter(seconds(3)), 2);
    assert.equal(await stepsAfter(seconds(1)), 3);
    assert.equal(await stepsAfter(seconds(7)), 3);
    assert.equal(await stepsAfter(seconds(1)), 4);
    assert.equal(await stepsAfter(seconds(1)), 5);
    await loops.stop();
  });

  it('that fails is not sped up by wake-ups', async () => {
    const wakeBy = localSignal();
    const { state, loops } = run({
      wakeBy,
      step: async () => {
        throw new Error('no');
      },
    });
    await turns();
    wakeBy.wake();
    wakeBy.wake();
    await turns();
    assert.equal(state.steps, 1);
    await loops.stop();
  });

  it('that has failed often runs again after its period when what it failed for is over', async () => {
    let isAway = true;
    const { clock, state, recovered, loops } = run({
      everyMs: seconds(1),
      step: async () => {
        if (isAway) throw new Error('The database has gone.');
        return 0;
      },
    });
    for (let waitedMs = 0; waitedMs < seconds(30); waitedMs += seconds(1)) {
      await turns();
      clock.advance(seconds(1));
    }
    await turns();
    const { steps } = state;
    // The next step would be due 29 seconds later.
    isAway = false;
    recovered.wake();
    await turns();
    assert.equal(state.steps, steps);
    clock.advance(seconds(1));
    await turns();
    assert.equal(state.steps, steps + 1);
    clock.advance(seconds(1));
    await turns();
    assert.equal(state.steps, steps + 2);
    await loops.stop();
  });

  it('leaves nothing behind at a signal that never wakes', async () => {
    let listening = 0;
    const wakeBy: Signal = {
      wake: () => {},
      each: () => {
        listening++;
        return () => {
          listening--;
        };
      },
    };
    const { clock, state, loops } = run({ wakeBy, step: async () => 0 });
    for (let i = 0; i < 3; i++) {
      await turns();
      clock.advance(seconds(10));
    }
    await turns();
    assert.equal(state.steps, 4);
    assert.equal(listening, 1);
    await loops.stop();
    assert.equal(listening, 0);
  });

  it('ends after the step that it is in', async () => {
    let open = (): void => {};
    let isOver = false;
    const { state, loops } = run({
      step: async () => {
        await new Promise<void>((resolve) => {
          open = resolve;
        });
        isOver = true;
        return 3;
      },
    });
    await turns();
    const stopped = loops.stop();
    open();
    await stopped;
    assert.ok(isOver);
    assert.equal(state.steps, 1);
  });

  it('keeps others from beginning a step for a moment only', async () => {
    const clock = manualClock();
    let steps = 0;
    const never = new Promise<number>(() => {});
    const count = async (): Promise<number> => {
      steps++;
      return 0;
    };
    const loops: Loop[] = [
      { name: 'stuck', everyMs: seconds(1), limit: 1, step: () => never },
      { name: 'well', everyMs: seconds(1), limit: 1, step: count },
    ];
    void runLoops(loops, { clock, log: silentLog });
    await eventually('the first step of the other loop', () => steps === 1);
    await turns();
    clock.advance(seconds(1));
    await eventually('its second step', () => steps === 2);
  });

  it('begins what is due by the time after the steps of the others, and at once what it is woken for', async () => {
    const clock = manualClock();
    const wakeBy = localSignal();
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const step = (name: string) => () => {
      begun.push(name);
      return new Promise<number>((resolve) => ends.push(() => resolve(0)));
    };
    const loops = runLoops(
      ['a', 'b'].map((name) => ({ name, everyMs: seconds(1), limit: 1, wakeBy, step: step(name) })),
      { clock, log: silentLog },
    );
    await turns();
    assert.deepEqual(begun, ['a']);
    ends.shift()?.();
    await turns();
    assert.deepEqual(begun, ['a', 'b']);
    ends.shift()?.();
    await turns();
    wakeBy.wake();
    await turns();
    assert.deepEqual(begun, ['a', 'b', 'a', 'b']);
    const stopped = loops.stop();
    for (const end of ends) end();
    await stopped;
  });
});
