import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstBody, mistakesOf, now, pullRequest, push, rendered } from './testing/events.ts';

const task = (more = '') => `
    taskQueueId: local/built-in
    deadline: {$fromNow: 1 hour}
    payload: {maxRunTime: 60, command: [['true']]}
    metadata: {name: one, description: d, owner: dev@example.org, source: 'https://example.org'}
    ${more}`;

const file = (...tasks: string[]) =>
  `version: 1\ntasks:\n${tasks.map((one) => `  -${one.slice(4)}`).join('\n')}\n`;

describe('a file of version 1', () => {
  it('with one task makes that stand for its group, and fills in what it leaves out', () => {
    const { tasks, taskGroupId, route } = rendered(file(task()));
    const [only] = tasks;
    assert.equal(tasks.length, 1);
    assert.equal(only?.task.taskGroupId, only?.taskId);
    assert.equal(taskGroupId, only?.taskId);
    assert.equal(only?.task.schedulerId, 'taskcluster-github');
    assert.equal(only?.task.created, now);
    assert.equal(only?.task.deadline, '2026-03-01T13:00:00.000Z');
    assert.deepEqual(only?.task.routes, ['statuses']);
    assert.equal(route, 'statuses');
    assert.equal('taskId' in (only?.task ?? {}), false);
  });

  it('with one task takes the group for the task, and the task for the group, whichever is given', () => {
    const id = 'VVVVVVVVQACAAAAAAAAAAA';
    for (const key of ['taskId', 'taskGroupId']) {
      const [only] = rendered(file(task(`${key}: ${id}`))).tasks;
      assert.equal(only?.taskId, id);
      assert.equal(only?.task.taskGroupId, id);
    }
  });

  it('with several tasks has a group that is the id of none, and a task keeps what it says itself', () => {
    const { tasks, taskGroupId } = rendered(
      file(
        task(),
        task(`schedulerId: mine\n    created: '2026-03-01T11:00:00.000Z'\n    routes: [checks, index.a]`),
      ),
    );
    assert.equal(tasks.length, 2);
    assert.ok(tasks.every(({ taskId, task }) => taskId !== taskGroupId && task.taskGroupId === taskGroupId));
    const [, second] = tasks;
    assert.equal(second?.task.schedulerId, 'mine');
    assert.equal(second?.task.created, '2026-03-01T11:00:00.000Z');
    assert.deepEqual(second?.task.routes, ['checks', 'index.a', 'statuses']);
  });

  it('adds the route `checks` once where the file reports checks', () => {
    const { tasks, reporting } = rendered(`reporting: checks-v1\n${file(task('routes: [checks]'))}`);
    assert.equal(reporting, 'checks-v1');
    assert.deepEqual(tasks[0]?.task.routes, ['checks']);
  });

  it('of two tasks with one id has the later one', () => {
    const id = `taskId: {$eval: 'as_slugid("a")'}`;
    const { tasks } = rendered(file(task(`${id}\n    tags: {n: '1'}`), task(`${id}\n    tags: {n: '2'}`)));
    assert.deepEqual(
      tasks.map((one) => one.task.tags),
      [{ n: '2' }],
    );
  });

  it('puts tasks after those that they depend on; others need not be in the file', () => {
    const needs = `dependencies: [VVVVVVVVQACAAAAAAAAAAA, {$eval: 'as_slugid("last")'}]`;
    const { tasks } = rendered(
      file(
        task(`${needs}\n    tags: {n: '1'}`),
        task(`taskId: {$eval: 'as_slugid("last")'}\n    tags: {n: '2'}`),
      ),
    );
    assert.deepEqual(
      tasks.map((one) => one.task.tags),
      [{ n: '2' }, { n: '1' }],
    );
  });

  it('may have nothing for an event, and no tasks at all', () => {
    const one = `tasks: {$flatten: [{$if: 'tasks_for == "github-release"', then: [{}]}]}`;
    assert.deepEqual(rendered(`version: 1\n${one}\n`).tasks, []);
    assert.deepEqual(rendered(`version: 1\ntasks: [{$if: 'false', then: {}}]\n`).tasks, []);
    const { hooks, tasks } = rendered(
      `version: 1\nhooks: [{name: a/b, context: {x: "\${y}"}}, {name: a/c}]\n`,
    );
    assert.deepEqual(tasks, []);
    assert.deepEqual(hooks, [
      { name: 'a/b', context: { x: `\${y}` } },
      { name: 'a/c', context: {} },
    ]);
  });

  it('sees what the event is, and what other triggers have', () => {
    const seen = `
    extra:
      for: \${tasks_for}
      root: \${taskcluster_root_url}
      now: \${now}
      own: {$if: 'defined("ownTaskId")', then: {$eval: ownTaskId}}
      has: {$eval: 'defined("event")'}`;
    const [one] = rendered(file(task(seen)), {
      tasksFor: 'cron',
      event: undefined,
      names: { ownTaskId: 'x' },
    }).tasks;
    assert.deepEqual(one?.task.extra, {
      for: 'cron',
      root: 'https://tasks.example.com',
      now,
      own: 'x',
      has: false,
    });
  });

  it('inherited-names: gives each label a slugid of its own, the same within one rendering', () => {
    const labels = ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'plain'];
    const list = labels.map((label) => `{$eval: 'as_slugid("${label}")'}`).join(', ');
    const { first, again } = firstBody(file(task(`extra: {first: [${list}], again: [${list}]}`))).extra;
    assert.deepEqual(first, again);
    assert.equal(new Set(first).size, labels.length);
    for (const id of first ?? []) assert.match(id, /^[\w-]{22}$/);
  });
});

