import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { minutes, RequestError, seconds } from '../base/index.ts';
import { plainTask } from '../testing/index.ts';
import { payloads, readDeliveries, readTasks, type TestGithub, testGithub } from './testing/index.ts';

const {
  aFile,
  checkRun,
  checkSuite,
  comment,
  headOfFork,
  pullOf,
  pullRequest,
  push,
  release,
  repository,
  sha,
} = payloads;

let test: TestGithub;
let commits = 0;
before(async () => {
  test = await testGithub();
});
after(() => test.close());

const all = ['queue:create-task:*', 'queue:scheduler-id:*', 'queue:route:*', 'github:trigger-hook:*'];
const role = (part: string): string => `assume:repo:github.com/org/repo:${part}`;
const everyPart = [
  'branch:main',
  'branch:topic',
  'tag:v1',
  'pull-request',
  'pull-request-untrusted',
  'release:published',
];

beforeEach(() => {
  const { github, roles } = test;
  for (const map of [github.files, github.pulls, github.collaborators]) map.clear();
  for (const list of [github.comments, github.calls, github.statuses, github.checkRuns, github.history])
    list.length = 0;
  github.interrupt = undefined;
  test.whenTriggered(async () => ({}));
  roles.clear();
  for (const part of everyPart) roles.set(role(part), all);
  // Events of one moment replace each other in no certain order.
  test.clock.advance(seconds(1));
});

/** A commit that no other test has. */
const aCommit = (): string => (++commits).toString(16).padStart(40, '0').replace(/^0/, 'c');

const put = (commit: string, file: string): void =>
  void test.github.files.set(`${commit}:.taskcluster.yml`, file);

/** Pushes a file to a branch, and does all that it brings about. */
const pushFile = async (file: string, fields: object = {}): Promise<string> => {
  const after = aCommit();
  put(after, file);
  const { status } = await test.deliver('push', push({ after, ...fields }));
  assert.equal(status, 200);
  await test.settle();
  return after;
};

const groupOf = async (name: string) =>
  (await readTasks(test.db)).findLast((task) => task.name === name)?.taskGroupId ?? '';
const definitionOf = async (name: string) =>
  JSON.parse((await readTasks(test.db)).findLast((task) => task.name === name)?.definition ?? '{}') as Record<
    string,
    unknown
  >;
const lastMessages = async (exchange: string) =>
  (await test.messages()).filter(
    (message) => message.exchange === `exchange/taskcluster-github/v1/${exchange}`,
  );

const scopesOf = (...scopes: string[]) => ({ scopes: scopes.join(' ') });
const ask = async (
  method: 'GET' | 'POST',
  path: string,
  { scopes = ['*'], body }: { scopes?: string[]; body?: object } = {},
) => {
  const headers = scopes.length > 0 ? scopesOf(...scopes) : {};
  const url = `/api/github/v1${path}`;
  const reply = await test.app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
  const isJson = String(reply.headers['content-type']).startsWith('application/json');
  return {
    status: reply.statusCode,
    headers: reply.headers,
    text: reply.body,
    body: (isJson ? JSON.parse(reply.body) : {}) as Record<string, never> & {
      builds: Record<string, unknown>[];
      code: string;
      message: string;
    },
  };
};

