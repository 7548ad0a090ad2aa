import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { manualClock, silentLog } from '../../../base/index.ts';
import type { LaunchOutcome } from '../provider.ts';
import { failureOf } from './failures.ts';
import { awsProvider } from './index.ts';
import { openRegions } from './regions.ts';
import { anOrder, aWorker, fleet, memoryOf, region } from './testing.ts';
import { answered, aWire, failed, type WireAnswer } from './testing-wire.ts';

// Unexpected behaviour of EC2 and its library. launch.test.ts and sweep.test.ts test what the demo cloud can do too; the
// tests here write the replies of EC2 themselves.

const aProvider = async (
  t: TestContext,
  answer: (action: string, parameters: URLSearchParams) => WireAnswer,
) => {
  const wire = await aWire(t, (action, parameters) =>
    action === 'CreateLaunchTemplate' ? answered(action) : answer(action, parameters),
  );
  const clock = manualClock();
  const memory = memoryOf(clock);
  const deps = {
    providerId: 'cloud',
    clock,
    log: silentLog,
    memory,
    rootUrl: () => 'https://taskyard.example.com',
    changed: () => {},
  };
  const { machines } = awsProvider(deps, wire.settings);
  assert.ok(machines);
  t.after(() => machines.close?.());
  return { ...wire, machines, memory, clock };
};

type Machines = Awaited<ReturnType<typeof aProvider>>['machines'];
const order = (more: Parameters<typeof anOrder>[0] = {}) =>
  anOrder({ configuration: { region, fleet }, count: 1, ...more });
const launched = async (machines: Machines, wanted = order()): Promise<LaunchOutcome> => {
  const [outcome] = await machines.launch([wanted]);
  assert.ok(outcome);
  return outcome;
};
const codesIn = (outcome: LaunchOutcome) => {
  assert.ok('errors' in outcome, JSON.stringify(outcome));
  return outcome.errors.map(({ code }) => code);
};
const runInstances = { region, launchConfig: { ImageId: 'ami-1', InstanceType: 'm5.large' } };
const oneInstance = (id: string, more = '') =>
  `<item><instanceId>${id}</instanceId><instanceType>m5.large</instanceType>${more}</item>`;
const described = (instances: string, more = '') =>
  answered(
    'DescribeInstances',
    `<reservationSet><item><ownerId>1</ownerId><instancesSet>${instances}</instancesSet></item></reservationSet>${more}`,
  );
const fleetOf = (instances: string, errors = '') =>
  answered(
    'CreateFleet',
    `<fleetId>fleet-1</fleetId><fleetInstanceSet>${instances}</fleetInstanceSet>${errors}`,
  );
const fleetInstances = (...ids: string[]) =>
  `<item><lifecycle>spot</lifecycle><instanceType>m5.large</instanceType><instanceIds>${ids.map((id) => `<item>${id}</item>`).join('')}</instanceIds></item>`;

