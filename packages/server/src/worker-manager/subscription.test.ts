import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { seconds, transact } from '../base/index.ts';
import { taskTimes } from './store/index.ts';
import { aGround, aMachinePool, type Ground } from './testing/index.ts';

let ground: Ground;
before(async () => {
  ground = await aGround();
});
after(() => ground.test.drop());

const ended = (taskQueueId: string, lastedMs: number) => ({
  exchange: 'exchange/taskcluster-queue/v1/task-completed',
  routingKey: '',
  routes: [],
  body: {
    status: {
      taskQueueId,
      runs: [
        { runId: 0, started: '2030-01-01T00:00:00.000Z' },
        {
          runId: 1,
          started: '2030-01-01T00:00:00.000Z',
          resolved: new Date(Date.UTC(2030, 0, 1) + lastedMs).toJSON(),
        },
      ],
    },
    runId: 1,
  },
});

it('is known how long tasks took lately, of pools that want to know', async () => {
  const { context, test } = ground;
  const workerPoolId = await aMachinePool(ground, { provisioning: { aimedPendingSeconds: 60 } });
  await aMachinePool(ground);
  const provisioning = context.loops.find(({ name }) => name === 'provision');
  await provisioning?.step(100);
  const [provisionerId, workerType] = workerPoolId.split('/');
  const patterns = context.subscription.bindings().map(({ routingKeyPattern }) => routingKeyPattern);
  assert.deepEqual(patterns, Array(2).fill(`primary.*.*.*.*.${provisionerId}.${workerType}.#`));
  assert.equal(context.subscription.bindings(), context.subscription.bindings());
  const handle = (...lastedMs: number[]) =>
    transact(context, (tx) =>
      context.subscription.handle(
        tx,
        lastedMs.map((ms) => ended(workerPoolId, ms)),
      ),
    );
  await handle(seconds(10), seconds(20));
  assert.equal((await taskTimes(test.db, [workerPoolId]))[0]?.meanMs, seconds(15));
  await handle(...Array<number>(1000).fill(seconds(30)));
  const [known] = await taskTimes(test.db, [workerPoolId]);
  assert.ok(known && known.meanMs > seconds(29), 'the latest tasks count most');
  await context.deletePool({ workerPoolId });
  await context.loops.find(({ name }) => name === 'expire-worker-pools')?.step(100);
  assert.deepEqual(await taskTimes(test.db, [workerPoolId]), []);
});
