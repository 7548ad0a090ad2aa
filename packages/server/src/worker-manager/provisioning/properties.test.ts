import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type LaunchConfigFacts,
  type PoolFacts,
  restsUntil,
  type ScalingConfig,
  type WorkerFacts,
} from './index.ts';
import {
  aLaunchConfig,
  aPool,
  aScaling,
  aWorker,
  carriedOut,
  decided,
  launched,
  launches,
  minuteMs,
  monday,
  waiting,
  workersTo,
} from './testing.ts';
import { weigh } from './weights.ts';

const maxCapacity = 40;
const roundMs = 10_000;

const provisioning = fc.constantFrom(
  {},
  { scaleIn: {} },
  { scaleIn: { packing: true } },
  { aimedPendingSeconds: 0 },
  { aimedPendingSeconds: 0, scaleIn: {} },
  { aimedPendingSeconds: 600, scaleIn: { packing: true } },
);
const scaling = fc
  .record({
    minCapacity: fc.nat(10),
    maxCapacity: fc.constant(maxCapacity),
    scalingRatio: fc.constantFrom(1, 0.7, 0.2),
    provisioning,
  })
  .map(aScaling);
const launchConfigs = fc
  .array(
    fc.record({
      capacityPerInstance: fc.integer({ min: 1, max: 4 }),
      initialWeight: fc.double({ min: 0.05, max: 1, noNaN: true }),
      errorsLately: fc.nat(3),
      usdPerHour: fc.double({ min: 0.01, max: 1, noNaN: true }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((all) => all.map((each, i) => aLaunchConfig({ launchConfigId: `lc-${i}`, ...each })));
/** Without errors, and with one that starts single places: it can fill any gap. */
const healthyConfigs = launchConfigs.map((all): LaunchConfigFacts[] => [
  aLaunchConfig(),
  ...all.map((each) => ({ ...each, errorsLately: 0 })),
]);

const worker = fc
  .record({
    capacity: fc.integer({ min: 1, max: 4 }),
    busy: fc.nat(4),
    state: fc.constantFrom<WorkerFacts['state']>('requested', 'running', 'running', 'running', 'stopping'),
    idleMs: fc.nat(10 * minuteMs),
    isDraining: fc.boolean(),
    mayLeave: fc.boolean(),
    launchConfigId: fc.constantFrom('lc-0', 'lc-0', 'lc-1', 'archived'),
    isQuarantined: fc.constantFrom(false, false, false, true),
  })
  .map(({ capacity, busy, state, idleMs, isDraining, mayLeave, launchConfigId, isQuarantined }) => {
    const runningTasks = state === 'running' ? Math.min(busy, capacity) : 0;
    const isIdle = state === 'running' && runningTasks === 0;
    return aWorker({
      capacity,
      runningTasks,
      state,
      isDraining: isDraining && state === 'running',
      mayLeave,
      launchConfigId,
      isQuarantined,
      idleSinceMs: isIdle ? monday - idleMs : undefined,
    });
  });
/** Those in quarantine are not counted: others take their place. */
const capacityOf = (workers: readonly WorkerFacts[]): number =>
  workers.reduce((total, { capacity, isQuarantined }) => total + (isQuarantined ? 0 : capacity), 0);
const fitting = (workers: readonly WorkerFacts[]): WorkerFacts[] => {
  let left = maxCapacity;
  return workers.filter(({ capacity }) => {
    if (capacity > left) return false;
    left -= capacity;
    return true;
  });
};
const pool = fc
  .record({
    scaling,
    launchConfigs,
    workers: fc.array(worker, { maxLength: 20 }).map(fitting),
    pending: fc.tuple(fc.nat(60), fc.nat(10 * minuteMs)).map(([count, ageMs]) => waiting(count, ageMs)),
    taskMs: fc.constantFrom(undefined, 30_000, 600_000),
    paused: fc.constantFrom(undefined, undefined, 'no money left'),
  })
  .map(aPool);

/** Rounds in which workers that are told to end do so when idle, and each free place takes a waiting task. */
const rounds = (facts: PoolFacts, count: number, each?: (facts: PoolFacts, changes: number) => void) => {
  let now = facts;
  for (let i = 0; i < count; i++) {
    const nowMs = monday + i * roundMs;
    const decisions = decided(now, { nowMs, seed: i });
    each?.(now, decisions.filter(({ action }) => action !== 'wait').length);
    now = worked(carriedOut(now, decisions, nowMs), nowMs);
  }
  return now;
};

const worked = (facts: PoolFacts, nowMs: number): PoolFacts => {
  let left = facts.pending.reduce((total, { count }) => total + count, 0);
  const workers = facts.workers
    .filter((each) => !(each.mayLeave && each.runningTasks === 0))
    .map((each) => {
      if (each.isDraining || each.state !== 'running') return each;
      const taken = Math.min(left, each.capacity - each.runningTasks);
      left -= taken;
      return taken > 0 ? { ...each, runningTasks: each.runningTasks + taken, idleSinceMs: undefined } : each;
    });
  const claimed = workers.reduce((total, { runningTasks }) => total + runningTasks, 0);
  return { ...facts, claimed, workers, pending: waiting(left, nowMs - monday) };
};

describe('whatever the facts', () => {
  it('a pool is never taken above its most', () => {
    fc.assert(
      fc.property(pool, fc.nat(1000), (facts, seed) => {
        const after = capacityOf(facts.workers) + launched(facts, decided(facts, { seed }));
        assert.ok(after <= maxCapacity, `${after}`);
      }),
    );
  });

  it('more tasks that wait never mean fewer workers', () => {
    fc.assert(
      fc.property(pool, fc.integer({ min: 1, max: 50 }), fc.nat(1000), (facts, more, seed) => {
        const [first = { ageMs: 0, count: 0 }] = facts.pending;
        const busier = { ...facts, pending: [{ ...first, count: first.count + more }] };
        const [few, many] = [decided(facts, { seed }), decided(busier, { seed })];
        const free = (decisions: typeof few) => workersTo('resume', decisions).length;
        assert.ok(free(many) >= free(few));
        if (free(many) === 0) assert.ok(launched(busier, many) >= launched(facts, few));
        assert.ok(workersTo('terminate', many).length <= workersTo('terminate', few).length);
      }),
    );
  });

  it('only idle workers are ended, and none twice', () => {
    fc.assert(
      fc.property(pool, (facts) => {
        const decisions = decided(facts);
        const about = decisions.flatMap((each) => ('worker' in each ? [each.worker.workerId] : []));
        assert.equal(new Set(about).size, about.length);
        const ended = new Set(workersTo('terminate', decisions));
        const busy = facts.workers.filter(
          ({ workerId, runningTasks }) => ended.has(workerId) && runningTasks > 0,
        );
        assert.deepEqual(busy, []);
      }),
    );
  });

  it('the same facts, time and chance give the same decisions', () => {
    fc.assert(
      fc.property(pool, fc.nat(1000), (facts, seed) => {
        assert.deepEqual(decided(facts, { seed }), decided(facts, { seed }));
      }),
    );
  });
});

describe('combinations of settings', () => {
  const takes = ({ state, isQuarantined, isDraining }: WorkerFacts): boolean =>
    state !== 'stopping' && !isQuarantined && !isDraining;
  const archivedIn =
    ({ launchConfigs: active }: PoolFacts) =>
    (each: WorkerFacts): boolean =>
      !active.some(({ launchConfigId }) => launchConfigId === each.launchConfigId);
  /** The capacity that is left when the decisions are carried out, without what is started. */
  const left = (facts: PoolFacts, decisions: ReturnType<typeof decided>): number => {
    const drained = new Set(workersTo('drain', decisions));
    return capacityOf(facts.workers.filter((each) => takes(each) && !drained.has(each.workerId)));
  };

  it('paused: nothing is started, whatever the least capacity, and nothing is ended below it', () => {
    fc.assert(
      fc.property(pool, (facts) => {
        const paused = { ...facts, paused: '' };
        const decisions = decided(paused);
        assert.equal(launched(paused, decisions), 0);
        if (decisions.every(({ action }) => action === 'wait')) assert.equal(decisions.length, 1);
        const isArchived = archivedIn(facts);
        const others = { ...paused, workers: facts.workers.filter((each) => !isArchived(each)) };
        const before = left(others, []);
        const floor = Math.min(before, facts.scaling.minCapacity);
        assert.ok(left(others, decided(others)) >= floor);
      }),
    );
  });

  it('archived and running: an idle worker goes, one that runs a task is let finish it', () => {
    fc.assert(
      fc.property(pool, (facts) => {
        const decisions = decided(facts);
        const isArchived = archivedIn(facts);
        const told = new Set([...workersTo('drain', decisions), ...workersTo('may-leave', decisions)]);
        for (const each of facts.workers.filter((one) => isArchived(one) && takes(one))) {
          if (each.state !== 'running' || each.mayLeave) continue;
          const isIdle = each.runningTasks === 0;
          if (isIdle || !facts.scaling.scaleIn) assert.ok(told.has(each.workerId));
          assert.ok(isIdle || !workersTo('terminate', decisions).includes(each.workerId));
        }
        assert.deepEqual(
          facts.workers.filter(
            (each) => isArchived(each) && workersTo('stay', decisions).includes(each.workerId),
          ),
          [],
        );
      }),
    );
  });

  it('packing: what goes on has places for all that runs and waits, and for the least capacity', () => {
    const packing = fc.record({
      facts: pool,
      minCapacity: fc.nat(10),
      aimedPendingSeconds: fc.constantFrom(undefined, 0),
    });
    fc.assert(
      fc.property(packing, ({ facts, minCapacity, aimedPendingSeconds }) => {
        const aim = aimedPendingSeconds === undefined ? {} : { aimedPendingSeconds };
        const provisioning = { scaleIn: { packing: true, idleSeconds: 0 }, ...aim };
        const isArchived = archivedIn(facts);
        const packed = {
          ...facts,
          scaling: aScaling({ minCapacity, maxCapacity, provisioning }),
          workers: facts.workers.filter((each) => !isArchived(each)),
        };
        const runs = (workers: readonly WorkerFacts[]) =>
          workers.reduce((total, { runningTasks }) => total + runningTasks, 0);
        const decisions = decided({ ...packed, claimed: runs(packed.workers) });
        if (workersTo('drain', decisions).length === 0) return;
        const waits = packed.pending.reduce((total, { count }) => total + count, 0);
        const needed = Math.max(minCapacity, runs(packed.workers.filter(takes)) + waits);
        assert.ok(left(packed, decisions) >= needed, `${needed} are needed`);
      }),
      { numRuns: 300 },
    );
  });

  it('a cap on the price: what is known to cost more is not started, and an unknown price is no reason', () => {
    const priced = fc.array(
      fc.record({
        capacityPerInstance: fc.integer({ min: 1, max: 4 }),
        usdPerHour: fc.option(fc.double({ min: 0.01, max: 4, noNaN: true }), { nil: undefined }),
        utility: fc.option(fc.double({ min: 0.5, max: 8, noNaN: true }), { nil: undefined }),
        maxPricePerUtility: fc.constantFrom(0.1, 0.5),
      }),
      { minLength: 1, maxLength: 3 },
    );
    fc.assert(
      fc.property(priced, fc.constantFrom(0, 3), fc.nat(1000), (configs, priceSensitivity, seed) => {
        const facts = aPool({
          scaling: aScaling({ maxCapacity, provisioning: { priceSensitivity } }),
          launchConfigs: configs.map((each, i) => aLaunchConfig({ launchConfigId: `lc-${i}`, ...each })),
          pending: waiting(20),
        });
        const isTooDear = ({
          usdPerHour,
          utility,
          capacityPerInstance,
          maxPricePerUtility,
        }: LaunchConfigFacts) =>
          usdPerHour !== undefined &&
          usdPerHour / (utility ?? capacityPerInstance) > (maxPricePerUtility ?? 0);
        const decisions = decided(facts, { seed });
        const started = launches(decisions);
        const allowed = facts.launchConfigs.filter((each) => !isTooDear(each));
        assert.deepEqual(
          Object.keys(started).filter((id) => !allowed.some(({ launchConfigId }) => launchConfigId === id)),
          [],
        );
        assert.equal(launched(facts, decisions) > 0, allowed.length > 0);
      }),
    );
  });

  it('one provider that has no capacity leaves the whole of the work to the others', () => {
    fc.assert(
      fc.property(healthyConfigs, fc.nat(1000), (configs, seed) => {
        const short = configs.map((each, i) => ({ ...each, isShort: i > 0 }));
        const facts = aPool({
          scaling: aScaling({ maxCapacity }),
          launchConfigs: short,
          pending: waiting(30),
        });
        assert.deepEqual(launches(decided(facts, { seed })), { lc: 30 });
      }),
    );
  });
});

describe('in the long run', () => {
  const anyLoad = fc.record({
    scaling,
    launchConfigs: healthyConfigs,
    pending: fc.nat(60).map((count) => waiting(count)),
  });

  it('a pool has at least its least and at most its most', () => {
    fc.assert(
      fc.property(anyLoad, (facts) => {
        const after = rounds(aPool(facts), 40);
        const capacity = capacityOf(after.workers);
        assert.ok(capacity >= facts.scaling.minCapacity, `${capacity} below the least`);
        assert.ok(capacity <= maxCapacity, `${capacity} above the most`);
      }),
      { numRuns: 60 },
    );
  });

  it('nothing is started or ended under a constant load', () => {
    fc.assert(
      fc.property(anyLoad, (facts) => {
        const settled = rounds(aPool(facts), 60);
        rounds(settled, 60, (_, changes) => assert.equal(changes, 0));
      }),
      { numRuns: 60 },
    );
  });

  it('no worker is left after the last task, unless some are always wanted', () => {
    fc.assert(
      fc.property(anyLoad, (facts) => {
        const busy = rounds(aPool({ ...facts, scaling: { ...facts.scaling, minCapacity: 0 } }), 40);
        const idle = busy.workers.map((each) => ({ ...each, runningTasks: 0, idleSinceMs: monday }));
        const after = rounds(aPool({ ...busy, claimed: 0, pending: [], workers: idle }), 40);
        assert.deepEqual(after.workers, []);
      }),
      { numRuns: 60 },
    );
  });
});

describe('errors of a launch config', () => {
  const two = (errorsLately: number) => [
    aLaunchConfig({ launchConfigId: 'bad', errorsLately }),
    aLaunchConfig({ launchConfigId: 'good', errorsLately: 2 }),
  ];
  const weightOfBad = (errors: number) =>
    weigh(aPool({ launchConfigs: two(errors) }))[0]?.weight ?? Number.NaN;

  it('take weight from it, the more the more they are, and it has it back when they are forgotten', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), (errors, more) => {
        assert.ok(weightOfBad(errors) < weightOfBad(0));
        assert.ok(weightOfBad(errors + more) < weightOfBad(errors));
      }),
    );
    assert.equal(weightOfBad(0), 1);
  });

  it('are what its share of new workers falls and rises with', () => {
    const shareOfBad = (errors: number) => {
      const facts = aPool({
        launchConfigs: two(errors),
        pending: waiting(400),
        scaling: aScaling({ maxCapacity: 400 }),
      });
      return (launches(decided(facts)).bad ?? 0) / 400;
    };
    assert.ok(shareOfBad(18) < 0.2, `${shareOfBad(18)}`);
    assert.ok(shareOfBad(2) > 0.4 && shareOfBad(2) < 0.6, `${shareOfBad(2)}`);
    assert.ok(shareOfBad(0) > 0.9, `${shareOfBad(0)}`);
  });
});

