import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '../base/index.ts';
import type { EmailRequest } from './schema.ts';
import { aTask, type TestNotify, testNotify } from './testing.ts';

let t: TestNotify;
// Nothing is sent in this file.
before(async () => {
  t = await testNotify({ email: { smtpUrl: 'smtp://localhost', from: 'yard@example.com' } });
});
after(() => t.close());

const worker = { workerGroup: 'group', workerId: 'worker' };
const authorize = () => {};

/** Creates a task with these routes. */
const create = async (routes: string[], extra: object = {}): Promise<string> => {
  const taskId = slugid();
  const request = aTask(t.clock.now(), { routes, extra: { ...extra } });
  await t.queue.createTasks.one({ taskId, request, authorize });
  return taskId;
};
const claim = (taskId: string, runId = 0) => t.queue.claimRuns.one({ taskId, runId, worker, authorize });
const finish = (taskId: string, end: 'completed' | 'failed', runId = 0) =>
  t.queue.resolveRuns.one({ taskId, runId, end });

const statesOn = async (topic: string): Promise<unknown[]> =>
  (await t.published())
    .filter(({ routingKey }) => routingKey === `primary.${topic}`)
    .map(({ body }) => (body.message as { state: string }).state);

/** Mails that wait to be sent to an address. */
const mailsTo = async (address: string): Promise<EmailRequest[]> => {
  const rows = await t.db<{ message: string }>`
    select message from outgoing_notifications where type = 'email' and address = ${address} order by id`;
  return rows.map(({ message }) => JSON.parse(message) as EmailRequest);
};

describe('the routes of a task', () => {
  it('send a mail when the task resolves, once', async () => {
    const address = `${slugid().toLowerCase().replaceAll('_', '-')}@example.com`;
    const taskId = await create([`notify.email.${address}.on-any`, `notify.email.${address}.on-completed`]);
    await claim(taskId);
    await t.listen();
    assert.deepEqual(await mailsTo(address), []);
    await finish(taskId, 'completed');
    await t.listen();
    const mails = await mailsTo(address);
    assert.equal(mails.length, 1);
    assert.equal(mails[0]?.subject, `Task completed: A task - ${taskId}`);
    assert.match(mails[0].content, new RegExp(`https://tasks.example.com/tasks/${taskId}`));
  });

  it('hear of each event that they name', async () => {
    const topic = (event: string) => `${event}.${key}`;
    const key = slugid();
    const events = ['defined', 'pending', 'running', 'failed', 'completed', 'resolved', 'transition'];
    const taskId = await create(events.map((event) => `notify.pulse.${topic(event)}.on-${event}`));
    await claim(taskId);
    await finish(taskId, 'failed');
    await t.listen();
    const heard = await Promise.all(events.map(async (event) => [event, await statesOn(topic(event))]));
    assert.deepEqual(Object.fromEntries(heard), {
      defined: ['unscheduled'],
      pending: ['pending'],
      running: ['running'],
      failed: ['failed'],
      completed: [],
      resolved: ['failed'],
      transition: ['unscheduled', 'pending', 'running', 'failed'],
    });
  });

  it('hear nothing of a task that was canceled, and nothing of a run that is followed by another', async () => {
    const key = slugid();
    const canceled = await create([`notify.pulse.canceled.${key}.on-exception`]);
    await t.queue.cancelTasks.one({ taskId: canceled, authorize });
    const retried = await create([`notify.pulse.retried.${key}.on-exception`]);
    await claim(retried);
    await t.queue.resolveRuns.one({ taskId: retried, runId: 0, end: 'exception', reason: 'worker-shutdown' });
    const malformed = await create([`notify.pulse.malformed.${key}.on-exception`]);
    await claim(malformed);
    await t.queue.resolveRuns.one({
      taskId: malformed,
      runId: 0,
      end: 'exception',
      reason: 'malformed-payload',
    });
    await t.listen();
    assert.deepEqual(await statesOn(`canceled.${key}`), []);
    assert.deepEqual(await statesOn(`retried.${key}`), []);
    assert.deepEqual(await statesOn(`malformed.${key}`), ['exception']);
  });

  it('say what extra.notify says', async () => {
    const address = `${slugid().toLowerCase().replaceAll('_', '-')}@example.com`;
    const email = { subject: `Yes \${taskId}`, content: `**\${status.state}**` };
    const taskId = await create([`notify.email.${address}.on-resolved`], { notify: { email } });
    await claim(taskId);
    await finish(taskId, 'completed');
    await t.listen();
    const [mail] = await mailsTo(address);
    assert.deepEqual([mail?.subject, mail?.content], [`Yes ${taskId}`, '**completed**']);
  });

  it('that cannot be followed are counted, and hold up no other', async () => {
    const key = slugid();
    await t.ask('POST', 'denylist/add', {
      body: { notificationType: 'pulse', notificationAddress: `denied.${key}` },
    });
    const taskId = await create([
      'notify.email.no address.on-failed',
      `notify.email.a@example.com, b@example.com.on-failed`,
      'notify.slack-channel.C1.on-failed',
      'notify.matrix-room.!r:example.org.on-failed',
      `notify.pulse.denied.${key}.on-failed`,
      `notify.pulse.well.${key}.on-failed`,
    ]);
    await claim(taskId);
    await finish(taskId, 'failed');
    await t.listen();
    assert.deepEqual(await statesOn(`well.${key}`), ['failed']);
    assert.deepEqual(await statesOn(`denied.${key}`), []);
    assert.equal(t.count('email', 'malformed'), 2);
    assert.equal(t.count('slack-channel', 'unconfigured'), 1);
    assert.equal(t.count('matrix-room', 'unconfigured'), 1);
    assert.equal(t.count('pulse', 'denied'), 1);
    assert.deepEqual(await mailsTo('no address'), []);
  });

  it('of tasks that are gone by now do nothing', async () => {
    const key = slugid();
    const status = { taskId: slugid(), state: 'failed', runs: [] };
    const message = {
      exchange: 'exchange/taskcluster-queue/v1/task-failed',
      routingKey: 'primary',
      routes: [`notify.pulse.${key}.on-failed`],
      body: JSON.stringify({ status }),
    };
    await t.db.transaction((tx) => t.notify.subscription.handle(tx, [message]));
    assert.deepEqual(await statesOn(key), []);
  });
});
