import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { minutes, seconds } from '../base/index.ts';
import { payloads, readDeliveries, readTasks, type TestGithub, testGithub } from './testing/index.ts';

// Payloads and files of shapes that are rare, and answers of GitHub that come too early.

const { aFile, comment, headOfFork, pullOf, pullRequest, push, release, repository, sha } = payloads;

let test: TestGithub;
before(async () => {
  test = await testGithub();
});
after(() => test.close());

const role = (part: string): string => `assume:repo:github.com/org/repo:${part}`;
const all = ['queue:create-task:*', 'queue:scheduler-id:*', 'queue:route:*'];

beforeEach(() => {
  const { github, roles } = test;
  for (const map of [github.files, github.collaborators, github.pulls, roles]) map.clear();
  for (const list of [github.comments, github.calls, github.checkRuns, github.statuses]) list.length = 0;
  github.interrupt = undefined;
  for (const part of ['branch:topic', 'pull-request', 'release:published']) roles.set(role(part), all);
  test.clock.advance(seconds(1));
});

let commits = 0;
const aCommit = (file?: string): string => {
  const commit = (++commits).toString(16).padStart(40, '0').replace(/^0/, 'b');
  if (file !== undefined) test.github.files.set(`${commit}:.taskcluster.yml`, file);
  return commit;
};

/** Sends an event and does all that it brings about; returns the names of the tasks that were made. */
const made = async (event: string, payload: object): Promise<string[]> => {
  const known = new Set((await readTasks(test.db)).map(({ taskId }) => taskId));
  const { status, body } = await test.deliver(event, payload);
  assert.equal(status, 200, body.message);
  await test.settle();
  return (await readTasks(test.db)).filter(({ taskId }) => !known.has(taskId)).map(({ name }) => name);
};

const lastComment = (): string => test.github.comments.at(-1)?.body ?? '';

describe('fork-gone: an account that is deleted', () => {
  const commented = (fields: Readonly<Record<string, unknown>>) => comment('/taskcluster run', fields);
  const issue = { number: 7, title: 'A change', state: 'open', user: null, pull_request: {} };
  beforeEach(() => {
    test.github.collaborators.add('alice');
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {allowComments: collaborators}'));
    const head = { ...headOfFork('alice'), sha: aCommit(aFile(['commented'])) };
    test.github.pulls.set(7, pullOf({ user: null, head }));
  });

  it('has opened the pull request that others comment on', async () => {
    assert.deepEqual(await made('issue_comment', commented({ issue })), ['commented']);
  });

  it('has written a comment, which makes nothing', async () => {
    const gone = { id: 1, body: '/taskcluster run', user: null };
    assert.deepEqual(await made('issue_comment', commented({ issue, comment: gone, action: 'edited' })), []);
    assert.match(lastComment(), /comments of collaborators/);
  });

  it('has made a release, which makes its tasks', async () => {
    test.github.files.set(`${sha('d')}:.taskcluster.yml`, aFile(['released']));
    const { release: about } = release() as { release: object };
    assert.deepEqual(await made('release', release({ release: { ...about, author: null } })), ['released']);
  });
});

it('a push that says not who sent it makes its tasks', async () => {
  const after = aCommit(aFile(['anonymous']));
  assert.deepEqual(await made('push', push({ after, sender: undefined })), ['anonymous']);
});

it('a bot is a stranger like others, whose name has brackets', async () => {
  const bot = { user: { login: 'dependabot[bot]', type: 'Bot' } };
  const head = { ref: 'deps', sha: aCommit(aFile(['update'])), user: { login: 'org' }, repo: repository() };
  const sender = { login: 'dependabot[bot]', type: 'Bot' };
  assert.deepEqual(await made('pull_request', pullRequest({ sender }, { ...bot, head })), []);
  test.github.collaborators.add('dependabot[bot]');
  assert.deepEqual(await made('pull_request', pullRequest({ sender }, { ...bot, head })), ['update']);
});

it('a collaborator’s pull request from another fork of the same owner is that of a collaborator', async () => {
  test.github.collaborators.add('alice');
  const of = (fork: string) => ({
    ref: 'topic',
    sha: aCommit(aFile(['forked'])),
    user: { login: fork.split('/')[0] },
    repo: repository(fork),
  });
  assert.deepEqual(await made('pull_request', pullRequest({}, { head: of('Org/fork-of-repo') })), ['forked']);
  assert.deepEqual(await made('pull_request', pullRequest({}, { head: of('organic/repo') })), []);
});