describe('a delivery', () => {
  it('makes its tasks once, however often it comes', async () => {
    const [after, eventId] = [aCommit(), randomUUID()];
    put(after, aFile(['once']));
    const payload = push({ after });
    const answers = await Promise.all([1, 2, 3].map(() => test.deliver('push', payload, eventId)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200],
    );
    await test.settle();
    await test.deliver('push', payload, eventId);
    await test.settle();
    assert.equal((await test.taskNames()).filter((name) => name === 'once').length, 1);
    assert.equal((await lastMessages('push')).filter(({ body }) => body.eventId === eventId).length, 1);
  });

  it('is kept before anything is done about it, and done by whoever looks next', async () => {
    const after = aCommit();
    put(after, aFile(['kept']));
    await test.deliver('push', push({ after }));
    assert.ok(!(await test.taskNames()).includes('kept'));
    assert.deepEqual(test.github.calls, []);
    // As by two processes.
    await Promise.all([test.settle(), test.settle()]);
    assert.equal((await test.taskNames()).filter((name) => name === 'kept').length, 1);
  });

  it('makes and shows each task once, however many processes do the work', async () => {
    const workers = [test, await test.another(), await test.another()];
    const settleAll = () => Promise.all(workers.map(({ settle }) => settle()));
    const names: string[] = [];
    const commits = Array.from({ length: 6 }, aCommit);
    for (const [i, after] of commits.entries()) {
      const own = [`shared-${i}-a`, `shared-${i}-b`];
      names.push(...own);
      put(after, aFile(own, 'reporting: checks-v1'));
      await test.deliver('push', push({ after, ref: `refs/heads/shared-${i}` }));
    }
    for (const part of commits.keys()) test.roles.set(role(`branch:shared-${part}`), all);
    await settleAll();
    const made = (await test.taskNames()).filter((name) => name.startsWith('shared-'));
    assert.deepEqual(made.sort(), names);
    const shown = () => test.github.checkRuns.map(({ name }) => name).filter((name) => names.includes(name));
    assert.deepEqual(shown().sort(), names);
    for (const name of names) await test.runTask(name);
    await settleAll();
    assert.deepEqual(shown().sort(), names);
    const ended = test.github.checkRuns.filter(({ name }) => names.includes(name));
    assert.deepEqual(new Set(ended.map(({ conclusion }) => conclusion)), new Set(['success']));
  });

  it('that is malformed, without an id, or of no event is refused or ignored', async () => {
    const { body } = await test.deliver('push', { ...push(), after: 'none' });
    assert.equal(body.code, 'InputValidationError');
    assert.match(body.message ?? '', /body\.after/);
    assert.equal((await test.deliver('push', push(), 'no-id')).body.code, 'InvalidRequestArguments');
    assert.equal((await test.deliver('workflow_run', {})).status, 200);
    assert.equal((await test.deliver('pull_request', { action: 'opened', pull_request: 1 })).status, 400);
    const text = `payload=${encodeURIComponent('{}')}`;
    const headers = {
      ...test.github.headersFor('push', text),
      'content-type': 'application/x-www-form-urlencoded',
    };
    const reply = await test.app.inject({
      method: 'POST',
      url: '/api/github/v1/github',
      headers,
      payload: text,
    });
    assert.match(reply.body, /application\/json/);
    assert.equal(reply.statusCode, 400);
  });

  it('may be larger than what strangers may send, and of many commits', async () => {
    const commits = Array.from({ length: 2000 }, (_, i) => ({
      id: sha('b'),
      message: 'x'.repeat(300),
      modified: Array.from({ length: 20 }, (_, j) => `file-${i}-${j}.txt`),
    }));
    assert.equal((await test.deliver('push', push({ after: aCommit(), commits }))).status, 200);
    await test.settle();
  });

  it('is tried again when GitHub is down, and given up when GitHub refuses', async () => {
    const [after, refused] = [aCommit(), aCommit()];
    put(after, aFile(['late']));
    test.github.interrupt = () => ({ status: 502, body: { message: 'Bad gateway' } });
    await test.deliver('push', push({ after }));
    await test.settle();
    test.github.interrupt = undefined;
    assert.ok(!(await test.taskNames()).includes('late'));
    test.clock.advance(minutes(1));
    await test.settle();
    assert.ok((await test.taskNames()).includes('late'));

    test.github.interrupt = () => ({
      status: 403,
      body: { message: 'Resource not accessible by integration' },
    });
    const eventId = randomUUID();
    await test.deliver('push', push({ after: refused }), eventId);
    await test.settle();
    const outcome = async () =>
      (await readDeliveries(test.db)).find((row) => row.eventId === eventId)?.outcome;
    assert.equal(await outcome(), 'given up');
    // Somebody has mended it, and asks GitHub to send it again.
    test.github.interrupt = undefined;
    put(refused, aFile(['mended']));
    await test.deliver('push', push({ after: refused }), eventId);
    await test.settle();
    assert.ok((await test.taskNames()).includes('mended'));
  });

  it('waits as long as GitHub asks for', async () => {
    const after = aCommit();
    put(after, aFile(['patient']));
    test.github.interrupt = () => ({
      status: 429,
      body: { message: 'Slow down' },
      headers: { 'retry-after': '600' },
    });
    await test.deliver('push', push({ after }));
    await test.settle();
    const asked = test.github.calls.length;
    test.github.interrupt = undefined;
    test.clock.advance(minutes(9));
    await test.settle();
    assert.equal(test.github.calls.length, asked);
    test.clock.advance(minutes(2));
    await test.settle();
    assert.ok((await test.taskNames()).includes('patient'));
  });
});

