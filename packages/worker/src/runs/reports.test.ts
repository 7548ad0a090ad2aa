import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { Queue } from '@taskyard/client';
import { eventually, within } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { statusOf } from '../retry.ts';
import { type FakeQueue, startFakeQueue } from '../testing/fake-queue.ts';
import { openReports, type Reports, type RunReport } from './reports.ts';
import { completed, failed, type Resolution } from './resolution.ts';

describe('the reports of a worker', () => {
  let queue: FakeQueue;
  let reports: Reports;
  beforeEach(async () => {
    queue = await startFakeQueue();
    const credentials = { clientId: 'worker', accessToken: 'secret' };
    reports = openReports({
      clock: systemClock,
      taskQueueId: 'test/worker',
      connect: () => new Queue({ rootUrl: queue.rootUrl, credentials, retries: 0 }),
    });
  });
  afterEach(() => queue.close());

  const aReport = (resolution: Resolution, isClaimed = true): RunReport => {
    const taskId = queue.addTask({});
    if (isClaimed) queue.claim(queue.find(taskId), { workerGroup: 'group', workerId: 'worker' });
    const credentials = { clientId: `claim-of-${taskId}`, accessToken: 'secret' };
    return {
      taskId,
      runId: 0,
      queue: new Queue({ rootUrl: queue.rootUrl, credentials, retries: 0 }),
      ...resolution,
    };
  };
  const send = (report: RunReport) => reports.send(report, new AbortController().signal);
  const paths = (): string[] => queue.requests.map(({ path }) => path);
  const single = ({ taskId, state }: RunReport): string => `/task/${taskId}/runs/0/${state}`;

  it('goes by itself when no other falls together with it, signed by its claim', async () => {
    const report = aReport(completed);
    await send(report);
    assert.deepEqual(queue.requests, [
      { method: 'POST', path: single(report), clientId: `claim-of-${report.taskId}` },
    ]);
    assert.equal(queue.run(report.taskId).state, 'completed');
  });

  it('gather while a call is on its way, even one that hangs, and each has its own answer', async () => {
    const first = aReport(completed);
    queue.hold((path) => path === single(first));
    const [a, b, unclaimed] = [
      aReport(failed),
      aReport({ state: 'exception', reason: 'resource-unavailable', lacksInput: true }),
      aReport(completed, false),
    ];
    const held = send(first);
    const [ofA, ofB, ofUnclaimed] = await within(
      'the reports after one that hangs',
      Promise.allSettled([send(a), send(b), send(unclaimed)]),
    );
    assert.deepEqual(paths(), [single(first), '/report-runs/test%2Fworker']);
    assert.equal(queue.requests[1]?.clientId, 'worker');
    assert.deepEqual([ofA?.status, ofB?.status], ['fulfilled', 'fulfilled']);
    assert.equal(ofUnclaimed?.status === 'rejected' && statusOf(ofUnclaimed.reason), 409);
    assert.deepEqual(
      [a, b, unclaimed].map(({ taskId }) => [queue.run(taskId).state, queue.run(taskId).reason]),
      [
        ['failed', 'failed'],
        ['exception', 'resource-unavailable'],
        ['pending', undefined],
      ],
    );
    queue.letGo();
    await held;
  });

  it('leave nothing at the signals of their runs, which a worker has for as long as it lives', async () => {
    const signals = Array.from({ length: 3 }, () => new AbortController().signal);
    await Promise.all(signals.map((signal) => reports.send(aReport(completed), signal)));
    assert.ok(paths().some((path) => path.startsWith('/report-runs')));
    // The list has settled its reports just before it lets go of their signals.
    await eventually('no listeners to be left', () =>
      signals.every((signal) => getEventListeners(signal, 'abort').length === 0),
    );
  });

  it('all go by themselves to a queue that takes no lists', async () => {
    queue.fail((path) => (path.startsWith('/report-runs') ? 404 : undefined));
    const all = Array.from({ length: 3 }, () => aReport(completed));
    await Promise.all(all.map(send));
    const again = Array.from({ length: 3 }, () => aReport(completed));
    await Promise.all(again.map(send));
    for (const { taskId } of [...all, ...again]) assert.equal(queue.run(taskId).state, 'completed');
    assert.equal(paths().filter((path) => path.startsWith('/report-runs')).length, 1);
  });

  it('all learn that the queue could not take their list, so that each is sent again', async () => {
    queue.fail((path) => (path.startsWith('/report-runs') ? 503 : undefined));
    const [first, ...rest] = await Promise.allSettled(
      Array.from({ length: 3 }, () => send(aReport(completed))),
    );
    assert.equal(first?.status, 'fulfilled');
    assert.deepEqual(
      rest.map((one) => one.status === 'rejected' && statusOf(one.reason)),
      [503, 503],
    );
  });

  it('are given up when the claim is lost, without harm to the others of the list', async () => {
    const lost = new AbortController();
    queue.hold((path) => path.startsWith('/report-runs'));
    const first = send(aReport(completed));
    const [given, kept] = [aReport(completed), aReport(completed)];
    const givenUp = reports.send(given, lost.signal);
    const sent = send(kept);
    await queue.until(() => paths().some((path) => path.startsWith('/report-runs')));
    lost.abort(new Error('lost'));
    await assert.rejects(within('the report of a lost claim', givenUp), /lost/);
    queue.letGo();
    await Promise.all([first, sent]);
    assert.equal(queue.run(kept.taskId).state, 'completed');
  });
});
