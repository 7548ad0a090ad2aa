import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { followEvents, slugid } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import pg from 'pg';
import { aLine, aTask, type BrokenCall, type Line, twoLines } from './support/line.ts';
import { scrape, total } from './support/metrics.ts';
import { aHome, type Platform, taskyardItself } from './support/platform.ts';
import { databaseUrlIn } from './support/postgres.ts';
import { apiProcessesOf, childrenOf, processes } from './support/processes.ts';

const env = { PROCESSES: '2', WORKER: 'false' };
const taskQueueId = 'example/processes';
const worker = { workerGroup: 'example', workerId: 'one', tasks: 1 };

interface Claims {
  readonly tasks: readonly { readonly status: { readonly taskId: string } }[];
}

/** All of these tasks are there. */
const requireAll = async (lines: readonly Line[], taskIds: readonly string[]): Promise<void> => {
  const isThere = async (line: Line, taskId: string) =>
    assert.equal((await line.call('GET', `queue/v1/task/${taskId}/status`)).status, 200);
  await Promise.all(taskIds.map((taskId, i) => isThere(lines[i % lines.length] as Line, taskId)));
};

const create = async (line: Line, taskId = slugid()): Promise<string> => {
  const { status } = await line.call('PUT', `queue/v1/task/${taskId}`, aTask(taskQueueId));
  assert.equal(status, 200);
  return taskId;
};

/** A platform of two processes that serve the API, and a connection to each. */
interface TwoProcesses {
  readonly home: Awaited<ReturnType<typeof aHome>>;
  readonly platform: Platform;
  readonly here: Line;
  readonly there: Line;
}

/** What must hold across the processes. What wakes them, without a poll, is shown in wake-ups.test.ts of the server. */
const acrossProcesses: readonly (readonly [string, (two: TwoProcesses) => Promise<void>])[] = [
  [
    'all of which listen to what wakes them',
    async ({ home }) => {
      const client = new pg.Client({ connectionString: await databaseUrlIn(home.path) });
      await client.connect();
      const { rows } = await client.query(
        `select pid from pg_stat_activity where application_name = 'taskyard-listen'`,
      );
      await client.end();
      assert.equal(rows.length, 3, 'two that serve the API, and the main process');
    },
  ],
  [
    'a worker that waits at one is given what is created at the other',
    async ({ home, here, there }) => {
      const waiting = here.call('POST', `queue/v1/claim-work/${taskQueueId}`, worker);
      await eventually('the worker to find nothing, and to wait', async () => {
        const samples = await scrape(home);
        // In the main process, built-in workers wait and look as well.
        return ['1', '2'].some(
          (process) =>
            total(samples, 'taskyard_batch_items_count', { process, verb: 'claim-work' }) > 0 &&
            total(samples, 'taskyard_claim_work_waiting', { process }) === 1,
        );
      });
      const taskId = await create(there);
      const { tasks } = (await within('the worker to get the task', waiting)).body as Claims;
      assert.deepEqual(
        tasks.map(({ status }) => status.taskId),
        [taskId],
      );
    },
  ],
  [
    'a stream of events tells what happens at both',
    async ({ platform, here, there }) => {
      const stop = new AbortController();
      const told = new Set<string>();
      let created: Promise<string[]> | undefined;
      const stream = followEvents<{ status: { taskId: string } }>({
        rootUrl: platform.rootUrl,
        credentials: platform.credentials,
        bindings: [{ exchange: 'exchange/taskcluster-queue/v1/task-pending', routingKeyPattern: '#' }],
        signal: stop.signal,
        onConnect: () => {
          created ??= Promise.all([create(here), create(there)]);
        },
      });
      for await (const { payload } of stream) {
        told.add(payload.status.taskId);
        if (told.size === 2) break;
      }
      assert.deepEqual([...told].sort(), (await created)?.sort());
      stop.abort();
    },
  ],
  [
    'a client that is disabled at one is refused by the other soon',
    async ({ platform, here }) => {
      const clientId = 'example/client';
      const { body, status } = await here.call('PUT', `auth/v1/clients/${encodeURIComponent(clientId)}`, {
        expires: new Date(Date.now() + 3_600_000).toJSON(),
        description: 'For a test',
        scopes: ['auth:current-scopes'],
      });
      assert.equal(status, 200, JSON.stringify(body));
      const { accessToken } = body as { accessToken: string };
      const [one, other] = await twoLines({ ...platform, credentials: { clientId, accessToken } });
      for (const line of [one, other])
        assert.equal((await line.call('GET', 'auth/v1/scopes/current')).status, 200);
      await here.call('POST', `auth/v1/clients/${encodeURIComponent(clientId)}/disable`);
      await eventually('both to refuse the client', async () => {
        const answers = await Promise.all(
          [one, other].map((line) => line.call('GET', 'auth/v1/scopes/current')),
        );
        return answers.every(({ status }) => status === 401);
      });
      await here.call('POST', `auth/v1/clients/${encodeURIComponent(clientId)}/enable`);
      await eventually(
        'the other to admit the client again',
        async () => (await other.call('GET', 'auth/v1/scopes/current')).status === 200,
      );
      for (const line of [one, other]) line.close();
    },
  ],
  [
    'a quarantine that is ordered at one holds at the other',
    async ({ here, there }) => {
      const path = `queue/v1/provisioners/example/worker-types/processes/workers/example/one`;
      const quarantineUntil = new Date(Date.now() + 3_600_000).toJSON();
      assert.equal((await here.call('PUT', path, { quarantineUntil })).status, 200);
      await eventually('the other to refuse the worker', async () => {
        const claim = `queue/v1/task/${await create(here)}/runs/0/claim`;
        const { status, body } = await there.call('POST', claim, { workerGroup: 'example', workerId: 'one' });
        assert.equal(status, 200);
        // The reply to a worker in quarantine: no task.
        return Object.keys(body as object).length === 0;
      });
    },
  ],
];

