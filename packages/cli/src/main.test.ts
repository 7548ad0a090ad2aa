import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { main } from './main.ts';
import { startFakeQueue } from './testing/fake-queue.ts';
import { memoryIo } from './testing/memory-io.ts';

const taskyard = async (
  args: readonly string[],
  { rootUrl, stdin = '' }: { rootUrl?: string; stdin?: string } = {},
) => {
  const world = memoryIo(rootUrl ? { server: { rootUrl } } : {}, { stdin });
  await main(['node', 'taskyard', ...args], world.io);
  return { out: world.out(), err: world.err(), exitCode: world.exitCode() };
};

describe('the command line', () => {
  for (const args of [
    ['frob'],
    ['task'],
    ['task', 'frob'],
    ['task', 'status'],
    ['task', 'status', 'x', '--frob'],
    ['slugid', '--count', 'many'],
    ['run', 'graph.yml', '--param', 'novalue'],
    ['run', '/nowhere/graph.yml'],
    ['api', 'frob'],
    ['api', 'queue', 'frob'],
    ['task', 'status', 'x'],
    ['worker', 'frob'],
    ['worker', 'schema', 'frob'],
  ]) {
    it(`refuses wrong use with 2: taskyard ${args.join(' ')}`, async () => {
      const { exitCode, err, out } = await taskyard(args);
      assert.equal(exitCode, 2);
      assert.notEqual(err, '');
      assert.equal(out, '');
    });
  }

  it('prints its help', async () => {
    const { exitCode, out } = await taskyard(['--help']);
    assert.equal(exitCode, 0);
    for (const word of ['run', 'serve', 'worker', 'task', 'group', 'api', 'slugid']) {
      assert.match(out, new RegExp(`^ +${word}\\b`, 'm'));
    }
    assert.match((await taskyard(['task', 'log', '--help'])).out, /--follow/);
    assert.match((await taskyard(['--version'])).out, /^\d+\.\d+\.\d+\n$/);
  });

  it('creates identifiers', async () => {
    assert.match((await taskyard(['slugid'])).out, /^[A-Za-z0-9_-]{22}\n$/);
    assert.equal((JSON.parse((await taskyard(['slugid', '-n', '3', '--json'])).out) as string[]).length, 3);
  });

  it('prints the schema of payloads', async () => {
    const { out } = await taskyard(['worker', 'schema', 'docker-worker']);
    assert.ok('image' in (JSON.parse(out) as { properties: object }).properties);
    assert.equal(
      (JSON.parse((await taskyard(['worker', 'schema'])).out) as { oneOf: object[] }).oneOf.length,
      2,
    );
  });

  it('ends with 3 when no server replies', async () => {
    const queue = await startFakeQueue();
    await queue.close();
    const { exitCode, err } = await taskyard(['group', 'list', 'x'], { rootUrl: queue.rootUrl });
    assert.equal(exitCode, 3);
    assert.match(err, /^taskyard: No answer from/);
  });
});