describe('an event', () => {
  it('becomes tasks by the role of its part of the repository, with what the file leaves out', async () => {
    const cases = [
      ['push', push({ after: aCommit() }), 'branch:topic'],
      ['push', push({ after: aCommit(), ref: 'refs/tags/v1' }), 'tag:v1'],
      ['release', release(), 'release:published'],
    ] as const;
    for (const [event, payload, part] of cases) {
      const name = `by ${part}`;
      put(String((payload as { after?: string }).after ?? sha('d')), aFile([name]));
      test.roles.delete(role(part));
      await test.deliver(event, payload);
      await test.settle();
      assert.ok(!(await test.taskNames()).includes(name), `${part} without its role`);
      test.roles.set(role(part), all);
      await test.deliver(event, payload);
      await test.settle();
      const { schedulerId, routes, taskGroupId } = await definitionOf(name);
      assert.deepEqual([schedulerId, routes], ['taskcluster-github', ['statuses']], part);
      assert.equal((await readTasks(test.db)).find((task) => task.name === name)?.taskId, taskGroupId);
    }
  });

  it('is told to those who listen, and so is that its tasks were made', async () => {
    const after = aCommit();
    put(after, aFile(['told'], 'reporting: checks-v1'));
    const dotted = repository('some-org/re.po');
    test.roles.set('assume:repo:github.com/some-org/re.po:branch:topic', all);
    const eventId = randomUUID();
    await test.deliver('push', push({ after, repository: dotted }), eventId);
    await test.settle();
    const [said] = (await lastMessages('push')).filter(({ body }) => body.eventId === eventId);
    assert.equal(said?.routingKey, 'primary.some-org.re%po');
    const { repository: name, branch, tasks_for: tasksFor, body, details } = said?.body ?? {};
    assert.deepEqual([name, branch, tasksFor], ['re%po', 'topic', 'github-push']);
    assert.equal((body as { after: string }).after, after);
    assert.equal((details as Record<string, string>)['event.head.sha'], after);
    const created = (await lastMessages('task-group-creation-requested')).at(-1);
    assert.deepEqual([created?.body.taskGroupId, created?.routes], [await groupOf('told'), ['checks']]);

    await test.deliver('pull_request', pullRequest({ action: 'labeled' }));
    assert.equal((await lastMessages('pull-request')).at(-1)?.routingKey, 'primary.org.repo.labeled');
    await test.deliver('release', release());
    assert.equal((await lastMessages('release')).at(-1)?.body.branch, 'main');
    await test.deliver('check_run', checkRun(123_456));
    assert.equal((await lastMessages('rerun')).at(-1)?.body.checkRunId, 123_456);
    await test.settle();
  });

  it('that asks to be skipped makes none', async () => {
    const message = 'Only words [ci skip]';
    await pushFile(aFile(['skipped']), { head_commit: { id: sha('b'), message } });
    put(sha('b'), aFile(['skipped']));
    test.github.collaborators.add('alice');
    await test.deliver('pull_request', pullRequest({}, { title: 'A change [Skip CI]' }));
    await test.settle();
    assert.ok(!(await test.taskNames()).includes('skipped'));
  });

  it('whose file has mistakes gets one comment with file, line and task', async () => {
    const wrong = aFile(['fine', 'wrong']).replace('metadata: {name: wrong', 'metadata: {nmae: wrong');
    const after = await pushFile(wrong);
    assert.equal(test.github.comments.length, 1);
    const [{ place, body } = { place: '', body: '' }] = test.github.comments;
    assert.equal(place, `commits/${after}`);
    assert.match(body, /\.taskcluster\.yml:\d+:\d+: /);
    assert.ok(!(await test.taskNames()).includes('fine'), 'all or nothing');

    test.github.collaborators.add('alice');
    put(sha('b'), 'version: 1\ntasks: {$if: }');
    await test.deliver('pull_request', pullRequest());
    await test.settle();
    assert.equal(test.github.comments.at(-1)?.place, 'issues/7');
  });

  it('is commented on once, though the process ends before it could write that down', async () => {
    const after = aCommit();
    put(after, 'version: 9');
    let lost = 0;
    test.github.interrupt = ({ method, path, body }) => {
      if (method !== 'POST' || !path.endsWith('/comments') || lost > 0) return undefined;
      lost++;
      test.github.comments.push({ place: `commits/${after}`, body: String(body.body) });
      return { status: 500, body: {} };
    };
    await test.deliver('push', push({ after }));
    await test.settle();
    test.clock.advance(minutes(1));
    await test.settle();
    assert.deepEqual([lost, test.github.comments.length], [1, 1]);
  });

  it('whose tasks are refused makes none of them, and is told which scopes are missing', async () => {
    test.roles.set(role('branch:topic'), ['queue:create-task:*', 'queue:scheduler-id:*']);
    await pushFile(
      aFile(['may', 'may not'])
        .replace('{name: may not', '{name: may not')
        .replace(/payload: {}\n(?=.*may not)/, 'payload: {}\n    scopes: [secrets:get:x]\n'),
    );
    const body = test.github.comments.at(-1)?.body ?? '';
    assert.match(body, /task "may not" \(line \d+\)/);
    assert.match(body, /secrets:get:x/);
    assert.match(body, /assume:repo:github\.com\/org\/repo:branch:topic/);
    assert.ok(!(await test.taskNames()).includes('may'));
  });
});

