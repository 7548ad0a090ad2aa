import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, it } from 'node:test';
import { main } from '../main.ts';
import { memoryIo } from '../testing/memory-io.ts';

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

/** The replies of the services, by request. */
const answers: Readonly<Record<string, object>> = {
  'worker-manager/v1/worker-pools': { workerPools: [pool], continuationToken: 'more' },
  'worker-manager/v1/worker-pools?continuationToken=more': { workerPools: [] },
  'worker-manager/v1/worker-pool/prov%2Flinux': pool,
  'worker-manager/v1/worker-pool-decisions/prov%2Flinux?limit=20': {
    decisions: [
      { ...launch, reason: 'A task waits.', outcome: 'failed', trouble: 'No such image' },
      { ...ending, reason: 'It is idle.', outcome: 'done' },
    ],
  },
  'worker-manager/v1/worker-pool-errors/prov%2Flinux?limit=5': {
    workerPoolErrors: [
      {
        reported: decided,
        launchConfigId: 'lc',
        title: 'No such image',
        description: 'It is \u001b[31mgone.',
      },
    ],
  },
  'queue/v1/task-queues/prov%2Flinux/counts': { pendingTasks: 4, claimedTasks: 2 },
};

const server = createServer(({ url = '' }, reply) => {
  const found = answers[url.replace('/api/', '')];
  const missing = { code: 'ResourceNotFound', message: `There is no ${url}.`, requestInfo: {} };
  reply.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
  reply.end(JSON.stringify(found ?? missing));
});
before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
after(() => void server.close().closeAllConnections());

const ofPools = async (...args: string[]) => {
  const rootUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const world = memoryIo({ server: { rootUrl } });
  await main(['node', 'taskyard', 'pool', ...args], world.io);
  assert.equal(world.err(), '');
  return world.out();
};

it('lists pools with the capacity of their workers', async () => {
  assert.match(await ofPools('list'), /\nprov\/linux +local +0 +2 +0 +8\n$/);
});

it('explains why a pool has its workers', async () => {
  const said = await ofPools('explain', 'prov/linux');
  assert.match(said, /^capacity +2, at least 0, at most 8$/m);
  assert.match(said, /^tasks +4 pending, 2 claimed$/m);
  assert.match(said, /^ {2}2030-01-01 10:00:00 +launch +1 × lc +\[failed: No such image\] A task waits\.$/m);
  assert.match(said, /^ {2}2030-01-01 10:00:00 +terminate +g\/w +It is idle\.$/m);
  assert.match(said, /No such image\n {4}It is gone\.\n$/);
});

it('prints everything as JSON for programs', async () => {
  const said = JSON.parse(await ofPools('explain', 'prov/linux', '--json')) as { decisions: object[] };
  assert.equal(said.decisions.length, 2);
});