describe('what is told of a comment and of a check that is wanted again', () => {
  const lastOf = async (exchange: string) =>
    (await test.messages()).findLast((one) => one.exchange === `exchange/taskcluster-github/v1/${exchange}`);

  it('has the action that GitHub names, and the command', async () => {
    await test.deliver('issue_comment', comment('Please\n  /taskcluster run it', { action: 'edited' }));
    const told = await lastOf('pull-request');
    const { action, branch, tasks_for: tasksFor, details } = told?.body ?? {};
    assert.deepEqual(
      [told?.routingKey, action, branch, tasksFor],
      ['primary.org.repo.edited', 'edited', 'unknown', 'github-issue-comment'],
    );
    assert.deepEqual(details, {
      'event.type': 'issue_comment.edited',
      'event.head.user.login': 'alice',
      'event.head.user.email': 'alice@users.noreply.github.com',
      taskcluster_comment: 'run it',
    });
  });

  it('has the person who wants it', async () => {
    const sender = { login: 'merge-it[bot]', type: 'Bot' };
    await test.deliver('check_run', payloads.checkRun(7, { sender }));
    const { tasks_for: tasksFor, details } = (await lastOf('rerun'))?.body ?? {};
    assert.equal(tasksFor, 'github-push');
    assert.deepEqual(details, {
      'event.head.user.login': 'merge-it[bot]',
      'event.head.user.email': 'merge-it@users.noreply.github.com',
      'event.head.repo.name': 'repo',
    });
  });
});

describe('a file', () => {
  const contents = (body: unknown) => {
    test.github.interrupt = ({ path }) => (path.includes('/contents/') ? { status: 200, body } : undefined);
  };

  for (const [what, body, told] of [
    ['a folder', [{ type: 'file', name: 'a.yml' }], /:1:1: it is a folder/],
    ['a folder, in the form that is asked for', { type: 'dir', entries: [] }, /:1:1: it is a folder/],
    [
      'far too large',
      { type: 'file', sha: 'x', size: 9 * 2 ** 20, encoding: 'none', content: '' },
      /:1:1: it has more than 8 MiB/,
    ],
    ['a submodule', { type: 'submodule', sha: 'x' }, /:1:1: it is a submodule/],
    [
      'a link that leads out of the repository',
      { type: 'symlink', sha: 'x', target: '../shared/tc.yml' },
      /:1:1: it is a symbolic link to \.\.\/shared\/tc\.yml, which is no file here/,
    ],
  ] as const)
    it(`that is ${what} is told in a comment, and lets no stranger in`, async () => {
      contents(body);
      assert.deepEqual(await made('push', push({ after: aCommit() })), []);
      assert.match(lastComment(), told);
      const stranger = { user: { login: 'mallory' }, head: { ...headOfFork('mallory'), sha: aCommit() } };
      assert.deepEqual(await made('pull_request', pullRequest({}, stranger)), []);
      assert.match(lastComment(), /pull requests of collaborators/);
    });

  it('of a commit that GitHub does not find yet is asked for again, and given up after a while', async () => {
    const after = aCommit(aFile(['replicated']));
    const lag = () => {
      test.github.interrupt = ({ path }) =>
        path.includes('/contents/')
          ? { status: 404, body: { message: `No commit found for the ref ${after}` } }
          : undefined;
    };
    lag();
    assert.deepEqual(await made('push', push({ after })), []);
    test.github.interrupt = undefined;
    test.clock.advance(minutes(1));
    await test.settle();
    assert.ok((await test.taskNames()).includes('replicated'));

    lag();
    const eventId = '00000000-0000-4000-8000-00000000000a';
    await test.deliver('push', push({ after: aCommit() }), eventId);
    for (let tries = 0; tries < 6; tries++) {
      await test.settle();
      test.clock.advance(minutes(5));
    }
    const { outcome, dueAt } = (await readDeliveries(test.db)).find((row) => row.eventId === eventId) ?? {};
    assert.deepEqual([outcome, dueAt], ['given up', null]);
  });
});

describe('somebody who asks by a comment', () => {
  const head = () => ({ ...headOfFork('mallory'), sha: aCommit() });
  const asks = (file?: string) => {
    const pull = head();
    test.github.reactions.length = 0;
    test.github.pulls.set(7, pullOf({ head: pull }));
    if (file !== undefined) test.github.files.set(`${pull.sha}:.taskcluster.yml`, file);
    return made('issue_comment', comment('/taskcluster run'));
  };
  beforeEach(() => {
    test.github.collaborators.add('alice');
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {allowComments: collaborators}'));
  });

  it('sees that it was read, also when GitHub takes no mark', async () => {
    assert.deepEqual(await asks(aFile(['asked'])), ['asked']);
    assert.deepEqual([test.github.reactions, test.github.comments], [['+1 1'], []]);
    test.github.interrupt = ({ path }) =>
      path.endsWith('/reactions') ? { status: 500, body: {} } : undefined;
    assert.deepEqual(await asks(aFile(['asked again'])), ['asked again']);
    test.clock.advance(minutes(5));
    await test.settle();
    assert.equal((await test.taskNames()).filter((name) => name === 'asked again').length, 1);
  });

  it('is told why there are no tasks', async () => {
    for (const [file, told] of [
      [undefined, /^No tasks were made\. There is no \.taskcluster\.yml at b/],
      ['version: 1\ntasks: []', /^No tasks were made\. \.taskcluster\.yml makes none for it\./],
      ['version: 1\ntasks: 7', /has a mistake/],
    ] as const) {
      assert.deepEqual(await asks(file), []);
      assert.match(lastComment(), told);
      assert.deepEqual(test.github.reactions, []);
    }
  });
});