describe('facts about EC2', () => {
  it('1: the token of a call is ours, and is stored before it is sent', async (t) => {
    const known: boolean[] = [];
    const { machines, memory, calls } = await aProvider(t, (action) => {
      if (action !== 'CreateFleet') return described('');
      void memory.recall().then((all) => known.push(all.has(`order:${wanted.token}`)));
      return 'breaks';
    });
    const wanted = order();
    for (const attempt of [1, 2]) {
      assert.ok('outcome' in (await launched(machines, { ...wanted, attempt })), 'the outcome is not known');
    }
    const tokens = calls
      .filter(({ action }) => action === 'CreateFleet')
      .map(({ parameters }) => parameters.get('ClientToken'));
    assert.deepEqual(tokens, [`${wanted.token}-spot`, `${wanted.token}-spot`]);
    assert.deepEqual(known, [true, true]);
  });

  it('2: a lack of capacity is asked for once, and 20 of them leave repeats for real faults', async (t) => {
    let reads = 0;
    const { machines, count } = await aProvider(t, (action) => {
      if (action === 'RunInstances') return failed('InsufficientInstanceCapacity', 500);
      reads += 1;
      return reads % 2 === 1 ? failed('InternalError', 500) : described('');
    });
    for (let i = 0; i < 20; i++) {
      const configuration = {
        region,
        launchConfig: { ...runInstances.launchConfig, InstanceType: `m${i}.large` },
      };
      assert.deepEqual(codesIn(await launched(machines, order({ configuration }))), [
        'InsufficientInstanceCapacity',
      ]);
    }
    assert.equal(count('RunInstances'), 20);
    await machines.sweep([]);
    const worker = aWorker({ id: 'i-1' }, { created: new Date(0) });
    const { workers } = await machines.sweep([worker]);
    assert.equal(workers[0]?.state, 'gone', 'the call that failed was repeated');
  });

  it('3: a fleet that was accepted may have started nothing, or some in many parts', async (t) => {
    const replies = [
      fleetOf(''),
      fleetOf('', '<errorSet/>'),
      fleetOf(
        '',
        '<errorSet><item><errorCode>Unavailable</errorCode><errorMessage>x</errorMessage><launchTemplateAndOverrides><overrides><instanceType>m5.large</instanceType></overrides></launchTemplateAndOverrides></item></errorSet>',
      ),
      fleetOf(fleetInstances('i-1') + fleetInstances('i-2', 'i-3')),
    ];
    const { machines } = await aProvider(t, (action) =>
      action === 'CreateFleet' ? (replies.shift() as WireAnswer) : described(''),
    );
    assert.deepEqual(codesIn(await launched(machines)), ['NothingStarted']);
    assert.deepEqual(codesIn(await launched(machines)), ['NothingStarted']);
    const nowhere = await launched(machines);
    assert.deepEqual(codesIn(nowhere), ['Unavailable']);
    assert.ok('errors' in nowhere && nowhere.errors[0]?.isPassing);
    const some = await launched(machines, order({ count: 3 }));
    assert.ok('workers' in some);
    assert.deepEqual(
      some.workers.map(({ workerId }) => workerId),
      ['i-1', 'i-2', 'i-3'],
    );
  });

  it('4: an answer that does not come ends the wait, and leaves the outcome unknown', async (t) => {
    const { settings } = await aWire(t, () => 'silence');
    const regions = openRegions(settings, { answerWithinMs: 50 });
    t.after(() => regions.close());
    const ec2 = await regions.in(region);
    const error = await ec2.createFleet({} as never).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    assert.equal((error as Error).name, 'TimeoutError');
    assert.equal(failureOf(error).sort, 'unknown');
    const { settings: broken } = await aWire(t, () => 'breaks');
    const others = openRegions(broken);
    t.after(() => others.close());
    const hangUp = await (await others.in(region)).runInstances({} as never).catch(failureOf);
    assert.equal((hangUp as ReturnType<typeof failureOf>).sort, 'unknown');
  });

  it('5: a listing that repeats its token ends, and what is ours is found by our own tags', async (t) => {
    const tags = ['CreatedBy', 'taskcluster-wm-cloud', 'WorkerPoolId', 'a/b', 'Decision', 'token'];
    const tagSet = [0, 2, 4]
      .map((i) => `<item><key>${tags[i]}</key><value>${tags[i + 1]}</value></item>`)
      .join('');
    const { machines, calls, count } = await aProvider(t, (action) =>
      action === 'DescribeInstances'
        ? described(oneInstance('i-1', `<tagSet>${tagSet}</tagSet>`), '<nextToken>same</nextToken>')
        : answered(action),
    );
    const worker = aWorker({ id: 'i-1' }, { created: new Date(0) });
    assert.equal((await machines.sweep([worker])).workers[0]?.state, 'running');
    assert.equal(count('DescribeInstances'), 2);
    const names = calls.flatMap(({ parameters }) =>
      [...parameters].flatMap(([key, value]) => (/^Filter\.\d+\.Name$/.test(key) ? [value] : [])),
    );
    assert.ok(names.length > 0);
    assert.deepEqual(
      names.filter((name) => name.startsWith('tag:aws:')),
      [],
    );
  });

  it('6: ids that EC2 does not know are left out, and the others are ended', async (t) => {
    const ended: string[] = [];
    const { machines } = await aProvider(t, (action, parameters) => {
      const ids = [...parameters].flatMap(([key, value]) => (key.startsWith('InstanceId.') ? [value] : []));
      const strange = ids.filter((id) => id.startsWith('i-x'));
      if (strange.length > 0) {
        return failed(
          'InvalidInstanceID.NotFound',
          400,
          `The instance IDs '${strange.join(', ')}' do not exist`,
        );
      }
      ended.push(...ids);
      return answered(action, '<instancesSet/>');
    });
    const workers = ['i-1', 'i-x1', 'i-2', 'i-x2'].map((workerId) => ({
      workerPoolId: 'a/b',
      workerGroup: region,
      workerId,
      facts: {},
    }));
    await machines.terminate(workers);
    assert.deepEqual(ended, ['i-1', 'i-2']);
  });

  it('7: the clock of an answer is not ours', async (t) => {
    const { machines, memory, clock } = await aProvider(t, (action) =>
      action === 'CreateFleet' ? fleetOf(fleetInstances('i-1')) : described(''),
    );
    const began = clock.now();
    await launched(machines);
    // Node writes the machine's date into each answer; the clock of this test is moved by the test alone, and what is kept goes by it.
    assert.equal((await memory.recall()).get(`region:${region}`), began.toJSON());
  });

  it('8: a strategy is always given, and instances that are not as ordered are told of', async (t) => {
    const instance = oneInstance(
      'i-1',
      '<groupSet><item><groupId>sg-other</groupId></item></groupSet><metadataOptions><httpTokens>optional</httpTokens></metadataOptions>',
    );
    const { machines, calls } = await aProvider(t, (action) =>
      action === 'CreateFleet' ? fleetOf(fleetInstances('i-1')) : described(instance),
    );
    const configuration = { region, fleet: { ...fleet, securityGroupIds: ['sg-1'] } };
    const outcome = await launched(machines, order({ configuration }));
    assert.deepEqual(codesIn(outcome), ['NotAsOrdered']);
    assert.ok('errors' in outcome && 'workers' in outcome);
    assert.equal(outcome.workers.length, 1);
    assert.match(
      outcome.errors[0]?.description ?? '',
      /i-1 is in sg-other, not in sg-1\. .* open without a token/,
    );
    const parametersOf = (name: string) => calls.find(({ action }) => action === name)?.parameters;
    const fleetCall = parametersOf('CreateFleet');
    assert.equal(fleetCall?.get('SpotOptions.AllocationStrategy'), 'price-capacity-optimized');
    const template = parametersOf('CreateLaunchTemplate');
    assert.equal(template?.get('LaunchTemplateData.SecurityGroupId.1'), 'sg-1');
    assert.equal(template?.get('LaunchTemplateData.MetadataOptions.HttpTokens'), 'required');
    assert.equal(template?.get('LaunchTemplateData.InstanceInitiatedShutdownBehavior'), 'terminate');
  });

  it('9: a price without its time is none, and only the types of the pool are asked for', async (t) => {
    const price = (usd: string, more = '') =>
      `<item><instanceType>m5.large</instanceType><availabilityZone>${region}a</availabilityZone><spotPrice>${usd}</spotPrice>${more}</item>`;
    const { machines, calls } = await aProvider(t, (action) =>
      answered(
        action,
        `<spotPriceHistorySet>${price('0.001')}${price('0.05', '<timestamp>2026-11-30T10:00:00Z</timestamp>')}</spotPriceHistorySet>`,
      ),
    );
    const priced = { workerPoolId: 'a/b', launchConfigId: 'lc', configuration: { region, fleet } as never };
    assert.equal((await machines.prices?.([priced]))?.[0]?.usdPerHour, 0.05);
    assert.equal(calls[0]?.parameters.get('InstanceType.1'), 'c5.xlarge');
  });

  it('errors say what to do, and what the account may not have counts against the launch config', async (t) => {
    const codes = ['InvalidAMIID.NotFound', 'VcpuLimitExceeded', 'UnauthorizedOperation', 'AuthFailure'];
    const { machines } = await aProvider(t, (action) =>
      action === 'RunInstances' ? failed(codes.shift() ?? '', 400, 'No.') : described(''),
    );
    for (const advice of [
      /name another one/,
      /limit of the account raised/,
      /keys of the provider/,
      /keys of the/,
    ]) {
      const configuration = {
        region,
        launchConfig: { ImageId: 'ami-1', InstanceType: `${codes.length}.large` },
      };
      const outcome = await launched(machines, order({ configuration }));
      assert.ok('errors' in outcome);
      assert.match(outcome.errors[0]?.description ?? '', advice);
      assert.equal(outcome.errors[0]?.isPassing, undefined);
    }
  });

  it('what has no room anywhere in a place is a lack of capacity, and an order that cannot be is none', async (t) => {
    const sorts: Readonly<Record<string, boolean>> = {
      InsufficientInstanceCapacity: true,
      InsufficientFreeAddressesInSubnet: true,
      ReservationCapacityExceeded: true,
      Unsupported: true,
      UnsupportedOperation: false,
      VcpuLimitExceeded: false,
    };
    for (const [code, isShortage] of Object.entries(sorts)) {
      const { machines } = await aProvider(t, (action) =>
        action === 'RunInstances' ? failed(code) : described(''),
      );
      const outcome = await launched(machines, order({ configuration: runInstances }));
      assert.ok('errors' in outcome);
      assert.equal(outcome.errors[0]?.isShortage ?? false, isShortage, code);
    }
    const { machines } = await aProvider(t, () => failed('RequestLimitExceeded', 503));
    const throttled = await launched(machines, order({ configuration: runInstances }));
    assert.ok('outcome' in throttled && !throttled.error.isShortage);
  });

  it('Unavailable is a lack in a place when instances are started, and no reason to ask again; elsewhere it is no answer', async (t) => {
    const { machines, count, memory } = await aProvider(t, (action) =>
      action === 'RunInstances' || action === 'CreateFleet' ? failed('Unavailable', 503) : described(''),
    );
    const first = await launched(machines, order({ configuration: runInstances }));
    assert.ok('errors' in first, 'it is not asked again');
    assert.deepEqual(
      first.errors.map(({ code, isShortage, isPassing }) => [code, isShortage, isPassing]),
      [['Unavailable', true, true]],
    );
    assert.match(first.errors[0]?.description ?? '', /more zones/);
    assert.ok((await memory.recall()).has(`lack:${region}/m5.large/any/on-demand`));
    assert.deepEqual(codesIn(await launched(machines, order({ configuration: runInstances }))), [
      'NoCapacityLately',
    ]);
    assert.equal(count('RunInstances'), 1);
    // A call for a fleet speaks of the first of the places that it names, and the next call leaves that one out.
    for (let i = 0; i < 2; i++) assert.deepEqual(codesIn(await launched(machines)), ['Unavailable']);
    const lacks = [...(await memory.recall()).keys()].filter((name) => name.endsWith('/spot'));
    assert.equal(new Set(lacks).size, 2);
    // Of a call that was repeated nobody knows whether its first attempt had an effect.
    const configuration = { region, launchConfig: { ImageId: 'ami-1', InstanceType: 'c5.large' } };
    assert.ok('outcome' in (await launched(machines, order({ configuration, attempt: 2 }))));
    const { machines: others } = await aProvider(t, () => failed('Unavailable', 503));
    assert.ok(
      'outcome' in (await launched(others, order({ configuration, attempt: 2 }))),
      'what was started before could not be looked for',
    );
    const spot = await aProvider(t, (action) =>
      action === 'RunInstances' ? failed('MaxSpotInstanceCountExceeded') : described(''),
    );
    const full = await launched(spot.machines, order({ configuration: runInstances }));
    assert.ok('errors' in full && full.errors[0]?.isShortage);
  });

  it('an instance that EC2 accepts and has no capacity for after all is a lack in its place', async (t) => {
    const ended = (id: string, code: string) =>
      oneInstance(
        id,
        `<instanceState><name>terminated</name></instanceState><stateReason><code>${code}</code><message>No.</message></stateReason><placement><availabilityZone>${region}a</availabilityZone></placement>`,
      );
    const { machines, memory } = await aProvider(t, () =>
      described(
        ended('i-1', 'Server.InsufficientInstanceCapacity') + ended('i-2', 'Client.UserInitiatedShutdown'),
      ),
    );
    const { workers } = await machines.sweep(
      ['i-1', 'i-2'].map((id) => aWorker({ id }, { created: new Date(0) })),
    );
    assert.deepEqual(
      workers.map(({ state, isShortage }) => [state, isShortage]),
      [
        ['gone', true],
        ['gone', undefined],
      ],
    );
    const lacks = [...(await memory.recall()).keys()].filter((name) => name.startsWith('lack:'));
    assert.deepEqual(lacks, [`lack:${region}/m5.large/${region}a/on-demand`]);
  });

  it('an instance that must not be ended, or a region that does not answer, keeps no other from its end', async (t) => {
    const ended: string[] = [];
    const { machines } = await aProvider(t, (action, parameters) => {
      const ids = [...parameters].flatMap(([key, id]) => (key.startsWith('InstanceId.') ? [id] : []));
      if (ids.some((id) => id.startsWith('i-away'))) return 'breaks';
      if (ids.includes('i-protected'))
        return failed('OperationNotPermitted', 400, "'i-protected' may not be terminated");
      ended.push(...ids);
      return answered(action);
    });
    const workers = ['i-protected', 'i-1', 'i-2', 'i-away-1'].map((workerId) => ({
      workerPoolId: 'demo/cloud',
      // The region that does not answer comes first.
      workerGroup: workerId.startsWith('i-away') ? 'af-south-1' : region,
      workerId,
      facts: {},
    }));
    await assert.rejects(machines.terminate(workers.toReversed()));
    assert.deepEqual(ended.toSorted(), ['i-1', 'i-2']);
  });
});
