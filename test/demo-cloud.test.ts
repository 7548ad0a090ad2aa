import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { Queue, slugid, WorkerManager } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import type { Page } from 'playwright-core';
import { launchBrowser, signedInPage, skipWithoutBrowser } from './support/browser.ts';
import { aHome, type Platform } from './support/platform.ts';

const workerPoolId = 'demo/cloud';

/** The page of the pool, where there is a browser. */
const poolPage = async (t: TestContext, platform: Platform): Promise<Page | undefined> => {
  if (skipWithoutBrowser) return undefined;
  const browser = await launchBrowser();
  t.after(() => browser.close());
  const { page } = await signedInPage(browser, platform);
  await page.goto(`/worker-manager/${workerPoolId}`);
  await page.getByText('0 requested, 0 running').waitFor();
  return page;
};

it('serve --demo-cloud runs tasks on instances that register by their signed identity', async (t) => {
  const home = await aHome(t);
  const platform = await home.start({ WORKER: 'false' }, undefined, '--demo-cloud');
  const { rootUrl, credentials } = platform;
  const page = await poolPage(t, platform);
  const queue = new Queue({ rootUrl, credentials });
  const taskId = slugid();
  await queue.createTask(taskId, {
    taskQueueId: workerPoolId,
    created: new Date().toJSON(),
    deadline: new Date(Date.now() + 3_600_000).toJSON(),
    payload: { command: [['true']], maxRunTime: 60 },
    metadata: { name: 'a task', description: '', owner: 'test@example.com', source: 'https://example.com/' },
  });
  await eventually(
    'the task to be completed',
    () => queue.status(taskId),
    ({ status }) => status.state === 'completed',
  );
  // The pool grows, and shrinks again when it has nothing to do.
  await page?.getByText('launch 1', { exact: true }).waitFor();
  await page?.getByText('0 requested, 1 running, 0 stopping').waitFor();
  const manager = new WorkerManager({ rootUrl, credentials });
  const { workers } = await manager.listWorkersForWorkerPool(workerPoolId);
  assert.deepEqual(
    workers.map(({ providerId, launchConfigId }) => ({ providerId, launchConfigId })),
    [{ providerId: 'demo-cloud', launchConfigId: 'spot' }],
  );
  assert.match(workers[0]?.workerId ?? '', /^i-[0-9a-f]{17}$/);
  await page?.getByText('0 requested, 0 running, 0 stopping').waitFor();
  await page?.reload();
  await page?.getByRole('img', { name: /hours of workers in the last week/ }).waitFor();
});