describe('a push that changes the file', () => {
  const touching = (list: string) => [{ id: sha('b'), message: 'x', [list]: ['.taskcluster.yml'] }];
  const told = async () => (await lastMessages('taskcluster-yml-update')).map(({ body }) => body);

  it('is told, whatever becomes of its tasks', async () => {
    const before = (await told()).length;
    for (const list of ['added', 'modified', 'removed'])
      await pushFile('version: 9', {
        commits: touching(list),
        ref: 'refs/heads/topic',
        repository: repository('org/dotted.io'),
      });
    await pushFile(aFile(['quiet']));
    const messages = (await told()).slice(before);
    assert.equal(messages.length, 3);
    const { eventId, ...rest } = messages[0] ?? {};
    assert.match(String(eventId), /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      version: 1,
      organization: 'org',
      repository: 'dotted.io',
      ref: 'refs/heads/topic',
    });
  });

  it('is told by the file itself where GitHub has left out some of its commits', async () => {
    const before = (await told()).length;
    const commits = Array.from({ length: 2048 }, () => ({ id: sha('b'), message: 'x', modified: ['a'] }));
    const [one, other] = [aCommit(), aCommit()];
    put(one, 'version: 1');
    await pushFile('version: 1', { commits, before: one });
    assert.equal((await told()).length, before);
    put(other, 'version: 1\ntasks: []');
    await pushFile('version: 1', { commits, before: other });
    await pushFile('version: 1', { commits, before: '0'.repeat(40) });
    assert.equal((await told()).length, before + 2);
  });
});

describe('a pull request', () => {
  it('is let in by the policy of the default branch', async () => {
    const cases: [policy: string, login: string, name: string | undefined][] = [
      ['public', 'mallory', 'github-pull-request'],
      ['public_restricted', 'mallory', 'github-pull-request-untrusted'],
      ['public_restricted', 'alice', 'github-pull-request'],
      ['collaborators', 'alice', 'github-pull-request'],
      ['collaborators', 'mallory', undefined],
      ['collaborators_quiet', 'mallory', undefined],
    ];
    test.github.collaborators.add('alice');
    for (const [policy, login, tasksFor] of cases) {
      const commit = aCommit();
      const name = `${policy} ${login}`;
      test.github.files.set(':.taskcluster.yml', aFile([], `policy: {pullRequests: ${policy}}`));
      put(
        commit,
        aFile([name])
          .replace('name: ', 'name: ')
          .replace('description: Made by a test.', 'description: {$eval: tasks_for}'),
      );
      test.github.comments.length = 0;
      await test.deliver(
        'pull_request',
        pullRequest({}, { user: { login }, head: { ...headOfFork(login), sha: commit } }),
      );
      await test.settle();
      const { metadata } = (await definitionOf(name)) as { metadata?: { description: string } };
      assert.equal(metadata?.description, tasksFor, name);
      assert.equal(
        test.github.comments.length,
        policy === 'collaborators' && login === 'mallory' ? 1 : 0,
        name,
      );
    }
  });

  it('may be built by a comment, where the policy lets comments', async () => {
    const commit = aCommit();
    put(
      commit,
      aFile(['asked']).replace(
        'description: Made by a test.',
        'description: {$eval: event.taskcluster_comment}',
      ),
    );
    test.github.pulls.set(7, pullOf({ head: { ...headOfFork('mallory'), sha: commit } }));
    const text = 'Please:\n/taskcluster run perf tests\nThanks';
    await test.deliver('issue_comment', comment(text));
    await test.settle();
    assert.match(test.github.comments.at(-1)?.body ?? '', /allowComments/);
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {allowComments: collaborators}'));
    await test.deliver('issue_comment', comment(text));
    await test.settle();
    assert.match(test.github.comments.at(-1)?.body ?? '', /collaborators/);
    test.github.collaborators.add('alice');
    await test.deliver('issue_comment', comment(text));
    await test.settle();
    assert.deepEqual(
      ((await definitionOf('asked')).metadata as { description: string }).description,
      'run perf tests',
    );
    for (const ignored of ['deleted', 'created'] as const)
      assert.match(
        (
          await test.deliver(
            'issue_comment',
            comment(ignored === 'created' ? 'no command' : text, { action: ignored }),
          )
        ).body.message ?? '',
        /./,
      );
  });
});

