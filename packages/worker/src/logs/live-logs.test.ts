import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { openTunnel } from '../tunnel/index.ts';
import { openDirectLogs } from './direct-logs.ts';
import { openLogsByTunnel } from './logs-by-tunnel.ts';
import { PublishedLogs } from './published-logs.ts';
import { openTaskLog } from './task-log.ts';
import { liveLogsSuite } from './testing/live-logs-suite.ts';
import { openTunnelEnd } from './testing/tunnel-end.ts';

const byTunnel = async (t: TestContext, { isUnknown = false } = {}) => {
  const end = await openTunnelEnd({ isUnknown });
  t.after(() => end.close());
  const logs = new PublishedLogs();
  const tunnel = openTunnel({
    clock: systemClock,
    log: { info: () => {}, warn: () => {}, error: () => {} },
    rootUrl: end.rootUrl,
    credentials: () => ({ clientId: 'worker', accessToken: 'secret' }),
    identity: { taskQueueId: 'prov/type', workerGroup: 'hall', workerId: 'one' },
    instance: 'instance',
    answer: (request, begin) => logs.answer(request, begin),
    speakerAt: () => undefined,
  });
  const shown = openLogsByTunnel(tunnel, logs);
  const close = async (): Promise<void> => {
    await tunnel.close();
    await shown.close();
  };
  return { ...shown, close };
};

liveLogsSuite('direct-logs', () => openDirectLogs('127.0.0.1'));
liveLogsSuite('logs-by-tunnel', byTunnel);

const aLog = async (t: TestContext) => {
  const log = await openTaskLog(join(await temporaryDirectory(t), 'live.log'), systemClock);
  t.after(() => log.close());
  return log;
};

test('a server without tunnels has logs shown at an address of this machine', async (t) => {
  const log = await aLog(t);
  const logs = await byTunnel(t, { isUnknown: true });
  t.after(() => logs.close());
  log.output.write('line\n');
  const url = await logs.publish(log).url;
  await log.close();
  assert.equal(await (await fetch(url)).text(), 'line\n');
});

test("the worker's own lines begin where a line begins", async (t) => {
  const log = await aLog(t);
  log.output.write('no newline');
  log.error('first\nsecond');
  log.warn('careful');
  log.info('third');
  await log.close();
  const lines = (await readFile(log.path, 'utf8')).split('\n');
  assert.deepEqual(lines.slice(0, 4), [
    'no newline',
    '[taskcluster:error] first',
    '[taskcluster:error] second',
    '[taskcluster:warn] careful',
  ]);
  assert.match(lines[4] ?? '', /^\[taskcluster \d{4}-\d\d-\d\dT[\d:.]+Z\] third$/);
});
