import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstBody, mistakesOf, now, pullRequest, push, rendered } from './testing/events.ts';

const file = (...github: string[]) => `version: 0
metadata: {name: demo, description: d, owner: '{{ event.head.user.email }}', source: '{{ event.head.repo.url }}'}
tasks:
${github
  .map(
    (one, index) => `  - provisionerId: local
    workerType: built-in
    extra: {github: ${one}}
    payload: {maxRunTime: 60, command: [['true']]}
    metadata: {name: 'task ${index} {{ event.head.sha }}', description: d, owner: dev@example.org, source: 'https://example.org'}`,
  )
  .join('\n')}
`;

const namesFor = (text: string, given?: Parameters<typeof rendered>[1]) =>
  rendered(text, given).tasks.map(({ label }) => label.split(' ').slice(0, 2).join(' '));

describe('a file of version 0', () => {
  it('has the tasks whose events, branches and left out branches say so', () => {
    const text = file(
      '{events: [push], branches: [main]}',
      '{events: [pull_request.*]}',
      '{events: [push], excludeBranches: [main]}',
      '{events: [release, push]}',
    );
    assert.deepEqual(namesFor(text), ['task 0', 'task 3']);
    assert.deepEqual(namesFor(text, { event: push({ ref: 'refs/heads/other' }) }), ['task 2', 'task 3']);
    const pull = { tasksFor: 'github-pull-request', event: pullRequest() };
    assert.deepEqual(namesFor(text, pull), ['task 1']);
    assert.deepEqual(namesFor(text, { tasksFor: 'github-release', event: { action: 'published' } }), [
      'task 3',
    ]);
    assert.deepEqual(namesFor(text, { event: push({ ref: 'refs/tags/v1' }) }), []);
  });

  it('passes over tasks that say nothing of GitHub', () => {
    assert.deepEqual(namesFor('version: 0\ntasks: [{metadata: {name: a b}}]\n'), []);
  });

  it('has dates unless the task says them, a group that is its first task, and always `statuses`', () => {
    const { tasks, route, scopes } = rendered(file('{events: [push]}', '{events: [push]}'));
    const [first, second] = tasks;
    assert.equal(first?.task.created, now);
    assert.equal(first?.task.deadline, '2026-03-02T12:00:00.000Z');
    assert.equal(first?.task.taskGroupId, first?.taskId);
    assert.equal(second?.task.taskGroupId, first?.taskId);
    assert.notEqual(second?.taskId, first?.taskId);
    assert.equal(route, 'statuses');
    assert.deepEqual(first?.task.routes, ['statuses']);
    assert.equal(scopes[0], 'assume:repo:github.com/demo-org/demo:branch:main');
  });

  it('gives a task the variables that it asks for, and leaves out what the event does not tell', () => {
    const { env = {} } = firstBody(file('{events: [push], env: true}')).payload;
    assert.equal(env.GITHUB_EVENT, 'push');
    assert.equal(env.GITHUB_BRANCH, 'main');
    assert.equal(env.GITHUB_HEAD_REPO_URL, 'https://github.com/demo-org/demo.git');
    assert.equal(env.GITHUB_HEAD_USER_EMAIL, 'dev@users.noreply.github.com');
    assert.equal('GITHUB_PULL_REQUEST' in env, false);
    assert.equal('env' in firstBody(file('{events: [push]}')).payload, false);
  });

  it('fills in names, functions and literals, and leaves what it does not know as it is', () => {
    const text = file('{events: [push]}').replace(
      "command: [['true']]",
      `command: [['{{ organization }}/{{ repository }}', "{{ '2 hours' | $fromNow }}", '{{ nobody }}', "{{ 'x' | nobody }}"]]`,
    );
    assert.deepEqual(firstBody(text).payload.command, [
      ['demo-org/demo', '2026-03-01T14:00:00.000Z', '{{ nobody }}', "{{ 'x' | nobody }}"],
    ]);
  });

  it('inherited-names: takes no name that every object inherits for a parameter', () => {
    const text = file('{events: [push]}').replace(
      "command: [['true']]",
      `command: [['{{ constructor }}', 'a {{ toString }}', "{{ 'x' | valueOf }}"]]`,
    );
    assert.deepEqual(firstBody(text).payload.command, [
      ['{{ constructor }}', 'a {{ toString }}', "{{ 'x' | valueOf }}"],
    ]);
  });

  it('with a mistake names the line and the task', () => {
    const both = mistakesOf(file('{events: [push], branches: [a], excludeBranches: [b]}'));
    assert.match(
      both[0] ?? '',
      /^\.taskcluster\.yml:6:\d+: task "task 0 .*": extra\.github has branches and excludeBranches/,
    );
    const none = mistakesOf(file('{branches: [a]}'));
    assert.match(none[0] ?? '', /:6:\d+: task "task 0 .*": extra\.github: events is missing/);
  });
});