describe('a newer build', () => {
  const stateOf = async (name: string) =>
    (await readTasks(test.db)).findLast((task) => task.name === name)?.state;

  it('cancels the older one of its branch, but not on the default branch, nor of the same commit', async () => {
    const commit = await pushFile(aFile(['old topic']));
    test.clock.advance(seconds(1));
    await pushFile(aFile(['new topic']));
    assert.deepEqual([await stateOf('old topic'), await stateOf('new topic')], ['exception', 'pending']);
    const shown = test.github.statuses.filter((status) => status.sha === commit);
    assert.deepEqual(
      shown.map(({ state }) => state),
      ['pending', 'error'],
    );

    await pushFile(aFile(['old main']), { ref: 'refs/heads/main' });
    test.clock.advance(seconds(1));
    await pushFile(aFile(['new main']), { ref: 'refs/heads/main' });
    assert.equal(await stateOf('old main'), 'pending');

    test.clock.advance(seconds(1));
    await pushFile(aFile(['unasked'], 'autoCancelPreviousChecks: false'));
    assert.equal(await stateOf('new topic'), 'pending');
  });

  it('of a pull request cancels those of its own kind', async () => {
    test.github.collaborators.add('alice');
    const open = async (action: string, name: string, number = 7) => {
      const commit = aCommit();
      put(commit, aFile([name]));
      const head = { ...headOfFork('alice'), sha: commit };
      await test.deliver('pull_request', pullRequest({ action, number }, { head, number }));
      await test.settle();
      test.clock.advance(seconds(1));
    };
    await open('opened', 'first');
    await open('labeled', 'label');
    await open('opened', 'other', 8);
    await open('synchronize', 'second');
    assert.deepEqual(await Promise.all(['first', 'label', 'other', 'second'].map(stateOf)), [
      'exception',
      'pending',
      'pending',
      'pending',
    ]);
  });
});

describe('hooks of a file', () => {
  const file =
    'version: 1\nreporting: checks-v1\nhooks: [{name: group/one, context: {a: 1}}, {name: group/none}, {name: group/bad}]';

  it('are triggered once with what happened, and the others go on when one fails', async () => {
    const calls: { hookId: string; payload: Record<string, unknown> }[] = [];
    let isDown = true;
    test.whenTriggered(async ({ hookId, payload }) => {
      calls.push({ hookId, payload: payload as Record<string, unknown> });
      if (hookId === 'bad') throw new RequestError('InputError', 'It cannot be rendered.');
      if (hookId === 'none') return {};
      const { taskId } = payload as { taskId: string };
      const task = {
        ...plainTask(test.clock.now()),
        taskQueueId: 'prov/type',
        taskGroupId: taskId,
        schedulerId: 'hooks',
        routes: ['checks'],
      };
      await test.queue.createTasks.one({ taskId, request: task as never, authorize: () => {} });
      return { taskId };
    });
    // The process ends after the hooks, before that is written down.
    test.github.interrupt = ({ method, path }) => {
      if (method !== 'POST' || !path.endsWith('/comments') || !isDown) return undefined;
      isDown = false;
      return { status: 500, body: {} };
    };
    const after = await pushFile(file);
    test.clock.advance(minutes(1));
    await test.settle();
    assert.deepEqual(
      calls.map(({ hookId }) => hookId),
      ['one', 'none', 'bad'],
    );
    const { context, tasks_for: tasksFor, event, taskId } = calls[0]?.payload ?? {};
    assert.deepEqual(
      [context, tasksFor, (event as { after: string }).after],
      [{ a: 1 }, 'github-push', after],
    );
    const { builds } = (await ask('GET', `/builds?sha=${after}`)).body;
    assert.deepEqual(
      builds.map(({ taskGroupId }) => taskGroupId),
      [taskId],
    );
    assert.match(test.github.comments.at(-1)?.body ?? '', /hook "group\/bad": It cannot be rendered/);
    assert.ok(test.github.checkRuns.some(({ external_id: id }) => id === taskId));
    test.clock.advance(seconds(1));
    await pushFile(aFile(['instead of a hook']));
    assert.equal((await ask('GET', `/builds?sha=${after}`)).body.builds[0]?.state, 'cancelled');
  });
});