describe('the scopes of the tasks of an event', () => {
  const roleOf = (given: Parameters<typeof rendered>[1], text = file(task())) =>
    rendered(text, given).scopes[0];
  const repo = 'assume:repo:github.com/demo-org/demo:';

  it('name the part of the repository', () => {
    assert.equal(roleOf({}), `${repo}branch:main`);
    assert.equal(roleOf({ event: push({ ref: 'refs/heads/a/b' }) }), `${repo}branch:a/b`);
    assert.equal(roleOf({ event: push({ ref: 'refs/tags/v1' }) }), `${repo}tag:v1`);
    assert.equal(roleOf({ tasksFor: 'github-pull-request', event: pullRequest() }), `${repo}pull-request`);
    assert.equal(roleOf({ tasksFor: 'github-issue-comment', event: pullRequest() }), `${repo}pull-request`);
    assert.equal(
      roleOf({ tasksFor: 'github-release', event: { action: 'created' } }),
      `${repo}release:created`,
    );
    assert.equal(
      roleOf({ tasksFor: 'cron', names: { cron: { job_name: 'nightly' } } }),
      `${repo}cron:nightly`,
    );
    for (const tasksFor of ['action', 'pr-action'])
      assert.equal(
        roleOf({ tasksFor, names: { action: { action_perm: 'release' } } }),
        `${repo}${tasksFor}:release`,
      );
    assert.deepEqual(rendered(`reporting: checks-v1\n${file(task())}`).scopes.slice(1), [
      'queue:route:checks',
      'queue:scheduler-id:taskcluster-github',
    ]);
  });

  it('policy-by-version: are those of an untrusted pull request, whatever version its own file has', () => {
    const untrusted = { tasksFor: 'github-pull-request-untrusted', event: pullRequest() };
    const old = 'version: 0\nallowPullRequests: public\ntasks: []\n';
    const mine = `policy: {pullRequests: public}\n${file(task())}`;
    for (const text of [old, mine]) assert.equal(roleOf(untrusted, text), `${repo}pull-request-untrusted`);
  });

  it('cannot be had for a branch that has no name in ASCII', () => {
    assert.deepEqual(mistakesOf(file(task()), { event: push({ ref: 'refs/heads/gr\u00fcn' }) }), [
      '.taskcluster.yml:1:1: the branch or tag "refs/heads/gr\u00fcn" has a character that scopes cannot have: only printable ASCII is allowed',
    ]);
  });
});
