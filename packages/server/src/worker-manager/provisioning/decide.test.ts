import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  aLaunchConfig,
  aPool,
  aScaling,
  aWorker,
  decided,
  launches,
  minuteMs,
  monday,
  waiting,
  workersTo,
} from './testing.ts';

const workers = (count: number, facts: Parameters<typeof aWorker>[0] = {}) =>
  Array.from({ length: count }, () => aWorker(facts));
const reasonOf = (decisions: ReturnType<typeof decided>): string => decisions[0]?.reason ?? '';

describe('the estimator of the original', () => {
  it('starts a place for each task that waits', () => {
    assert.deepEqual(launches(decided(aPool({ pending: waiting(3) }))), { lc: 3 });
  });

  it('starts none for tasks that find a free place', () => {
    const facts = aPool({ pending: waiting(3), workers: [...workers(2), aWorker({ runningTasks: 1 })] });
    assert.deepEqual(launches(decided(facts)), { lc: 1 });
  });

  it('subtracts what is requested twice', () => {
    const requested = workers(2, { state: 'requested' });
    assert.deepEqual(launches(decided(aPool({ pending: waiting(5), workers: requested }))), { lc: 1 });
  });

  it('starts fewer places than tasks wait by its scaling ratio, rounded up', () => {
    const facts = aPool({ pending: waiting(5), scaling: aScaling({ scalingRatio: 0.5 }) });
    assert.deepEqual(launches(decided(facts)), { lc: 3 });
  });

  it('counts stopping workers against the most, and quarantined ones not at all', () => {
    const scaling = aScaling({ maxCapacity: 4 });
    const stopping = workers(3, { state: 'stopping' });
    assert.deepEqual(launches(decided(aPool({ scaling, pending: waiting(9), workers: stopping }))), {
      lc: 1,
    });
    const quarantined = workers(3, { isQuarantined: true });
    assert.deepEqual(launches(decided(aPool({ scaling, pending: waiting(9), workers: quarantined }))), {
      lc: 4,
    });
  });

  it('keeps the least capacity though nothing is to do', () => {
    const scaling = aScaling({ minCapacity: 2 });
    const decisions = decided(aPool({ scaling }));
    assert.deepEqual(launches(decisions), { lc: 2 });
    assert.match(reasonOf(decisions), /^The least capacity is 2, and 0 are there/);
    assert.deepEqual(launches(decided(aPool({ scaling, workers: workers(2) }))), {});
  });

  it('starts some thousand at a time where it is to have more, and more than a million is a million', () => {
    const scaling = aScaling({ minCapacity: 3e9, maxCapacity: 3e9 });
    assert.deepEqual([scaling.minCapacity, scaling.maxCapacity], [1e6, 1e6]);
    const decisions = decided(aPool({ scaling }));
    assert.deepEqual(launches(decisions), { lc: 5000 });
    assert.match(reasonOf(decisions), /only 5000 of 1000000 places/);
  });

  it('tells the oldest to end when all tasks have newer workers, and takes it back', () => {
    const old = aWorker({ createdAtMs: monday - 60 * minuteMs });
    const busy = aWorker({ runningTasks: 1 });
    assert.deepEqual(workersTo('may-leave', decided(aPool({ workers: [old, busy] }))), [old.workerId]);
    const told = { ...old, mayLeave: true };
    assert.deepEqual(decided(aPool({ workers: [told, busy] }))[0]?.action, 'wait');
    const more = decided(aPool({ workers: [told, busy], pending: waiting(1) }));
    assert.deepEqual(workersTo('stay', more), [old.workerId]);
  });

  it('tells workers of archived launch configs to end, also when tasks wait', () => {
    const archived = aWorker({ launchConfigId: 'former' });
    const facts = aPool({ workers: [archived], pending: waiting(5) });
    assert.deepEqual(workersTo('may-leave', decided(facts)), [archived.workerId]);
  });

  it('ends no worker itself', () => {
    assert.deepEqual(workersTo('terminate', decided(aPool({ workers: workers(5) }))), []);
  });

  it('says why nothing is started', () => {
    assert.match(reasonOf(decided(aPool())), /^0 tasks wait, .* which is enough\.$/);
    const full = aPool({ pending: waiting(1), workers: workers(10, { runningTasks: 1 }) });
    assert.match(reasonOf(decided(full)), /the pool is full/);
    assert.match(reasonOf(decided(aPool({ pending: waiting(1), launchConfigs: [] }))), /no launch config/);
  });
});