describe('checks', () => {
  const checksOf = (commit: string) =>
    Object.fromEntries(
      test.github.checkRuns
        .filter((run) => run.head_sha === commit)
        .map(({ name, status, conclusion }) => [name, conclusion ?? status]),
    );

  it('follow their tasks, and the build is green when all have ended and not before', async () => {
    const commit = await pushFile(aFile(['decision', 'lint'], 'reporting: checks-v1'));
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'in_progress',
      decision: 'queued',
      lint: 'queued',
    });
    // A decision task makes more tasks and completes.
    const { taskGroupId, taskQueueId } = (await definitionOf('decision')) as {
      taskGroupId: string;
      taskQueueId: string;
    };
    const child = {
      ...plainTask(test.clock.now()),
      taskQueueId,
      taskGroupId,
      schedulerId: 'taskcluster-github',
      routes: ['checks'],
    };
    const metadata = { ...child.metadata, name: 'child' };
    await test.queue.createTasks.one({
      taskId: 'AAAAAAAAQAOAAAAAAAAAAA',
      request: { ...child, metadata } as never,
      authorize: () => {},
    });
    await test.runTask('decision');
    await test.runTask('lint');
    await test.settle();
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'in_progress',
      decision: 'success',
      lint: 'success',
      child: 'queued',
    });
    await test.runTask('child');
    await test.settle();
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'success',
      decision: 'success',
      lint: 'success',
      child: 'success',
    });
    const beforeEnd = test.github.history.slice(0, test.github.history.indexOf('child completed success'));
    assert.ok(!beforeEnd.includes('Taskyard (push) completed success'));
  });

  it('fail with the first cause, and are run again by the button', async () => {
    const file = aFile(['compile', 'unit', 'later'], 'reporting: checks-v1').replace(
      /payload: {}\n(?=.*name: later)/,
      'payload: {}\n    dependencies: [{$eval: as_slugid("compile")}]\n',
    );
    const commit = await pushFile(file);
    await test.runTask('compile', 'failed');
    await test.settle();
    const build = () =>
      test.github.checkRuns.find((run) => run.head_sha === commit && run.name.startsWith('Taskyard'));
    assert.equal(build()?.output?.title, 'compile failed');
    assert.match(build()?.output?.summary ?? '', /1 task did not run/);
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'failure',
      compile: 'failure',
      unit: 'queued',
      later: 'queued',
    });

    const button = test.github.checkRuns.find((run) => run.head_sha === commit && run.name === 'compile');
    await test.deliver('check_run', checkRun(button?.id ?? 0));
    await test.settle();
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'in_progress',
      compile: 'queued',
      unit: 'queued',
      later: 'queued',
    });
    for (const name of ['compile', 'unit', 'later']) {
      await test.runTask(name);
      await test.settle();
    }
    assert.deepEqual(checksOf(commit), {
      'Taskyard (push)': 'success',
      compile: 'success',
      unit: 'success',
      later: 'success',
    });
    assert.equal(
      test.github.checkRuns.filter((run) => run.head_sha === commit).length,
      4,
      'each is one check run',
    );
  });

  it('all run again by the button for all, or of the build', async () => {
    const commit = await pushFile(aFile(['a fails', 'b fails'], 'reporting: checks-v1'));
    const failBoth = async () => {
      for (const name of ['a fails', 'b fails']) await test.runTask(name, 'failed');
      await test.settle();
      assert.equal(checksOf(commit)['Taskyard (push)'], 'failure');
    };
    await failBoth();
    await test.deliver('check_suite', checkSuite(commit));
    await test.settle();
    assert.deepEqual(Object.values(checksOf(commit)).toSorted(), ['in_progress', 'queued', 'queued']);
    await failBoth();
    const build = test.github.checkRuns.find(
      (run) => run.head_sha === commit && run.name.startsWith('Taskyard'),
    );
    await test.deliver('check_run', checkRun(build?.id ?? 0));
    await test.settle();
    assert.deepEqual(Object.values(checksOf(commit)).toSorted(), ['in_progress', 'queued', 'queued']);
  });

  it('are each made once, though the process ends before it could write that down', async () => {
    let lost = 0;
    const commit = aCommit();
    put(commit, aFile(['twice'], 'reporting: checks-v1'));
    test.github.interrupt = ({ method, path, body }) => {
      if (method !== 'POST' || !path.endsWith('/check-runs') || lost > 0) return undefined;
      lost++;
      test.github.checkRuns.push({
        id: 5,
        conclusion: null,
        check_suite: { id: 77 },
        ...(body as object),
      } as never);
      return { status: 500, body: {} };
    };
    await test.deliver('push', push({ after: commit }));
    await test.settle();
    test.clock.advance(minutes(1));
    await test.settle();
    assert.equal(lost, 1);
    assert.equal(test.github.checkRuns.filter((run) => run.head_sha === commit).length, 2);
  });
});

