import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { locateArtifact, Queue } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import pg from 'pg';
import { runProgram } from './support/command.ts';
import {
  aMachine,
  aViewer,
  createTask,
  environmentOf,
  go,
  liveUrl,
  resolved,
  startWorker,
} from './support/live-logs.ts';
import { scrape, total } from './support/metrics.ts';
import { aHome, taskyard } from './support/platform.ts';
import { databaseUrlIn } from './support/postgres.ts';
import { isAlive } from './support/processes.ts';

const statusOfUrl = async (url: string, headers = {}): Promise<number> => {
  const response = await fetch(url, { headers });
  await response.body?.cancel();
  return response.status;
};

const countTunnels = async (home: string): Promise<number> => {
  const client = new pg.Client({ connectionString: await databaseUrlIn(home) });
  await client.connect();
  try {
    return (await client.query('select 1 from tunnels')).rows.length;
  } finally {
    await client.end();
  }
};

describe('live logs through the server', () => {
  it('are read by many at once, in every process, while the task runs', async (t) => {
    const home = await aHome(t);
    const platform = await home.start({ PROCESSES: '2', METRICS_PORT: '0' }, undefined, '--no-worker');
    const { rootUrl, credentials } = platform;
    const machine = await aMachine(t);
    startWorker(t, platform, machine);
    const queue = new Queue({ rootUrl, credentials });
    const taskId = await createTask(queue, machine, {
      steps: ['echo one', 'echo two', 'yes 0123456789abcde | head -c 8000000', 'echo three'],
    });
    const url = await liveUrl(queue, taskId);
    assert.equal(new URL(url).origin, rootUrl, 'an address of the server');

    // Connections go to the processes in turn, so these reach both.
    const viewers = await Promise.all(Array.from({ length: 4 }, () => aViewer(url)));
    await go(machine, 0);
    for (const viewer of viewers) await viewer.sees('one\n');
    await go(machine, 1);
    const [first] = await Promise.all(viewers.map((viewer) => viewer.sees('two\n')));
    const header = Buffer.byteLength(first ?? '') - 'one\ntwo\n'.length;

    await t.test('from where a viewer left off, as text that cannot act', async () => {
      const later = await Promise.all(Array.from({ length: 3 }, () => aViewer(`${url}?from=${header + 4}`)));
      for (const { sees, response } of later) {
        assert.equal(await sees('two\n'), 'two\n');
        assert.equal(response.headers['x-log-offset'], String(header + 4));
        assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8');
        assert.equal(response.headers['x-content-type-options'], 'nosniff');
        assert.match(String(response.headers['content-security-policy']), /sandbox/);
        response.destroy();
      }
      const part = await fetch(url, { headers: { range: `bytes=${header}-${header + 2}` } });
      assert.deepEqual([part.status, await part.text()], [206, 'one']);
      assert.equal(part.headers.get('content-range'), `bytes ${header}-${header + 2}/*`);
      assert.equal(await statusOfUrl(url, { range: 'bytes=99999999-' }), 416);
      assert.equal((await fetch(url, { method: 'HEAD' })).status, 200);
    });

    await t.test('and are counted, as are those who read them', async () => {
      const samples = await scrape(home);
      assert.equal(total(samples, 'taskyard_tunnels'), 1);
      assert.equal(total(samples, 'taskyard_tunnel_replies_total', { status: '416' }), 1);
      await eventually(
        'the four who go on to be all readers',
        async () => total(await scrape(home), 'taskyard_tunnel_viewers'),
        (count) => count === viewers.length,
      );
      const sent = total(await scrape(home), 'taskyard_tunnel_sent_bytes_total');
      assert.ok(sent >= viewers.length * (header + 'one\ntwo\n'.length), `${sent} bytes`);
    });

    await t.test('by nobody who does not know the path', async () => {
      assert.equal(await statusOfUrl(`${url.slice(0, -1)}!`), 404);
      assert.equal(await statusOfUrl(new URL('/tunnels/nobody/log/x', url).href), 404);
      // What only the server may ask of a worker.
      assert.equal(await statusOfUrl(url.replace(/\/log\/.*/, '/proof')), 404);
    });

    await t.test('by slow viewers, without blocking others or the task', async () => {
      const slow = await aViewer(url);
      slow.response.pause();
      await go(machine, 2);
      for (const viewer of viewers) await viewer.sees('0123456789abcde\n0123456789abcde\n');
      await go(machine, 3);
      assert.equal(await resolved(queue, taskId), 'completed');
      slow.response.resume();
      const texts = await within('the end of all', Promise.all([slow, ...viewers].map(({ all }) => all)));
      const [whole = ''] = texts as string[];
      assert.ok(texts.every((one) => one === whole));
      assert.match(whole.slice(-1000), /^three\n\[taskcluster /m);
      const kept = await runProgram(process.execPath, [taskyard, 'task', 'log', taskId], {
        env: environmentOf(platform),
      });
      assert.equal(kept.out, whole);
    });

    await t.test('until the task has ended: then the path is gone, and soon the tunnel', async () => {
      await eventually('the path to be gone', async () => (await statusOfUrl(url)) === 404);
      await eventually('the tunnel to be closed', async () => (await countTunnels(home.path)) === 0);
      const samples = await scrape(home);
      assert.equal(total(samples, 'taskyard_tunnels'), 0);
      assert.equal(total(samples, 'taskyard_tunnels_ended_total', { reason: 'ended' }), 1);
    });

    await t.test('by callers with the scope of the artifact', async (t) => {
      const folder = await aMachine(t);
      const name = 'private/secret.log';
      const taskId = await createTask(queue, folder, {
        steps: ['echo secret'],
        payload: { logs: { live: name, backing: 'private/secret_backing.log' } },
      });
      const url = await liveUrl(queue, taskId, name);
      const asking = (options: object) =>
        locateArtifact(new Queue({ rootUrl, ...options }), { taskId, runId: 0, name });
      const refused = { code: 'InsufficientScopes' };
      await assert.rejects(
        asking({ credentials, authorizedScopes: ['queue:get-artifact:public/*'] }),
        refused,
      );
      await assert.rejects(asking({}), refused);
      const allowed = await asking({ credentials, authorizedScopes: [`queue:get-artifact:${name}`] });
      assert.equal(allowed.url, url);
      await go(folder, 0);
      await resolved(queue, taskId);
    });

    await t.test('from the worker itself, when it is configured so', async (t) => {
      const folder = await aMachine(t);
      const env = {
        TASKYARD_WORKER_LIVE_LOG_ADDRESS: '127.0.0.2',
        TASKYARD_WORKER_TASK_QUEUE_ID: 'example/direct',
      };
      startWorker(t, platform, folder, { env });
      const taskId = await createTask(queue, folder, { steps: ['echo here'], taskQueueId: 'example/direct' });
      const url = await liveUrl(queue, taskId);
      assert.equal(new URL(url).hostname, '127.0.0.2');
      const viewer = await aViewer(url);
      await go(folder, 0);
      assert.equal(await resolved(queue, taskId), 'completed');
      assert.match(await viewer.all, /here\n\[taskcluster /);
    });

    await t.test('a task that is canceled ends at once, long before its claim is renewed', async (t) => {
      const folder = await aMachine(t);
      const pidOf = (taskId: string): Promise<number> =>
        eventually(
          'the task to run',
          async () => Number(await readFile(join(folder, taskId), 'utf8').catch(() => '')),
          (pid) => pid > 0,
        );
      // The worker's call waits in one of the two processes. The second task begins while it does.
      const start = async () => {
        const script = `echo $$ > ${folder}/$TASK_ID; exec sleep 600`;
        const payload = { command: [['sh', '-c', script]], maxRunTime: 600 };
        const taskId = await createTask(queue, folder, { steps: [], payload });
        return { taskId, pid: await pidOf(taskId) };
      };
      const tasks = [await start(), await start()];
      for (const { taskId, pid } of tasks) {
        await new Queue({ rootUrl, credentials }).cancelTask(taskId);
        await eventually('its process to be gone', () => !isAlive(pid));
      }
    });
  });
});