describe('commands about a server', () => {
  it('end with 2 when a group is missing whose tasks are to be found', async () => {
    const { exitCode, err } = await taskyard(['group', 'list', '--state', 'failed']);
    assert.equal(exitCode, 2);
    assert.match(err, /No group was named/);
  });

  it('end with 1 when it refuses, and say why', async () => {
    const { rootUrl, close } = await startFakeQueue();
    const told = await taskyard(['task', 'status', 'absent'], { rootUrl });
    assert.equal(told.exitCode, 1);
    assert.equal(told.err, 'taskyard: There is no such task. (ResourceNotFound)\n');
    const { err } = await taskyard(['task', 'status', 'absent', '--json'], { rootUrl });
    await close();
    const { error } = JSON.parse(err) as { error: Record<string, unknown> };
    assert.equal(error.code, 'ResourceNotFound');
    assert.equal(error.statusCode, 404);
  });

  it('call any method with parameters, body and query', async () => {
    const { rootUrl, close, calls } = await startFakeQueue();
    const body = JSON.stringify({ tasks: [] });
    const args = ['api', 'queue', 'createTaskGroupTasks', 'g/1', '--body', '-'];
    assert.equal((await taskyard(args, { rootUrl, stdin: body })).exitCode, undefined);
    const listed = await taskyard(['api', 'queue', 'listTaskGroup', 'g', '--query', 'limit=3'], { rootUrl });
    assert.deepEqual(JSON.parse(listed.out), { tasks: [] });
    await close();
    assert.deepEqual(calls, ['POST /queue/v1/task-group/g%2F1/tasks', 'GET /queue/v1/task-group/g/list']);
    for (const wrong of [
      ['api', 'queue', 'status'],
      ['api', 'queue', 'status', 'a', '--query', 'x=1'],
      ['api', 'queue', 'createTask', 'a'],
    ]) {
      assert.equal((await taskyard(wrong, { rootUrl })).exitCode, 2);
    }
  });

  it('work with one task', async () => {
    const { rootUrl, close, tasks } = await startFakeQueue({ ok: { ends: 'completed', log: 'hello\n' } });
    const metadata = { name: 'ok', description: '', owner: 'me', source: 'https://x' };
    const definition = { created: '', deadline: '', taskGroupId: 'g', payload: {}, metadata };
    const stdin = JSON.stringify({ tasks: [{ taskId: 'a', task: definition }] });
    await taskyard(['api', 'queue', 'createTaskGroupTasks', 'g', '--body', '-'], { rootUrl, stdin });
    const followed = await taskyard(['task', 'log', 'a', '--follow'], { rootUrl });
    assert.equal(followed.out, 'hello\n');
    assert.equal(tasks.get('a')?.status.state, 'completed');
    assert.equal((await taskyard(['task', 'log', 'a'], { rootUrl })).out, 'hello\n');
    assert.equal((await taskyard(['task', 'download', 'a', 'x', '-o', '-'], { rootUrl })).out, 'hello\n');
    assert.match((await taskyard(['task', 'status', 'a'], { rootUrl })).out, /^state +completed$/m);
    assert.match((await taskyard(['task', 'artifacts', 'a'], { rootUrl })).out, /public%2Freport.html$/m);
    await close();
  });

  it('work with a group', async () => {
    const { rootUrl, close } = await startFakeQueue({ bad: { ends: 'failed', log: 'Error: no\n' } });
    const body = (name: string, dependencies: string[] = []) => {
      const metadata = { name, description: '', owner: 'me', source: 'https://x' };
      return { created: '', deadline: '', taskGroupId: 'g', payload: {}, metadata, dependencies };
    };
    const tasks = [
      { taskId: 'a', task: body('bad') },
      { taskId: 'b', task: body('after', ['a']) },
    ];
    const stdin = JSON.stringify({ tasks });
    await taskyard(['api', 'queue', 'createTaskGroupTasks', 'g', '--body', '-'], { rootUrl, stdin });
    const watched = await taskyard(['group', 'watch', 'g'], { rootUrl });
    assert.equal(watched.exitCode, 1);
    assert.match(watched.out, /✖ bad {2}failed .*\n.*\n {2}│ Error: no/);
    assert.match((await taskyard(['group', 'list', 'g'], { rootUrl })).out, /^b +unscheduled +after$/m);
    const status = JSON.parse(
      (await taskyard(['group', 'status', 'g', '--json'], { rootUrl })).out,
    ) as object;
    assert.deepEqual((status as { failed: unknown }).failed, [
      { taskId: 'a', label: 'bad', state: 'failed' },
    ]);
    const { out } = await taskyard(['group', 'cancel', 'g'], { rootUrl });
    assert.equal(out, '1 of 2 tasks canceled\n');
    await close();
  });

  it('list the methods of a service', async () => {
    const { out } = await taskyard(['api', 'queue']);
    assert.match(out, /^createTask <taskId> --body <file> /m);
  });
});