describe('statuses', () => {
  it('tell of a whole build, its first cause and its first error line', async () => {
    const commit = await pushFile(aFile(['red', 'green']));
    const shown = () =>
      test.github.statuses
        .filter((status) => status.sha === commit)
        .map(({ state, description }) => `${state}: ${description}`);
    assert.deepEqual(shown(), ['pending: 0 of 2 tasks done']);
    await test.runTask('green');
    await test.settle();
    assert.deepEqual(shown(), ['pending: 0 of 2 tasks done']);
    await test.runTask('red', 'failed');
    await test.settle();
    assert.equal(shown().at(-1), 'failure: red failed');
    const { context, target_url: url } = test.github.statuses.at(-1) ?? {};
    assert.deepEqual(
      [context, url],
      ['Taskyard (push)', `https://tasks.example.com/tasks/groups/${await groupOf('red')}`],
    );
    await test.queue.rerunTasks.one({
      taskId: (await readTasks(test.db)).find(({ name }) => name === 'red')?.taskId ?? '',
      authorize: () => {},
    });
    await test.settle();
    assert.equal(shown().at(-1), 'pending: 1 of 2 tasks done');
    await test.runTask('red');
    await test.settle();
    assert.equal(shown().at(-1), 'success: 2 tasks completed');
  });
});