describe('the choice of a launch config', () => {
  const pair = (a: Parameters<typeof aLaunchConfig>[0], b: Parameters<typeof aLaunchConfig>[0] = {}) => [
    aLaunchConfig({ launchConfigId: 'a', ...a }),
    aLaunchConfig({ launchConfigId: 'b', ...b }),
  ];
  const of100 = (launchConfigs: ReturnType<typeof pair>, more: Parameters<typeof aPool>[0] = {}) =>
    launches(
      decided(
        aPool({ launchConfigs, pending: waiting(100), scaling: aScaling({ maxCapacity: 1000 }), ...more }),
      ),
    );

  it('goes by weight', () => {
    const { a = 0, b = 0 } = of100(pair({ initialWeight: 0.1 }, { initialWeight: 0.9 }));
    assert.equal(a + b, 100);
    assert.ok(a > 2 && a < 25, `${a}`);
  });

  it('passes over the one with all errors, and a lone one keeps a little weight', () => {
    assert.deepEqual(of100(pair({ errorsLately: 3 })), { b: 100 });
    const lone = [aLaunchConfig({ errorsLately: 3 })];
    assert.deepEqual(launches(decided(aPool({ launchConfigs: lone, pending: waiting(2) }))), { lc: 2 });
  });

  it('stops at the limit of each', () => {
    assert.deepEqual(of100(pair({ maxCapacity: 5 }, { maxCapacity: 7 })), { a: 5, b: 7 });
  });

  it('takes what costs too much for its utility not at all', () => {
    const dear = { usdPerHour: 0.4, utility: 2, maxPricePerUtility: 0.19 };
    assert.deepEqual(of100(pair(dear)), { b: 100 });
    const { a = 0 } = of100(pair({ ...dear, usdPerHour: 0.38 }));
    assert.ok(a > 0);
  });

  it('takes the cheaper more often if the pool minds prices', () => {
    const prices = pair({ usdPerHour: 0.2 }, { usdPerHour: 0.1 });
    const provisioning = { priceSensitivity: 3 };
    const { a = 0, b = 0 } = of100(prices, { scaling: aScaling({ maxCapacity: 1000, provisioning }) });
    assert.ok(b > 4 * a, `${a} and ${b}`);
  });

  it('does not tell prices below the least apart', () => {
    const least = { minPricePerUtility: 0.3 };
    const prices = pair({ usdPerHour: 0.2, ...least }, { usdPerHour: 0.1, ...least });
    const provisioning = { priceSensitivity: 3 };
    const { a = 0 } = of100(prices, { scaling: aScaling({ maxCapacity: 1000, provisioning }) });
    assert.ok(a > 30 && a < 70, `${a}`);
  });
});

describe('an aimed pending time', () => {
  const aimed = (aimedPendingSeconds: number, maxCapacity = 1000) =>
    aScaling({ maxCapacity, provisioning: { aimedPendingSeconds } });
  const boot = { p50Ms: 60_000, p95Ms: 120_000 };
  const launchConfigs = [aLaunchConfig({ boot })];

  it('starts nothing for a task that a running worker will take in time', () => {
    const facts = {
      launchConfigs,
      taskMs: 60_000,
      pending: waiting(10),
      workers: workers(10, { runningTasks: 1 }),
    };
    assert.deepEqual(launches(decided(aPool({ ...facts, scaling: aimed(600) }))), {});
    const hurried = launches(decided(aPool({ ...facts, scaling: aimed(0) })));
    assert.ok((hurried.lc ?? 0) > 0);
  });

  it('starts more the longer tasks have waited', () => {
    const after = (ageMs: number) =>
      launches(
        decided(
          aPool({
            launchConfigs,
            taskMs: 300_000,
            scaling: aimed(600),
            pending: waiting(100, ageMs),
            workers: workers(20, { runningTasks: 1 }),
          }),
        ),
      ).lc ?? 0;
    assert.ok(after(0) < after(400_000));
  });

  it('keeps places free for a load that varies, if tasks may not wait for a boot', () => {
    const busy = workers(100, { runningTasks: 1 });
    const of = (seconds: number) =>
      launches(decided(aPool({ launchConfigs, scaling: aimed(seconds), workers: busy }))).lc;
    assert.equal(of(0), 8);
    assert.equal(of(120), undefined);
  });
});

