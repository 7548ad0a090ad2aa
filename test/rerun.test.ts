import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CreateTaskRequest, fromNow, Queue, slugid } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { aTask as aTaskWith } from './support/a-task.ts';
import { commandHere } from './support/command-here.ts';
import { aHome } from './support/platform.ts';

const taskQueueId = 'example/rerun';

const aTask = (name: string, more: Partial<CreateTaskRequest> = {}): CreateTaskRequest =>
  aTaskWith({ taskQueueId, name }, more);

interface Repeated {
  readonly taskGroupId: string;
  readonly tasks: readonly { readonly taskId: string; readonly name: string; readonly repeats: string }[];
}

test('failed tasks are rerun with all their dependents', async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({ DEADLINE_DELAY: '0' }, undefined, '--no-worker');
  const queue = new Queue({ rootUrl, credentials });
  const says = async (...words: string[]): Promise<string> => {
    const env = { TASKYARD_DATA: home.path };
    const { out, err, code } = await commandHere(words, { env });
    assert.equal(code, 0, err);
    return out;
  };
  const json = async <T>(...words: string[]) => JSON.parse(await says(...words, '--json')) as T;

  await t.test('past its deadline, as new tasks that name the old ones', async () => {
    const [build, test, ship] = [slugid(), slugid(), slugid()];
    // Three requests fit into it on any machine. What is repeated gets as much time as there is since `created`.
    const created = fromNow('-10 minutes').toJSON();
    const fields = { taskGroupId: build, created, deadline: fromNow('10 seconds').toJSON() };
    await queue.createTask(build, aTask('build', fields));
    await queue.createTask(test, aTask('test', { ...fields, dependencies: [build] }));
    const payload = { mounts: [{ content: { taskId: test, artifact: `public/${build}.txt` } }] };
    await queue.createTask(ship, aTask('ship', { ...fields, dependencies: [test], payload }));
    await eventually(
      'the deadline to pass',
      async () => (await queue.listTaskGroup(build)).tasks,
      (tasks) => tasks.every(({ status }) => status.state === 'exception'),
    );
    const before = Date.now();
    const made = await json<Repeated>('group', 'rerun', build, '--failed');
    assert.notEqual(made.taskGroupId, build);
    const idOf = (name: string) => made.tasks.find((task) => task.name === name)?.taskId ?? '';
    const definition = await queue.task(idOf('ship'));
    assert.deepEqual(definition.extra, { repeats: { taskId: ship, taskGroupId: build } });
    assert.deepEqual(definition.dependencies, [idOf('test')]);
    assert.deepEqual(definition.payload, {
      mounts: [{ content: { taskId: idOf('test'), artifact: `public/${idOf('build')}.txt` } }],
    });
    assert.ok(Date.parse(definition.deadline) > before);
    assert.equal((await queue.status(idOf('build'))).status.taskGroupId, made.taskGroupId);

    const single = await json<Repeated>('task', 'rerun', test);
    assert.deepEqual(
      single.tasks.map(({ name, repeats }) => [name, repeats]),
      [['test', test]],
    );
  });

  await t.test('with all their dependents, even completed ones', async () => {
    const [first, second, other] = [slugid(), slugid(), slugid()];
    await queue.createTask(first, aTask('first', { taskGroupId: first }));
    await queue.createTask(second, aTask('second', { taskGroupId: first, dependencies: [first] }));
    await queue.createTask(other, aTask('other', { taskGroupId: first }));
    const again = await json<Repeated>('task', 'rerun', first, '--downstream');
    assert.deepEqual(again.tasks.map(({ name, repeats }) => [name, repeats]).sort(), [
      ['first', first],
      ['second', second],
    ]);
    const line = await says('task', 'rerun', other, '--downstream');
    assert.match(line, new RegExp(`^[\\w-]{22}  other  repeats ${other}\n$`));
  });

  await t.test('loop-in-the-graph: a task that waits for itself is shown, and repeated', async () => {
    const [loop, after] = [slugid(), slugid()];
    const payload = { previous: loop };
    await queue.createTask(loop, aTask('loop', { taskGroupId: loop, dependencies: [loop], payload }));
    await queue.createTask(after, aTask('after', { taskGroupId: loop, dependencies: [loop] }));
    const why = await says('why', loop);
    assert.match(
      why,
      /^loop: unscheduled. It waits for itself, so it starts only when somebody schedules it/,
    );
    assert.match(why, /waits for itself {2}unscheduled/);
    assert.match(await says('group', 'graph', loop), /loop {2}unscheduled\n {2}needs itself/);
    assert.match(await says('group', 'graph', '--dot', loop), new RegExp(`"${loop}" -> "${loop}";`));
    const made = await json<Repeated>('task', 'rerun', loop, '--downstream');
    const idOf = (name: string) => made.tasks.find((task) => task.name === name)?.taskId ?? '';
    assert.deepEqual(made.tasks.map(({ name }) => name).sort(), ['after', 'loop']);
    const [again, later] = [await queue.task(idOf('loop')), await queue.task(idOf('after'))];
    assert.deepEqual([again.dependencies, again.payload], [[], { previous: idOf('loop') }]);
    assert.deepEqual(later.dependencies, [idOf('loop')]);
    assert.equal((await queue.status(idOf('loop'))).status.state, 'pending');
  });
});