describe('a platform of several processes', () => {
  it('wakes workers, readers of events and caches in all of them', async (t) => {
    const home = await aHome(t, taskyardItself);
    const platform = await home.start({ ...env, METRICS_PORT: '0' });
    const [here, there] = await twoLines(platform);

    for (const [name, hold] of acrossProcesses)
      await t.test(name, () => hold({ home, platform, here, there }));
    for (const line of [here, there]) line.close();
  });

  it('replaces one that is killed, and has lost nothing that it acknowledged', async (t) => {
    const platform = await (await aHome(t)).start(env);
    const lines = Array.from({ length: 6 }, () => aLine(platform));
    const acknowledged: string[] = [];
    let isOver = false;
    const work = lines.map(async (line) => {
      // A caller whose process is killed during a call gets no reply, and repeats the call.
      while (!isOver)
        await create(line).then(
          (taskId) => acknowledged.push(taskId),
          () => {},
        );
    });
    await eventually('50 tasks', () => acknowledged.length > 50);
    const before = apiProcessesOf(platform.process.pid);
    assert.equal(before.length, 2);
    const killed = before[0] as number;
    process.kill(killed, 'SIGKILL');
    const soFar = acknowledged.length;
    await eventually('a process in the place of the killed one', () => {
      const now = apiProcessesOf(platform.process.pid);
      return now.length === 2 && !now.includes(killed);
    });
    await eventually('50 more tasks', () => acknowledged.length > soFar + 50);
    isOver = true;
    await Promise.all(work);
    // The new one serves too.
    const [one, other] = await twoLines(platform);
    await requireAll([one, other], acknowledged);
    for (const line of [...lines, one, other]) line.close();
  });

  for (const count of ['1', '2']) {
    it(`says that it will end, and replies to every request until it accepts no more connections, with ${count}`, async (t) => {
      const home = await aHome(t);
      const platform = await home.start({ ...env, PROCESSES: count, DRAIN_DELAY: '2' });
      const lines = Array.from({ length: 8 }, () => aLine(platform));
      const acknowledged: string[] = [];
      const unanswered: string[] = [];
      const work = lines.map(async (line) => {
        for (;;) {
          const taskId = slugid();
          try {
            acknowledged.push(await create(line, taskId));
          } catch (error) {
            const { code, isFirst } = error as BrokenCall;
            // A connection that still waits to be accepted when the port is closed is reset; the next one is refused.
            if (code !== 'ECONNRESET' || !isFirst) return code;
            unanswered.push(taskId);
          }
        }
      });
      const waiting = aLine(platform).call('POST', 'queue/v1/claim-work/example/nothing', worker);
      await eventually('100 tasks', () => acknowledged.length > 100);
      const isAsked = async () => (await fetch(`${platform.rootUrl}/__lbheartbeat__`)).status;
      assert.equal(await isAsked(), 200);
      const stopped = platform.stop();
      await eventually('the word that it will end', isAsked, (status) => status === 503);
      const soFar = acknowledged.length;
      assert.equal(await stopped, 0);
      assert.ok(acknowledged.length > soFar, 'requests are still replied to');
      assert.deepEqual(
        await Promise.all(work),
        lines.map(() => 'ECONNREFUSED'),
      );
      assert.deepEqual((await waiting).body, { tasks: [] });
      const next = aLine(await home.start(env));
      await requireAll([next], acknowledged);
      for (const taskId of unanswered)
        assert.equal((await next.call('GET', `queue/v1/task/${taskId}/status`)).status, 404, taskId);
      next.close();
    });
  }

  it('ends completely when its main process is killed', async (t) => {
    const platform = await (await aHome(t)).start(env);
    const children = childrenOf(platform.process.pid);
    assert.ok(children.length >= 3, 'the database and two processes');
    await platform.kill();
    await eventually('the end of all processes', () => {
      const left = processes();
      return children.every((pid) => !left.has(pid) || left.get(pid)?.command.includes('defunct'));
    });
  });
});