describe('a pool that rests', () => {
  const calm = fc
    .record({
      facts: pool,
      options: fc.constantFrom<NonNullable<ScalingConfig['provisioning']>>(
        {},
        { scaleIn: { idleSeconds: 420 } },
        { scaleIn: { billingPeriodSeconds: 3600 } },
        { scaleIn: {}, warm: [{ capacity: 30, start: '20 10 * * *', seconds: 1200 }] },
        { warm: [{ capacity: 12, start: '*/40 * * * *', seconds: 3600 }] },
      ),
      pending: fc.constantFrom(0, 0, 3, 60),
    })
    .map(({ facts, options, pending }): PoolFacts => {
      const { minCapacity } = facts.scaling;
      const workers = facts.workers.map((each) => ({ ...each, isDraining: false, launchConfigId: 'lc-0' }));
      return {
        ...facts,
        scaling: aScaling({ minCapacity, maxCapacity, provisioning: options }),
        workers,
        pending: waiting(pending),
      };
    });

  it('would be decided to wait at any time until its rest ends', () => {
    let rested = 0;
    const check = (facts: PoolFacts, laterMs: number): void => {
      const untilMs = restsUntil(facts, decided(facts), monday);
      if (untilMs === undefined) return;
      rested += 1;
      const nowMs = Math.max(monday, Math.min(monday + laterMs, untilMs - 1));
      const pending = facts.pending.map((each) => ({ ...each, ageMs: each.ageMs + nowMs - monday }));
      const actions = decided({ ...facts, pending }, { nowMs }).map(({ action }) => action);
      assert.deepEqual(actions, ['wait'], `${nowMs - monday} ms later`);
    };
    fc.assert(fc.property(fc.oneof(pool, calm), fc.nat(120 * minuteMs), check), { numRuns: 2000 });
    assert.ok(rested > 50, `only ${rested} rested`);
  });

  it('is looked at when a warm window begins or ends, a worker is idle for long enough, a paid period ends', () => {
    const restOf = (facts: PoolFacts) => restsUntil(facts, decided(facts), monday);
    const never = Number.POSITIVE_INFINITY;
    assert.equal(restOf(aPool()), never);
    assert.equal(restOf(aPool({ scaling: aScaling({ maxCapacity: 0 }), pending: waiting(3) })), never);
    assert.equal(restOf(aPool({ pending: waiting(3) })), undefined, 'it starts workers');
    const warm = [{ capacity: 0, start: '30 10 * * *', seconds: 600 }];
    const scaling = aScaling({ provisioning: { warm } });
    assert.equal(restOf(aPool({ scaling })), monday + 30 * minuteMs);
    const idle = aWorker({ idleSinceMs: monday - minuteMs });
    const scaleIn = (options: object) => aScaling({ minCapacity: 1, provisioning: { scaleIn: options } });
    const waitsLonger = aPool({ scaling: scaleIn({ idleSeconds: 300 }), workers: [idle] });
    assert.equal(restOf(waitsLonger), monday + 4 * minuteMs);
    assert.equal(restOf(aPool({ scaling: scaleIn({ idleSeconds: 30 }), workers: [idle] })), never);
    const paid = scaleIn({ idleSeconds: 30, billingPeriodSeconds: 3600 });
    assert.equal(restOf(aPool({ scaling: paid, workers: [idle] })), monday + 50 * minuteMs - 25_000);
  });

  it('does not rest while prices, errors or a lack of capacity keep it from what it wants, or tasks age', () => {
    const restOf = (facts: Partial<PoolFacts>) => {
      const known = aPool({ scaling: aScaling({ maxCapacity: 0 }), pending: waiting(1), ...facts });
      return restsUntil(known, decided(known), monday);
    };
    for (const config of [{ isShort: true }, { errorsLately: 1 }, { maxPricePerUtility: 1 }])
      assert.equal(restOf({ launchConfigs: [aLaunchConfig(config)] }), undefined, JSON.stringify(config));
    const scaling = aScaling({ maxCapacity: 0, provisioning: { aimedPendingSeconds: 60 } });
    assert.equal(restOf({ scaling }), undefined);
    // Places that are kept free are wanted though no task waits.
    const workers = Array.from({ length: 50 }, () => aWorker({ runningTasks: 1 }));
    const dear = {
      scaling: aScaling({ maxCapacity: 100, provisioning: { aimedPendingSeconds: 0 } }),
      launchConfigs: [aLaunchConfig({ usdPerHour: 2, maxPricePerUtility: 1 })],
      pending: [],
      claimed: workers.length,
      workers,
    };
    assert.equal(restOf(dear), undefined);
  });
});
