import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { hours, later, slugid } from '../base/index.ts';
import { aTask, type TestApp, testApp } from './testing.ts';

describe('a worker in quarantine', () => {
  let app: TestApp;
  before(async () => {
    app = await testApp();
  });
  after(() => app.close());

  const worker = { workerGroup: 'group', workerId: 'worker' };
  const create = async (): Promise<string> => {
    const taskId = slugid();
    const { status, message } = await app.ask('PUT', `/task/${taskId}`, { body: aTask(app.clock.now()) });
    assert.equal(status, 200, message);
    return taskId;
  };
  const claim = (taskId: string) => app.ask('POST', `/task/${taskId}/runs/0/claim`, { body: worker });
  const quarantineUntil = (time: Date) => {
    const { provisionerId, workerType } = aTask(app.clock.now());
    const path = `/provisioners/${provisionerId}/worker-types/${workerType}/workers/group/worker`;
    return app.ask('PUT', path, { body: { quarantineUntil: time.toJSON() } });
  };

  it('gets an empty object when it claims a task, and the task when the quarantine has ended', async () => {
    // A worker becomes known with its first claim.
    assert.equal((await claim(await create())).status, 200);
    const taskId = await create();
    const inTwoHours = later(app.clock.now(), hours(2));
    await eventually(
      'the worker to be known',
      async () => (await quarantineUntil(inTwoHours)).status === 200,
    );
    const refused = await claim(taskId);
    assert.deepEqual([refused.status, refused.body], [200, {}]);
    const { body } = await app.ask('GET', `/task/${taskId}/status`);
    assert.equal((body.status as { state: string }).state, 'pending');
    await quarantineUntil(app.clock.now());
    const claimed = await claim(taskId);
    assert.equal(claimed.status, 200, claimed.message);
    assert.equal((claimed.body.status as { state: string }).state, 'running');
  });
});