describe('scale-in', () => {
  const scalingIn = (scaleIn: object, more = {}) =>
    aScaling({ maxCapacity: 100, provisioning: { scaleIn }, ...more });

  it('ends workers that are not needed, after they were idle for long enough', () => {
    const [idle, fresh] = [aWorker(), aWorker({ idleSinceMs: monday - 10_000 })];
    const facts = aPool({ scaling: scalingIn({}), workers: [idle, fresh] });
    assert.deepEqual(workersTo('drain', decided(facts)), [idle.workerId]);
    const drained = { ...idle, isDraining: true };
    assert.deepEqual(workersTo('terminate', decided({ ...facts, workers: [drained, fresh] })), [
      idle.workerId,
    ]);
  });

  it('spares a worker that claimed a task while it was chosen, until that has ended', () => {
    const claimed = aWorker({ isDraining: true, runningTasks: 1 });
    const facts = aPool({ scaling: scalingIn({}), workers: [claimed] });
    assert.deepEqual(workersTo('terminate', decided(facts)), []);
    const without = aPool({ workers: [{ ...claimed, runningTasks: 0 }] });
    assert.deepEqual(workersTo('terminate', decided(without)), [claimed.workerId]);
  });

  it('takes the choice back when tasks come', () => {
    const drained = aWorker({ isDraining: true });
    const decisions = decided(aPool({ scaling: scalingIn({}), workers: [drained], pending: waiting(1) }));
    assert.deepEqual(workersTo('resume', decisions), [drained.workerId]);
    assert.deepEqual(launches(decisions), {});
  });

  it('ends the one nearest the end of its life first, then the dearest', () => {
    const launchConfigs = [
      aLaunchConfig({ usdPerHour: 0.1 }),
      aLaunchConfig({ launchConfigId: 'dear', usdPerHour: 0.3 }),
    ];
    const [near, far] = [
      aWorker({ endsAtMs: monday + minuteMs }),
      aWorker({ endsAtMs: monday + 90 * minuteMs }),
    ];
    const [cheap, dear] = [aWorker(), aWorker({ launchConfigId: 'dear' })];
    const order = [near, far, dear, cheap].map(({ workerId }) => workerId);
    const facts = aPool({ scaling: scalingIn({}), launchConfigs, workers: [cheap, far, dear, near] });
    assert.deepEqual(workersTo('drain', decided(facts)), order);
    const kept = { ...facts, scaling: scalingIn({}, { minCapacity: 3 }) };
    assert.deepEqual(workersTo('drain', decided(kept)), [near.workerId]);
  });

  it('waits for the end of what is paid', () => {
    const scaling = scalingIn({ billingPeriodSeconds: 3600 });
    const [paid, due] = [aWorker(), aWorker({ createdAtMs: monday - 60 * minuteMs + 20_000 })];
    assert.deepEqual(workersTo('drain', decided(aPool({ scaling, workers: [paid, due] }))), [due.workerId]);
  });

  it('lets a worker run empty while others have room for what it does', () => {
    const scaling = scalingIn({ packing: true });
    const [empty, full] = [
      aWorker({ capacity: 4, runningTasks: 1 }),
      aWorker({ capacity: 8, runningTasks: 2 }),
    ];
    const decisions = decided(aPool({ scaling, workers: [empty, full] }));
    assert.deepEqual(workersTo('drain', decisions), [empty.workerId]);
    const drained = [{ ...empty, isDraining: true }, full];
    const more = decided(aPool({ scaling, workers: drained, pending: waiting(8) }));
    assert.deepEqual(workersTo('resume', more), [empty.workerId]);
    assert.deepEqual(launches(more), {});
    const finished = aPool({ scaling, workers: [{ ...empty, isDraining: true, runningTasks: 0 }, full] });
    assert.deepEqual(workersTo('terminate', decided(finished)), [empty.workerId]);
  });

  it('does one thing with a drained worker that is needed again', () => {
    const drained = aWorker({ capacity: 4, isDraining: true });
    const facts = aPool({ scaling: scalingIn({ packing: true }), workers: [drained], pending: waiting(2) });
    const decisions = decided(facts);
    assert.deepEqual(workersTo('resume', decisions), [drained.workerId]);
    assert.deepEqual(workersTo('terminate', decisions), []);
  });

  it('leaves quarantined workers alone', () => {
    const facts = aPool({ scaling: scalingIn({}), workers: workers(2, { isQuarantined: true }) });
    assert.deepEqual(workersTo('terminate', decided(facts)), []);
  });
});

