import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { eventQueue } from './event-queue.ts';
import {
  compare,
  marketText,
  type Outcome,
  plot,
  readMarket,
  readSetup,
  readTrace,
  seeded,
  simulate,
  spotMarket,
  spotTrace,
  steadyTrace,
  TraceError,
  traceText,
  workingDayTrace,
} from './index.ts';

const hourMs = 3_600_000;
const options = { aimedPendingSeconds: 120, scaleIn: { idleSeconds: 60, packing: true } };
const aSetup = (config: object = {}, simulation: object = {}) =>
  readSetup({
    config: {
      minCapacity: 0,
      maxCapacity: 400,
      launchConfigs: [{ workerManager: { launchConfigId: 'lc' } }],
      ...config,
    },
    simulation,
  });
const spotLaunchConfigs = [
  ...['small-a', 'small-b', 'small-c'].map((launchConfigId) => ({ workerManager: { launchConfigId } })),
  ...['large-a', 'large-b'].map((launchConfigId) => ({
    workerManager: { launchConfigId, capacityPerInstance: 4 },
  })),
];
const trace = (lines: string) => readTrace(`at_seconds,duration_seconds\n${lines}`);
const near = (actual: number, expected: number) => assert.ok(Math.abs(actual - expected) < 1e-9, `${actual}`);

describe('a simulated pool', () => {
  const exact = { machines: { lc: { usdPerHour: 3.6, bootP50Seconds: 60, bootP95Seconds: 60 } } };

  it('pays for boots, work and idleness of one worker', () => {
    const outcome = simulate({ trace: trace('5,100'), setup: aSetup({}, exact) });
    // Wanted in the round at 10 s, there at 70, busy until 170, asks at 470; nothing is wanted by then.
    assert.equal(outcome.pendingP50Ms, 65_000);
    assert.equal(outcome.instances, 1);
    near(outcome.usd, 0.46);
    near(outcome.bootUsd, 0.06);
    near(outcome.idleUsd, 0.3);
    near(outcome.idleShare, 300 / 460);
  });

  it('ends an idle worker itself if the pool says so, a round after it was chosen', () => {
    const setup = aSetup({ provisioning: { scaleIn: { idleSeconds: 30 } } }, exact);
    near(simulate({ trace: trace('5,100'), setup }).idleUsd, 0.04);
  });

  it('keeps its workers while tasks follow each other', () => {
    const lines = Array.from({ length: 20 }, (_, i) => `${i * 200},100`).join('\n');
    assert.equal(simulate({ trace: trace(lines), setup: aSetup({}, exact) }).instances, 1);
  });

  it('does the work of interrupted workers again', () => {
    const setup = aSetup({}, { machines: { lc: { interruptionsPerHour: 6 } } });
    const lines = Array.from({ length: 50 }, () => '0,600').join('\n');
    const { interruptions, runs } = simulate({ trace: trace(lines), setup });
    assert.ok(interruptions > 10, `${interruptions}`);
    assert.ok(runs > 60, `${runs}`);
  });

  it('has no more machines than the market, and uses other places', () => {
    const launchConfigs = ['few', 'many'].map((launchConfigId) => ({ workerManager: { launchConfigId } }));
    const setup = aSetup({ launchConfigs }, { machines: { few: { instancesMax: 3 } } });
    const lines = Array.from({ length: 60 }, () => '0,3600').join('\n');
    const outcome = simulate({ trace: trace(lines), setup });
    assert.equal(outcome.runs, 60);
    assert.ok(outcome.instances >= 60);
  });

  it('waits for a task of two days', () => {
    assert.equal(simulate({ trace: trace(`0,${48 * 3600}`), setup: aSetup() }).finished, 1);
  });

  it('gives up on a pool that can start nothing', () => {
    const outcome = simulate({ trace: trace('0,10'), setup: aSetup({ maxCapacity: 0 }) });
    assert.equal(outcome.runs, 0);
    assert.equal(outcome.finished, 0);
    assert.equal(outcome.instances, 0);
  });

  it('is warm at the times of its schedule', () => {
    const warm = [{ capacity: 5, start: '0 8 * * *', seconds: 3600 }];
    const setup = aSetup({ provisioning: { warm, scaleIn: {} } }, { startsAt: '2026-01-05T07:00:00Z' });
    const { sights } = simulate({ trace: trace(`0,10\n${5 * 3600},10`), setup });
    const at = (hours: number) => sights.find(({ atMs }) => atMs >= hours * hourMs)?.capacity;
    assert.equal(at(0.9), 0);
    assert.equal(at(1.5), 5);
    assert.equal(at(2.5), 0);
  });

  it('comes out the same for the same seed', () => {
    const simulation = { trace: spotTrace(seeded(3), { days: 1 }), setup: aSetup({ provisioning: options }) };
    assert.deepEqual(simulate(simulation), simulate(simulation));
  });

  it('runs every task and lets every worker go', () => {
    const tasks = fc.array(fc.tuple(fc.nat(7200), fc.nat(1200)), { minLength: 1, maxLength: 60 });
    const provisioning = fc.constantFrom({}, { scaleIn: {} }, { aimedPendingSeconds: 0 }, options);
    fc.assert(
      fc.property(tasks, provisioning, fc.nat(100), (all, chosen, seed) => {
        const lines = all.map(([at, duration]) => `${at},${duration}`).join('\n');
        const outcome = simulate({ trace: trace(lines), setup: aSetup({ provisioning: chosen }), seed });
        assert.equal(outcome.runs, all.length);
        assert.equal(outcome.finished, all.length);
        assert.equal(outcome.sights.at(-1)?.capacity, 0);
      }),
      { numRuns: 40 },
    );
  });
});

