import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { now } from './chaos/history.ts';
import { assertInvariants } from './support/invariants.ts';
import { aLoadTask, startLoad } from './support/load.ts';
import { aPatroniCluster, type Member, noPatroni } from './support/patroni.ts';
import { aHome, type Platform } from './support/platform.ts';

// It takes longer than CI has, also where Patroni is there.
const isWanted = process.env.TASKYARD_TEST_WHOLE !== undefined;
const reason = isWanted ? noPatroni : 'TASKYARD_TEST_WHOLE is not set';

/** Waits until a task can be created, for which there is no worker; returns its id. */
const createTask = async ({ rootUrl, credentials }: Platform): Promise<string> => {
  const queue = new Queue({ rootUrl, credentials, retries: 0 });
  const taskId = slugid();
  const task = aLoadTask('completed', { taskQueueId: 'nobody/works' });
  await eventually('a task to be created', () =>
    queue.createTask(taskId, task).then(
      () => true,
      () => false,
    ),
  );
  return taskId;
};

it('a platform loses nothing when Patroni moves its primary, and when the primary is killed or paused', {
  skip: reason,
}, async (t) => {
  const cluster = await aPatroniCluster(t);
  let primary = await cluster.primary();
  await cluster.untilSafe();
  const home = await aHome(t);
  const env = { DATABASE_URL: cluster.url, PROCESSES: '2', WORKER: 'false', LOG_LEVEL: 'fatal' };
  const platform = await home.start({ ...env, TASK_CLAIM_TIMEOUT: '4' });
  const acknowledged = new Set<string>();
  const moves: readonly [string, (from: Member) => Promise<void>, (from: Member) => void][] = [
    ['asked to move', (from) => cluster.switchOver(from), () => {}],
    ['killed with its Patroni', (from) => from.kill(), (from) => from.start()],
    ['paused with its Patroni', async (from) => from.pause(), (from) => from.resume()],
  ];
  for (const [name, strike, mend] of moves) {
    const former = primary;
    const load = startLoad(() => platform, { rounds: 20 });
    await load.more(30);
    const since = now();
    await strike(former);
    const created = createTask(platform).then((taskId) => ({ taskId, after: now() - since }));
    primary = await cluster.primary(former);
    const moved = now() - since;
    const { taskId, after } = await created;
    await new Queue(platform).cancelTask(taskId);
    t.diagnostic(`${name}: another primary after ${moved} ms; a task was created after ${after} ms`);
    await cluster.untilSafe();
    await load.done;
    mend(former);
    for (const id of [taskId, ...load.acknowledged]) acknowledged.add(id);
  }
  const rest = startLoad(() => platform, { rounds: 2 });
  await rest.done;
  assert.equal(await platform.stop(), 0);
  for (const id of rest.acknowledged) acknowledged.add(id);
  await assertInvariants(cluster.urlOf(primary), { acknowledged });
});
