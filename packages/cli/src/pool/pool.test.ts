import assert from 'node:assert/strict';
import { it } from 'node:test';
import { withCannedServer } from '../testing/canned-server.ts';

const decided = '2030-01-01T10:00:00.000Z';
const pool = {
  workerPoolId: 'prov/linux',
  providerId: 'local',
  config: { minCapacity: 0, maxCapacity: 8 },
  currentCapacity: 2,
  requestedCount: 0,
  runningCount: 1,
  stoppingCount: 0,
  stoppedCount: 3,
  requestedCapacity: 0,
  runningCapacity: 2,
  stoppingCapacity: 0,
};
const launch = { decisionId: 2, decided, times: 1, action: 'launch', count: 1, launchConfigId: 'lc' };
const ending = {
  decisionId: 1,
  decided,
  times: 1,
  action: 'terminate',
  workerGroup: 'g',
  workerId: 'w',
  count: 1,
};

const failure = {
  reported: decided,
  kind: 'creation-error',
  launchConfigId: 'lc',
  title: 'No such image',
  description: 'It is \u001b[31mgone.',
};
const worker = (workerId: string, state: string) => ({
  workerGroup: 'g',
  workerId,
  state,
  capacity: 4,
  providerId: 'local',
  launchConfigId: 'lc',
  created: decided,
  lastChecked: decided,
});

const pause = { workerPoolId: 'prov/linux', since: decided, reason: 'no money left' };

/** What the services answer, by what they are asked for. */
const answers: Readonly<Record<string, object>> = {
  'worker-manager/v1/worker-pools': { workerPools: [pool], continuationToken: 'more' },
  'worker-manager/v1/worker-pools?continuationToken=more': { workerPools: [] },
  'worker-manager/v1/worker-pool-pauses': {
    pauses: [pause],
  },
  'worker-manager/v1/worker-pool/prov%2Flinux': pool,
  'worker-manager/v1/worker-pool-decisions/prov%2Flinux?limit=20': {
    decisions: [
      { ...launch, reason: 'A task waits.', outcome: 'failed', trouble: 'No such image' },
      { ...ending, reason: 'It is idle.', outcome: 'done' },
    ],
  },
  'worker-manager/v1/worker-pool-errors/prov%2Flinux?limit=5': { workerPoolErrors: [failure] },
  'worker-manager/v1/worker-pool-errors/prov%2Flinux?limit=20': { workerPoolErrors: [failure] },
  'worker-manager/v1/worker-pool-errors/stats?workerPoolId=prov%2Flinux': {
    workerPoolId: 'prov/linux',
    totals: { total: 3, code: { 'InvalidAMIID.NotFound': 2, other: 1 } },
  },
  'worker-manager/v1/workers/prov%2Flinux': {
    workers: [worker('w', 'running'), worker('old', 'stopped')],
    continuationToken: 'next',
  },
  'worker-manager/v1/workers/prov%2Flinux?continuationToken=next': { workers: [worker('x', 'requested')] },
  'worker-manager/v1/workers/prov%2Flinux?state=stopped': { workers: [worker('old', 'stopped')] },
  'worker-manager/v1/worker-pool/prov%2Flinux/resume': pool,
  'queue/v1/task-queues/prov%2Flinux/counts': { pendingTasks: 4, claimedTasks: 2 },
};

const pausing = 'worker-manager/v1/worker-pool/prov%2Flinux/pause';

const run = withCannedServer(({ path, method }) => {
  const paused = { workerPoolId: 'prov/linux', pause };
  return path === pausing ? (method === 'GET' ? paused : pool) : answers[path];
});

const ofPools = async (...args: string[]) => {
  const { out, err } = await run('pool', ...args);
  assert.equal(err, '');
  return out;
};

it('lists pools with what their workers can run', async () => {
  assert.match(await ofPools('list'), /\nprov\/linux +local +0 +2 +0 +8 +paused\n$/);
});

it('says why a pool has the workers that it has', async () => {
  const said = await ofPools('explain', 'prov/linux');
  assert.match(said, /^capacity +2, at least 0, at most 8$/m);
  assert.match(said, /^paused +since 2030-01-01 10:00:00: no money left$/m);
  assert.match(said, /^tasks +4 pending, 2 claimed$/m);
  assert.match(said, /^ {2}2030-01-01 10:00:00 +launch +1 × lc +\[failed: No such image\] A task waits\.$/m);
  assert.match(said, /^ {2}2030-01-01 10:00:00 +terminate +g\/w +It is idle\.$/m);
  assert.match(said, /No such image\n {4}It is gone\.\n$/);
});

it('lists the workers that have not stopped, or those of a state', async () => {
  const said = await ofPools('workers', 'prov/linux');
  assert.match(
    said,
    /\ng\/w +running +4 +lc +local +2030-01-01 10:00:00 +2030-01-01 10:00:00\ng\/x +requested/,
  );
  assert.doesNotMatch(said, /g\/old/);
  assert.match(await ofPools('workers', 'prov/linux', '--state', 'stopped'), /\ng\/old +stopped/);
});

it('lists what went wrong, and how often', async () => {
  const said = await ofPools('errors', 'prov/linux');
  assert.match(said, /^3 in seven days: 2 × InvalidAMIID.NotFound, 1 × other\n/);
  assert.match(said, /creation-error {2}lc {2}No such image\n {4}It is gone\.\n$/);
});

it('pauses a pool and lets it go on', async () => {
  const paused = await ofPools('pause', 'prov/linux', '--reason', 'no money left');
  assert.match(paused, /^prov\/linux is paused/);
  assert.match(await ofPools('resume', 'prov/linux'), /^prov\/linux starts workers again/);
});

it('says all of it to programs', async () => {
  const said = JSON.parse(await ofPools('explain', 'prov/linux', '--json')) as { decisions: object[] };
  assert.equal(said.decisions.length, 2);
  const listed = JSON.parse(await ofPools('list', '--json')) as object[];
  assert.deepEqual(listed, [{ ...pool, pause }]);
});