it('a file of version 0 has the address that the sender shows to everybody, else one of GitHub’s', async () => {
  const file = [
    'version: 0',
    'tasks:',
    '  - provisionerId: prov',
    '    workerType: type',
    '    extra: {github: {events: [push]}}',
    '    payload: {}',
    '    metadata: {name: "{{ event.head.user.email }}", description: x, owner: "{{ event.head.user.email }}", source: "https://example.com"}',
  ].join('\n');
  const sender = { login: 'renovate[bot]', type: 'Bot' };
  const emails: Record<string, unknown> = { alice: 'alice@example.com', 'renovate[bot]': null };
  test.github.interrupt = ({ path }) => {
    const [, login = ''] = /^\/users\/([^/?]+)$/.exec(path) ?? [];
    return login === '' ? undefined : { status: 200, body: { email: emails[decodeURIComponent(login)] } };
  };
  assert.deepEqual(await made('push', push({ after: aCommit(file) })), ['alice@example.com']);
  assert.deepEqual(await made('push', push({ after: aCommit(file), sender })), [
    'renovate@users.noreply.github.com',
  ]);
  test.github.calls.length = 0;
  assert.deepEqual(await made('push', push({ after: aCommit(aFile(['of version 1'])) })), ['of version 1']);
  assert.deepEqual(
    test.github.calls.filter((call) => call.includes('/users/')),
    [],
  );
});

describe('told-to-wait: GitHub', () => {
  const now = () => Math.floor(test.clock.now().getTime() / 1000);
  const asks = [
    [
      'by a secondary limit that says how long',
      { 'retry-after': '120' },
      'You have exceeded a secondary rate limit',
      120,
    ],
    ['by a secondary limit that does not', {}, 'You have exceeded a secondary rate limit', 60],
    [
      'by the limit of an hour',
      { 'x-ratelimit-remaining': '0', reset: 'in 300' },
      'API rate limit exceeded',
      300,
    ],
  ] as const;
  for (const [how, headers, message, waited] of asks)
    it(`is waited for when it refuses with 403 ${how}`, async () => {
      const name = `waited ${waited}`;
      const after = aCommit(aFile([name]));
      const { reset, ...others } = { reset: undefined, ...headers };
      const sent = { ...others, ...(reset && { 'x-ratelimit-reset': String(now() + 300) }) };
      test.github.interrupt = () => ({ status: 403, body: { message }, headers: sent });
      assert.deepEqual(await made('push', push({ after })), []);
      test.github.interrupt = undefined;
      test.github.calls.length = 0;
      test.clock.advance(seconds(waited - 2));
      await test.settle();
      assert.deepEqual(test.github.calls, []);
      test.clock.advance(seconds(3));
      await test.settle();
      assert.ok((await test.taskNames()).includes(name));
    });
});

describe('an installation', () => {
  const states = (commit: string) =>
    test.github.statuses.filter((status) => status.sha === commit).map(({ state }) => state);

  for (const [action, event, more] of [
    ['unsuspend', 'installation', {}],
    ['new_permissions_accepted', 'installation', {}],
    ['created', 'installation', { repositories: [repository()] }],
    ['added', 'installation_repositories', { repositories_added: [repository()] }],
  ] as const)
    it(`is told what GitHub refused before it was ${action}`, async () => {
      const name = `refused before ${action}`;
      const after = aCommit(aFile([name]));
      assert.deepEqual(await made('push', push({ after })), [name]);
      test.github.interrupt = ({ path }) =>
        path.includes('/statuses/')
          ? { status: 403, body: { message: 'This installation has been suspended' } }
          : undefined;
      await test.runTask(name);
      await test.settle();
      test.github.interrupt = undefined;
      await test.settle();
      assert.deepEqual(states(after), ['pending']);
      const { installation } = push() as { installation: object };
      assert.equal((await test.deliver(event, { action, installation, ...more })).status, 200);
      await test.settle();
      assert.deepEqual(states(after), ['pending', 'success']);
    });
});
