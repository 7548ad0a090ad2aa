import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Harm, startEc2Proxy } from './support/ec2-proxy.ts';
import { skipWithoutMoto, startMoto } from './support/moto.ts';
import type { Ending } from './support/platform.ts';
import {
  completeThroughCrashes,
  machinesOf,
  neverRegisters,
  region,
  someOfWorking,
  tell,
} from './support/spot-pool.ts';

/** An image that moto has from the start. */
const imageId = 'ami-12c6146b';

/** The EC2 of moto, behind a proxy that adds the failures that moto does not have. */
const aHostileEc2 = async (test: Ending) => {
  const startMachine = await machinesOf(test);
  const moto = await startMoto(test);
  let machines = 0;
  let fleets = 0;
  const dead = new Set<string>();
  const beforeReply: (() => void)[] = [];
  const harm: Harm = {
    isThrottled: (_action, number) => number % 9 === 4 && number < 60,
    losesAnswer: (action) => {
      if (action !== 'CreateFleet') return false;
      fleets++;
      const happen = beforeReply.shift();
      happen?.();
      // The platform is killed before the first answer, so that is lost; of the others one more is.
      return happen !== undefined || fleets === 3;
    },
    isFull: (zone) => zone === `${region}a`,
    granted: (count) => Math.max(1, Math.ceil(0.7 * count)),
    works: (id) => {
      machines++;
      if (!neverRegisters(machines)) return true;
      dead.add(id);
      return false;
    },
    hiddenMs: 2000,
    bootMs: 500,
    noticeMs: 5000,
  };
  const ec2 = await startEc2Proxy(moto, harm, startMachine);
  test.after(() => ec2.close());
  return { ec2, dead, beforeReply };
};

it('many tasks are completed on instances of an EC2 that is not ours, through two crashes', {
  skip: skipWithoutMoto,
}, async (t) => {
  const { ec2, dead, beforeReply } = await aHostileEc2(t);
  const keys = { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' };
  let taken = 0;
  const { statuses, instances } = await completeThroughCrashes(t, {
    cloud: { endpoint: ec2.endpoint, certificate: ec2.certificate, instances: ec2.instances, keys },
    imageId,
    beforeReply,
    failSome: () => {
      const some = someOfWorking(ec2, dead);
      for (const instance of some) ec2.interrupt(instance);
      taken = some.length;
    },
  });
  const errors = ec2.calls.flatMap(({ error }) => error ?? []);
  assert.ok(errors.includes('RequestLimitExceeded') && taken > 0 && dead.size > 0);
  assert.ok(!errors.includes('IdempotentParameterMismatch'));
  // EC2 shows an order's instances by their tags, so none was started twice for an answer that was lost.
  assert.ok(ec2.calls.some(({ isLost }) => isLost));
  tell(t, statuses, { instances, taken, broken: 0, dead: dead.size });
  t.diagnostic(`${ec2.calls.length} calls of EC2, errors: ${[...new Set(errors)].join(', ')}`);
});
