import assert from 'node:assert/strict';
import { it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { main } from './main.ts';
import { startFakeQueue } from './testing/fake-queue.ts';
import { memoryIo } from './testing/memory-io.ts';

/** The output of the command for the messages about one task, until Ctrl-C. */
const printed = async (...options: string[]) => {
  const queue = await startFakeQueue();
  const world = memoryIo({ server: { rootUrl: queue.rootUrl } });
  const running = main(['node', 'taskyard', 'events', ...options], world.io);
  await eventually('the stream to be opened', () => queue.calls.includes('GET /events/v1/stream'));
  const task = {
    taskGroupId: 'g',
    metadata: { name: 'one' },
    deadline: new Date().toJSON(),
    dependencies: [],
  };
  await fetch(`${queue.rootUrl}/api/queue/v1/task-group/g/tasks`, {
    method: 'POST',
    body: JSON.stringify({ tasks: [{ taskId: 'one', task }] }),
  });
  await eventually('the message of the completion', () => /task-completed/.test(world.out()));
  world.interrupt();
  await running;
  await queue.close();
  return { out: world.out(), err: world.err(), exitCode: world.exitCode() };
};

it('prints a line for each message, until Ctrl-C', async () => {
  const { out, err, exitCode } = await printed();
  assert.match(out, /^\d{4}-\S+Z {2}queue\/task-defined {2}one {2}primary\.one\n/);
  assert.equal(err, '');
  assert.equal(exitCode, 130);
});

it('prints whole messages for programs', async () => {
  const { out } = await printed(
    '--json',
    '--exchange',
    'queue/task-defined',
    '--pattern',
    '#',
    '--since',
    '0',
  );
  const [first] = out.split('\n');
  const { id, exchange, payload } = JSON.parse(first ?? '') as Record<string, unknown>;
  assert.equal(id, '1');
  assert.equal(exchange, 'exchange/taskcluster-queue/v1/task-defined');
  assert.ok(payload);
});