describe('our options, on each kind of load', () => {
  const isBetter = ({ original, ours }: { original: Outcome; ours: Outcome }) => {
    assert.ok(ours.idleUsd <= 0.7 * original.idleUsd, `idle: ${ours.idleUsd} and ${original.idleUsd}`);
    assert.ok(ours.usd < original.usd, `cost: ${ours.usd} and ${original.usd}`);
    assert.ok(
      ours.pendingP95Ms <= original.pendingP95Ms,
      `p95: ${ours.pendingP95Ms} and ${original.pendingP95Ms}`,
    );
  };

  it('waste less, and let no task wait longer, when the load is steady', () => {
    const provisioning = { ...options, aimedPendingSeconds: 0 };
    isBetter(
      compare({ trace: steadyTrace(seeded(1), { tasks: 20_000, days: 1 }), setup: aSetup({ provisioning }) }),
    );
  });

  it('waste less, and let no task wait longer, on a working day with pushes', () => {
    const setup = aSetup({ maxCapacity: 2500, provisioning: options });
    isBetter(compare({ trace: workingDayTrace(seeded(1), { pushes: 5 }), setup }));
  });

  it('waste less, and let no task wait longer, on a spot market', () => {
    const provisioning = { ...options, priceSensitivity: 3 };
    const setup = aSetup({ maxCapacity: 800, launchConfigs: spotLaunchConfigs, provisioning });
    const market = spotMarket(seeded(2), { days: 1 });
    isBetter(compare({ trace: spotTrace(seeded(1), { days: 1 }), market, setup }));
  });

  it('trade waiting for money by the aim', () => {
    const load = workingDayTrace(seeded(1), { pushes: 3 });
    const by = (aimedPendingSeconds: number) => {
      const provisioning = { ...options, aimedPendingSeconds };
      return simulate({ trace: load, setup: aSetup({ maxCapacity: 2500, provisioning }) });
    };
    const [soon, late] = [by(120), by(900)];
    assert.ok(late.usd < soon.usd);
    assert.ok(late.pendingP95Ms > soon.pendingP95Ms);
    assert.ok(late.pendingP95Ms < 900_000, `${late.pendingP95Ms}`);
  });
});

