import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Conditions, type DemoCloud, type Instance, startDemoCloud } from '@taskyard/server';
import type { Ending } from './support/platform.ts';
import {
  completeThroughCrashes,
  machinesOf,
  neverRegisters,
  someOfWorking,
  tell,
} from './support/spot-pool.ts';

/** A cloud that throttles calls, has a full zone, and starts instances that never register. */
const aHostileCloud = async (test: Ending) => {
  const startMachine = await machinesOf(test);
  let calls = 0;
  let machines = 0;
  const beforeReply: (() => void)[] = [];
  const dead = new Set<string>();
  const conditions: Partial<Conditions> = {
    bootMs: 500,
    shutdownMs: 300,
    // Two minutes, when more time is available.
    noticeMs: 5000,
    unseenMs: 300,
    capacityOf: ({ zone }) => {
      beforeReply.shift()?.();
      return zone.endsWith('a') ? 0 : 5;
    },
    isThrottled: () => {
      calls++;
      return calls % 9 === 4 && calls < 60;
    },
    works: (id) => {
      machines++;
      if (!neverRegisters(machines)) return true;
      dead.add(id);
      return false;
    },
  };
  const cloud: DemoCloud = await startDemoCloud({ conditions: () => conditions, startMachine });
  test.after(() => cloud.close());
  return { cloud, dead, beforeReply };
};

it('many tasks are completed by instances that come, are taken back, are broken, and go, through two crashes', async (t) => {
  const { cloud, dead, beforeReply } = await aHostileCloud(t);
  let taken = 0;
  let broken: Instance | undefined;
  const { statuses, instances } = await completeThroughCrashes(t, {
    cloud,
    imageId: 'ami-0test',
    beforeReply,
    failSome: () => {
      const [first, ...some] = someOfWorking(cloud, dead, 1);
      broken = first;
      if (first) cloud.fail(first);
      for (const instance of some) cloud.interrupt(instance);
      taken = some.length;
    },
  });
  const isFull = ({ place }: Instance) => place.zone.endsWith('a');
  assert.deepEqual(instances.filter(isFull), []);
  const throttled = cloud.calls.filter(({ error }) => error === 'RequestLimitExceeded').length;
  assert.ok(throttled > 0 && taken > 0 && dead.size > 0);
  assert.equal(broken?.stateReason?.code, 'Server.InternalError');
  tell(t, statuses, { instances, taken, broken: 1, dead: dead.size });
  t.diagnostic(`${cloud.calls.length} calls of EC2, ${throttled} of them throttled`);
});
