// What each file of examples/existing-repository must give. A case gets a `run` and throws where something else comes out.
import assert from 'node:assert/strict';

/** The run ended well, with these tasks and no others. */
const completes = (result, names) => {
  assert.equal(result.status, 0, result.output);
  const states = result.tasks.map(({ name, state }) => `${name}: ${state}`).sort();
  assert.deepEqual(states, names.map((name) => `${name}: completed`).sort());
};

const logHas = async (result, name, text) => {
  const log = await result.log(name);
  assert.ok(log.includes(text), `the log of ${name} lacks ${JSON.stringify(text)}:\n${log}`);
};

const artifactsOf = (result) => result.summary.artifacts.map(({ name }) => name).sort();

const hookCase = async ({ auth, hooks, hook, queue, run }) => {
  const [group, id] = ['demo-group', 'nightly-parts'];
  const scopes = ['queue:create-task:lowest:local/built-in', 'queue:scheduler-id:-'];
  await auth.createRole(`hook-id:${group}/${id}`, { scopes, description: '' });
  await hooks.createHook(group, id, hook);
  const { nextScheduledDate } = await hooks.getHookStatus(group, id);
  assert.match(nextScheduledDate, /T03:15:00/);
  const { taskId } = await hooks.triggerHook(group, id, { count: 2 });
  const task = await queue.task(taskId);
  assert.equal(task.payload.command.length, 2);
  assert.equal(task.payload.env.SELF, taskId);
  assert.equal(task.payload.env.FIRED_BY, 'triggerHook');
  await assert.rejects(hooks.triggerHook(group, id, { count: 'two' }), { statusCode: 400 });
  await queue.cancelTask(taskId);
  const named = await run('hook.yml', { text: `version: 1\nhooks: [{name: ${group}/${id}}]\n` });
  completes(named, ['nightly parts']);
  await logHas(named, 'nightly parts', 'part 0');
};

/** By file, in the order in which they run. */
export const cases = {
  'push-or-pull-request.yml': async ({ run }) => {
    const push = await run('push-or-pull-request.yml');
    completes(push, ['lint main']);
    await logHas(push, 'lint main', `main at ${push.commit}`);
    const [{ task, taskId }] = push.tasks;
    assert.equal(task.taskGroupId, taskId);
    assert.equal(task.schedulerId, 'taskcluster-github');
    assert.deepEqual(task.routes, ['checks']);
    const opened = await run('push-or-pull-request.yml', { event: 'pull-request' });
    completes(opened, ['lint main']);
    const closed = await run('push-or-pull-request.yml', {
      event: 'pull-request',
      given: { action: 'closed' },
    });
    assert.equal(closed.status, 0);
    assert.match(closed.output, /makes no tasks/);
  },
  'nested-lists.yml': async ({ run }) => {
    const checks = ['check alpha', 'check beta', 'package'];
    const push = await run('nested-lists.yml');
    completes(push, checks);
    assert.ok(push.tasks.every(({ task, taskId }) => task.taskGroupId !== taskId));
    assert.equal(push.order.at(-1), 'package');
    completes(await run('nested-lists.yml', { event: 'tag' }), [...checks, 'announce']);
  },
  'version-0.yml': async ({ run }) => {
    const push = await run('version-0.yml');
    completes(push, [`unit ${push.commit}`]);
    await logHas(push, `unit ${push.commit}`, 'push main');
  },
  'cron-and-action.yml': async ({ run }) => {
    const cron = await run('cron-and-action.yml', {
      event: 'cron',
      given: { cron: { job_name: 'nightly', quoted_args: '--all' }, ownTaskId: 'VVVVVVVVQACAAAAAAAAAAA' },
    });
    completes(cron, ['cron nightly']);
    assert.equal(cron.tasks[0].taskId, 'VVVVVVVVQACAAAAAAAAAAA');
    await logHas(cron, 'cron nightly', `${cron.commit} --all`);
    const given = { action: { taskGroupId: 'WWWWWWWWQACAAAAAAAAAAA' }, input: { times: 2 } };
    const action = await run('cron-and-action.yml', { event: 'action', given });
    completes(action, ['action Retrigger']);
    assert.equal(action.tasks[0].task.taskGroupId, 'WWWWWWWWQACAAAAAAAAAAA');
    await logHas(action, 'action Retrigger', 'retrigger {"times":2}');
    completes(await run('cron-and-action.yml'), ['decision']);
  },
  'hooks-only.yml': async ({ run }) => {
    const { status, output } = await run('hooks-only.yml');
    assert.equal(status, 0, output);
    for (const name of ['demo/lint', 'demo/plan'])
      assert.equal(output.split(`The hook ${name} is not on this machine`).length, 2, output);
  },
  'hook.yml': hookCase,
  'decision.yml': async ({ run }) => {
    const result = await run('decision.yml');
    completes(result, ['plan', 'child']);
    await logHas(result, 'child', 'planned');
  },
  'index.yml': async ({ run }) => completes(await run('index.yml'), ['make', 'use']),
  'default-features.yml': async ({ run }) => completes(await run('default-features.yml'), ['spelled out']),
  'chain-of-trust.yml': async ({ run }) => {
    // Plain processes could read the key.
    const without = await run('chain-of-trust.yml');
    assert.equal(without.status, 1, without.output);
    await logHas(without, 'trusted', 'chainOfTrust is true, but this worker does not have that feature');
    const result = await run('chain-of-trust.yml', { engine: 'bubblewrap' });
    completes(result, ['trusted']);
    const names = ['public/a.txt', 'public/chain-of-trust.json', 'public/chain-of-trust.json.sig'];
    assert.deepEqual(artifactsOf(result), names);
  },
  'absolute-paths.yml': async ({ run }) => {
    const result = await run('absolute-paths.yml');
    completes(result, ['absolute']);
    assert.deepEqual(artifactsOf(result), ['public/report.txt']);
  },
  'image.yml': async ({ run, containerHost, why }) => {
    const without = await run('image.yml', { containerHost: 'unix:///nowhere/docker.sock' });
    assert.equal(without.status, 0, without.output);
    assert.match(JSON.stringify(without.summary.skipped), /alpine:3.*no container engine/);
    if (!containerHost) return `without a container engine only: ${why}`;
    const result = await run('image.yml', { containerHost });
    completes(result, ['boxed']);
    await logHas(result, 'boxed', 'insteadOf');
    assert.deepEqual(artifactsOf(result), ['public/out/a.txt']);
    return undefined;
  },
};