describe('a warm minimum', () => {
  const window = { capacity: 4, start: '0 9 * * 1-5', seconds: 2 * 3600, timezone: 'Europe/Berlin' };
  const scaling = aScaling({ minCapacity: 1, provisioning: { warm: [window] } });
  const at = (time: string) => decided(aPool({ scaling }), { nowMs: Date.parse(time) });

  it('holds from its start until its end, in its own time zone', () => {
    assert.deepEqual(launches(at('2026-01-05T07:59:59Z')), { lc: 1 });
    assert.deepEqual(launches(at('2026-01-05T08:00:00Z')), { lc: 4 });
    assert.match(reasonOf(at('2026-01-05T08:00:00Z')), /^The warm minimum of this hour is 4/);
    assert.deepEqual(launches(at('2026-01-05T09:59:59Z')), { lc: 4 });
    assert.deepEqual(launches(at('2026-01-05T10:00:00Z')), { lc: 1 });
    assert.deepEqual(launches(at('2026-07-06T07:00:00Z')), { lc: 4 });
    assert.deepEqual(launches(at('2026-01-04T08:30:00Z')), { lc: 1 });
  });

  const isWarmAt = (start: string, time: string): boolean => {
    const night = aScaling({ provisioning: { warm: [{ ...window, start, seconds: 1800 }] } });
    return launches(decided(aPool({ scaling: night }), { nowMs: Date.parse(time) })).lc === 4;
  };

  for (const start of ['30 2 * * *', '30 2,14 * * *', '30 2-3 * * *']) {
    it(`begins after the hour that is left out in spring, and once in autumn: ${start}`, () => {
      // Europe/Berlin goes from 2 to 3 o'clock at 01:00 UTC, and back from 3 to 2 o'clock at 01:00 UTC.
      assert.ok(!isWarmAt(start, '2026-03-29T00:59:59Z'));
      assert.ok(isWarmAt(start, '2026-03-29T01:00:00Z'));
      assert.ok(isWarmAt(start, '2026-03-29T01:29:59Z'));
      assert.ok(!isWarmAt(start, '2026-10-25T00:29:59Z'));
      assert.ok(isWarmAt(start, '2026-10-25T00:30:00Z'));
      assert.ok(!isWarmAt(start, '2026-10-25T01:30:00Z'));
    });
  }

  it('begins where it is, whatever the zone', () => {
    const at8 = (timezone: string, time: string) => {
      const scaling8 = aScaling({ provisioning: { warm: [{ ...window, start: '0 8 * * *', timezone }] } });
      return launches(decided(aPool({ scaling: scaling8 }), { nowMs: Date.parse(time) })).lc === 4;
    };
    // A quarter of an hour beside the others; half an hour of daylight saving; the day before and after.
    for (const [timezone, opens] of [
      ['Asia/Kathmandu', '2026-06-15T02:15:00Z'],
      ['Australia/Lord_Howe', '2026-01-14T21:00:00Z'],
      ['Pacific/Kiritimati', '2026-06-14T18:00:00Z'],
      ['America/New_York', '2026-11-02T13:00:00Z'],
    ] as const) {
      assert.ok(at8(timezone, opens), timezone);
      assert.ok(!at8(timezone, new Date(Date.parse(opens) - 1000).toJSON()), timezone);
    }
  });

  it('never exceeds the most', () => {
    const small = aScaling({ maxCapacity: 2, provisioning: { warm: [window] } });
    const nowMs = Date.parse('2026-01-05T08:00:00Z');
    assert.deepEqual(launches(decided(aPool({ scaling: small }), { nowMs })), { lc: 2 });
  });

  it('is refused when its pattern is none', () => {
    assert.throws(() => aScaling({ provisioning: { warm: [{ ...window, start: 'at nine' }] } }));
  });
});