describe('trace-clocks', () => {
  const read = (text: string) => {
    const { atMs, durationMs } = readTrace(text);
    return [...atMs].map((at, i) => [at, durationMs[i]]);
  };
  const refused = (text: string, message: RegExp) =>
    assert.throws(
      () => readTrace(text),
      (error) => error instanceof TraceError && message.test(error.message),
    );

  it('each column says its unit, and times since 1970 count from the first task', () => {
    const expected = [
      [0, 60_000],
      [2000, 30_000],
    ];
    assert.deepEqual(read('at_ms,duration_seconds\n1764500002000,30\n1764500000000,60'), expected);
    assert.deepEqual(read('at_seconds,duration_ms\n1764500002,30000\n1764500000,60000'), expected);
    assert.deepEqual(read('at_seconds,duration_seconds\n2,30\n0,60'), expected);
  });

  it('milliseconds in a column of seconds are refused, and so are rows on another clock', () => {
    refused('at_seconds,duration_seconds\n5,1\n1764500000000,30', /^Line 3: .* call the column at_ms/);
    refused('at_seconds,duration_seconds\n5,1\n1764500000,30', /^Line 3: .* more than a year/);
    refused('at_seconds,duration_seconds\n5,99999999', /^Line 2: no task runs for/);
  });

  it('rows without a duration, with a negative one and with none that is a number are refused by their lines', () => {
    refused(
      'at_seconds,duration_seconds\n1,2\n1,\n1,-2\n1,NaN\n1, \n1,0x10\n1,Infinity\n1,2',
      /^Line 3: .*\nLine 4: "-2".*\nLine 5: "NaN".*\nLine 6: .*\nLine 7: "0x10".*\nAnd 1 more\.$/,
    );
  });

  it('a byte order mark and other ends of lines change nothing', () => {
    assert.deepEqual(read('\ufeffat_seconds,duration_seconds\r\n4,5\r\n1,2\r\n'), [
      [1000, 2000],
      [4000, 5000],
    ]);
  });
});

describe('files of a simulation', () => {
  it('are read as they were written', () => {
    const made = workingDayTrace(seeded(1), { pushes: 1, pushSize: 10 });
    assert.equal(traceText(readTrace(traceText(made))), traceText(made));
    const market = spotMarket(seeded(1), { days: 1 });
    assert.deepEqual(readMarket(marketText(market)), market);
  });

  it('are refused with the line that is wrong', () => {
    const fails = (what: () => unknown, message: RegExp) =>
      assert.throws(what, (error) => error instanceof TraceError && message.test(error.message));
    fails(() => readTrace('at,duration\n1,2'), /first line must be/);
    fails(() => trace('1,2\n3'), /^Line 3 has 1 columns/);
    fails(() => trace('1,-2'), /^Line 2: "-2" is not a number/);
    fails(() => aSetup({ maxCapacity: -1 }), /maxCapacity/);
    fails(() => aSetup({}, { machines: { other: {} } }), /No launch config is called other/);
    fails(() => aSetup({ provisioning: { warm: [{ capacity: 1, start: 'x', seconds: 60 }] } }), /schedule/);
  });

  it('make a diagram that names what it shows', () => {
    const outcomes = compare({ trace: trace('0,600\n60,600'), setup: aSetup({ provisioning: options }) });
    const svg = plot('2 tasks & more', outcomes);
    assert.match(svg, /^<svg .*<\/svg>\n$/s);
    assert.match(svg, /2 tasks &#38; more/);
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });
});

describe('the queue of events', () => {
  it('gives them in order of time, and equal ones in order of arrival', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20)), (times) => {
        const queue = eventQueue<{ atMs: number; number: number }>();
        for (const [number, atMs] of times.entries()) queue.add({ atMs, number });
        const taken = times.map(() => queue.take());
        const sorted = times
          .map((atMs, number) => ({ atMs, number }))
          .sort((a, b) => a.atMs - b.atMs || a.number - b.number);
        assert.deepEqual(taken, sorted);
        assert.equal(queue.take(), undefined);
      }),
    );
  });
});