describe('methods', () => {
  it('list builds by what they are of, in pages', async () => {
    const named = repository('lists/a.repo');
    test.roles.set('assume:repo:github.com/lists/a.repo:branch:topic', all);
    for (let i = 0; i < 3; i++)
      await pushFile(aFile(['listed'], 'autoCancelPreviousChecks: false'), { repository: named });
    const seen: unknown[] = [];
    let token = '';
    do {
      const { body } = await ask('GET', `/builds?organization=LISTS&repository=a%25repo&limit=2${token}`);
      seen.push(
        ...body.builds.map(({ repository: name, state, eventType }) => [name, state, eventType].join(' ')),
      );
      token = body.continuationToken ? `&continuationToken=${body.continuationToken}` : '';
    } while (token);
    assert.deepEqual(seen, ['a%repo pending push', 'a%repo pending push', 'a%repo pending push']);
    assert.equal((await ask('GET', '/builds', { scopes: ['github:get-badge:*'] })).status, 403);
    assert.deepEqual((await ask('GET', '/builds?organization=lists&pullRequest=1')).body.builds, []);
    assert.equal((await ask('GET', '/builds?sha=main')).status, 400);
  });

  it('cancel builds of a commit or a pull request with their tasks, and say what there was to cancel', async () => {
    const commit = await pushFile(aFile(['to cancel']));
    assert.equal((await ask('POST', '/builds/org/repo/cancel')).status, 400);
    const scopes = ['github:cancel-builds:org:repo'];
    assert.equal((await ask('POST', `/builds/other/repo/cancel?sha=${commit}`, { scopes })).status, 403);
    const { status, body } = await ask('POST', `/builds/org/repo/cancel?sha=${commit}`, { scopes });
    assert.deepEqual([status, body.builds.map(({ state }) => state)], [200, ['cancelled']]);
    assert.equal((await readTasks(test.db)).findLast(({ name }) => name === 'to cancel')?.state, 'exception');
    assert.equal((await ask('POST', `/builds/org/repo/cancel?sha=${commit}`, { scopes })).status, 404);
    await test.settle();
    assert.equal(test.github.statuses.at(-1)?.state, 'error');
  });

  it('show the newest build of a branch as a picture and as a page', async () => {
    const ref = 'refs/heads/feature/x';
    test.roles.set(role('branch:feature/x'), all);
    const path = '/repository/org/repo/feature%2Fx';
    assert.match((await ask('GET', `${path}/badge.svg`)).text, /no builds/);
    assert.equal((await ask('GET', `${path}/latest`)).status, 404);
    await pushFile(aFile(['branch x']), { ref });
    await test.runTask('branch x');
    await test.settle();
    const badge = await ask('GET', `${path}/badge.svg`, { scopes: ['github:get-badge:org:repo:feature/x'] });
    assert.equal(badge.headers['content-type'], 'image/svg+xml; charset=utf-8');
    assert.match(badge.text, /^<svg .*passing/s);
    const latest = await ask('GET', `${path}/latest`, {
      scopes: ['github:latest-status:org:repo:feature/x'],
    });
    assert.deepEqual(
      [latest.status, latest.headers.location],
      [303, `https://tasks.example.com/tasks/groups/${await groupOf('branch x')}`],
    );
  });

  it('say where the app is installed, and show statuses and comments there', async () => {
    assert.deepEqual((await ask('GET', '/repository/org/repo')).body, { installed: true });
    assert.deepEqual((await ask('GET', '/repository/nobody/repo')).body, { installed: false });
    const body = {
      state: 'success',
      context: 'mine',
      description: 'fine',
      target_url: 'https://example.com',
    };
    assert.equal(
      (
        await ask('POST', `/repository/org/repo/statuses/${sha('e')}`, {
          body,
          scopes: ['github:create-status:org/repo'],
        })
      ).status,
      204,
    );
    assert.deepEqual(test.github.statuses, [{ sha: sha('e'), ...body }]);
    const scopes = ['github:create-comment:org/repo'];
    assert.equal(
      (await ask('POST', '/repository/org/repo/issues/3/comments', { body: { body: 'Hello' }, scopes }))
        .status,
      204,
    );
    assert.deepEqual(test.github.comments, [{ place: 'issues/3', body: 'Hello' }]);
    assert.equal(
      (await ask('POST', '/repository/nobody/repo/issues/3/comments', { body: { body: 'Hello' } })).status,
      404,
    );
    test.github.interrupt = ({ path }) =>
      path.endsWith('/comments') ? { status: 403, body: { message: 'Locked' } } : undefined;
    const forbidden = await ask('POST', '/repository/org/repo/issues/3/comments', {
      body: { body: 'Hello' },
    });
    assert.deepEqual([forbidden.status, forbidden.body.code], [403, 'ForbiddenByGithub']);
    test.github.interrupt = () => ({ status: 502, body: { message: 'Bad gateway' } });
    const away = await ask('GET', '/repository/org/repo');
    assert.deepEqual([away.status, away.body.code], [503, 'ServiceUnavailable']);
  });

  it('render a file for an event that nobody sent', async () => {
    const render = (fakeEvent: object, body: string) =>
      ask('POST', '/taskcluster-yml', {
        scopes: [],
        body: { body, fakeEvent, organization: 'org', repository: 'repo' },
      });
    const file = aFile(['shown']).replace('description: Made by a test.', 'description: {$eval: event.ref}');
    const pushed = await render({ type: 'github-push', overrides: { ref: 'refs/heads/mine' } }, file);
    assert.equal(pushed.status, 200, pushed.text);
    const { tasks, scopes } = pushed.body as unknown as {
      tasks: { metadata: { description: string } }[];
      scopes: string[];
    };
    assert.deepEqual(
      tasks.map(({ metadata }) => metadata.description),
      ['refs/heads/mine'],
    );
    assert.deepEqual(scopes[0], 'assume:repo:github.com/org/repo:branch:mine');
    for (const [type, action, part] of [
      ['github-pull-request', 'opened', 'pull-request'],
      ['github-pull-request-untrusted', 'opened', 'pull-request-untrusted'],
      ['github-release', 'published', 'release:published'],
      ['github-issue-comment', 'created', 'pull-request'],
    ]) {
      const { body } = await render({ type, action }, aFile());
      assert.equal(
        (body as unknown as { scopes: string[] }).scopes[0],
        `assume:repo:github.com/org/repo:${part}`,
      );
    }
    const wrong = await render({ type: 'github-push' }, 'version: 1\ntasks: 7');
    assert.equal(wrong.status, 400);
    assert.match(wrong.body.message, /\.taskcluster\.yml:2/);
    assert.equal((await render({ type: 'github-cron' }, aFile())).status, 400);
  });
});

describe('without an app', () => {
  it('every method that needs one says which settings are missing', async () => {
    const bare = await testGithub({ withoutApp: true });
    try {
      const text = JSON.stringify(push());
      const reply = await bare.app.inject({
        method: 'POST',
        url: '/api/github/v1/github',
        headers: bare.github.headersFor('push', text),
        payload: text,
      });
      assert.equal(reply.statusCode, 404);
      assert.match(reply.body, /github\.appId/);
      const headers = scopesOf('*');
      const asked = await bare.app.inject({
        method: 'GET',
        url: '/api/github/v1/repository/org/repo',
        headers,
      });
      assert.equal(asked.statusCode, 404);
      assert.equal(
        (await bare.app.inject({ method: 'GET', url: '/api/github/v1/builds', headers })).statusCode,
        200,
      );
    } finally {
      await bare.close();
    }
  });
});
