import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { type Clock, later, minutes, systemClock } from './clock.ts';
import { selfQuarantine } from './self-quarantine.ts';
import { aWorker, sh } from './testing/a-worker.ts';
import { silentLog } from './worker-log.ts';
import type { WorkerOptions } from './worker-options.ts';

/** A worker whose runs can be made to fail through no fault of their tasks. */
const aScene = async (t: TestContext) => {
  let aheadMs = 0;
  let pauses = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => later(systemClock.now(), aheadMs),
    sleep: (ms, signal) => {
      pauses++;
      return systemClock.sleep(Math.min(ms, 20), signal);
    },
  };
  const scene = await aWorker(t, { clock });
  await scene.worker.started;
  const runs = join(scene.workDir, 'runs');
  return {
    ...scene,
    breakDown: async () => {
      await rm(runs, { recursive: true });
      await writeFile(runs, 'no directory');
    },
    mend: async () => {
      await rm(runs);
      await mkdir(runs);
    },
    run: (script = 'true') => scene.queue.resolved(scene.queue.addTask(sh(script))),
    passAnHour: () => {
      aheadMs += minutes(61);
    },
    /** Lets the worker have this many turns at claiming. */
    turns: async (count: number) => {
      const end = pauses + count;
      await eventually('the worker to have its turns', () => pauses >= end);
    },
  };
};

const failThrice = async ({ breakDown, run }: Awaited<ReturnType<typeof aScene>>): Promise<void> => {
  await breakDown();
  for (let i = 0; i < 3; i++) assert.equal((await run()).reason, 'internal-error');
};

test('a worker that meets three faults of its own in a row quarantines itself with the reason, for an hour', async (t) => {
  const scene = await aScene(t);
  await failThrice(scene);
  await scene.queue.until(() => scene.queue.quarantines.length > 0);
  assert.match(
    scene.queue.quarantines[0] ?? '',
    /^3 runs in a row .*: (internal-error of [\w-]+\/0(, )?){3}$/,
  );
  await scene.mend();
  const taskId = scene.queue.addTask(sh('true'));
  await scene.turns(20);
  assert.equal(scene.queue.run(taskId).state, 'pending');
  scene.passAnHour();
  assert.equal((await scene.queue.resolved(taskId)).state, 'completed');
  assert.equal(scene.queue.quarantines.length, 1);
});

test('a worker that may not quarantine itself takes no tasks all the same', async (t) => {
  const scene = await aScene(t);
  scene.queue.fail((path) => (path.includes('/provisioners/') ? 403 : undefined));
  await failThrice(scene);
  await scene.mend();
  const taskId = scene.queue.addTask(sh('true'));
  await scene.turns(20);
  assert.equal(scene.queue.run(taskId).state, 'pending');
  scene.passAnHour();
  assert.equal((await scene.queue.resolved(taskId)).state, 'completed');
});

test('faults with a run between them that ended otherwise are none in a row', async (t) => {
  const { queue, breakDown, mend, run } = await aScene(t);
  await breakDown();
  for (let i = 0; i < 2; i++) await run();
  await mend();
  assert.equal((await run('exit 1')).state, 'failed');
  await breakDown();
  for (let i = 0; i < 2; i++) assert.equal((await run()).reason, 'internal-error');
  await mend();
  assert.equal((await run()).state, 'completed');
  assert.deepEqual(queue.quarantines, []);
});

test('images and mounts that cannot be had are no faults of the worker, since tasks choose them', async (t) => {
  const { rootUrl } = (await aWorker(t)).queue;
  const credentials = { clientId: 'worker', accessToken: 'secret' };
  const options = { rootUrl, credentials, taskQueueId: 'a/b', workerGroup: 'group', workerId: 'one' };
  const watch = selfQuarantine(options as WorkerOptions, { clock: systemClock, log: silentLog });
  const mayClaim = watch.unlessQuarantined(async () => true);
  const run = { taskId: 'a', runId: 0 };
  for (let i = 0; i < 5; i++)
    watch.note(run, { state: 'exception', reason: 'resource-unavailable', lacksInput: true });
  assert.equal(await mayClaim(), true);
  for (let i = 0; i < 3; i++) watch.note(run, { state: 'exception', reason: 'resource-unavailable' });
  assert.equal(await mayClaim(), false);
});
