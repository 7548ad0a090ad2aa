import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { days } from '../base/index.ts';
import { payloads, readDeliveries, readTasks, type TestGithub, testGithub } from './testing/index.ts';

// Faults that users of other systems met, each under its name.

const { aFile, checkRun, comment, headOfFork, pullOf, pullRequest, push, sha } = payloads;

let test: TestGithub;
before(async () => {
  test = await testGithub();
});
after(() => test.close());

const zeros = '0'.repeat(40);
const role = (part: string): string => `assume:repo:github.com/org/repo:${part}`;
const all = ['queue:create-task:*', 'queue:scheduler-id:*', 'queue:route:*'];

beforeEach(() => {
  const { github, roles } = test;
  github.files.clear();
  github.collaborators.clear();
  github.pulls.clear();
  github.comments.length = 0;
  github.calls.length = 0;
  github.interrupt = undefined;
  roles.clear();
  for (const part of ['branch:topic', 'pull-request', 'pull-request-untrusted']) roles.set(role(part), all);
});

const tasksSince = async (before: readonly string[]): Promise<string[]> => {
  const names = await test.taskNames();
  for (const name of before) names.splice(names.indexOf(name), 1);
  return names;
};

/** Sends an event, does all that it brings about, and returns the names of the tasks that were made. */
const tasksFor = async (event: string, payload: object): Promise<string[]> => {
  const before = await test.taskNames();
  const { status, body } = await test.deliver(event, payload);
  assert.equal(status, 200, body.message);
  await test.settle();
  return tasksSince(before);
};

describe('branch-deleted', () => {
  it('nothing is built when a branch or a tag is deleted, and nobody is asked about a commit that is none', async () => {
    const deleted = { deleted: true, after: zeros, head_commit: null, commits: [] };
    for (const ref of ['refs/heads/topic', 'refs/tags/v1'])
      assert.deepEqual(await tasksFor('push', push({ ...deleted, ref })), []);
    assert.deepEqual([test.github.calls, test.github.comments], [[], []]);
  });
});

describe('fork-gone', () => {
  const headOfNobody = { ref: 'topic', sha: sha('b'), user: null, repo: null };

  it('a pull request whose fork is gone makes no tasks, whatever becomes of it', async () => {
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile());
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {pullRequests: public}'));
    for (const action of ['edited', 'synchronize', 'closed', 'reopened'])
      assert.deepEqual(await tasksFor('pull_request', pullRequest({ action }, { head: headOfNobody })), []);
    assert.deepEqual(test.github.comments, []);
  });

  it('whoever asks for tasks by a comment there is told why there are none', async () => {
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {allowComments: collaborators}'));
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile());
    test.github.collaborators.add('alice');
    test.github.pulls.set(7, pullOf({ head: headOfNobody }));
    assert.deepEqual(await tasksFor('issue_comment', comment('/taskcluster test')), []);
    assert.equal(test.github.comments.length, 1);
    assert.match(test.github.comments[0]?.body ?? '', /^No tasks were made\. The repository that .* is gone/);
  });
});

describe('policy-by-version', () => {
  const stranger = () => pullRequest({}, { user: { login: 'mallory' }, head: headOfFork('mallory') });
  const versionZero = [
    'version: 0',
    'allowPullRequests: public',
    'tasks:',
    '  - provisionerId: prov',
    '    workerType: type',
    '    extra: {github: {events: [pull_request.*]}}',
    '    payload: {}',
    '    metadata: {name: stolen, description: x, owner: a@example.com, source: "https://example.com"}',
  ].join('\n');
  const own = [
    versionZero,
    aFile(['stolen'], 'policy: {pullRequests: public}'),
    aFile(['stolen'], 'policy: {pullRequests: public, allowComments: collaborators}'),
  ];

  it('a stranger who writes another version or policy into the file gets nothing where the default branch says so', async () => {
    for (const policy of ['collaborators', 'collaborators_quiet']) {
      for (const file of own) {
        test.github.files.set(':.taskcluster.yml', aFile([], `policy: {pullRequests: ${policy}}`));
        test.github.files.set(`${sha('b')}:.taskcluster.yml`, file);
        assert.deepEqual(await tasksFor('pull_request', stranger()), []);
      }
    }
    // Neither what says nothing nor what cannot be read opens a door.
    for (const file of [undefined, 'version: 0', 'version: 7', '{{{', aFile([])]) {
      if (file === undefined) test.github.files.delete(':.taskcluster.yml');
      else test.github.files.set(':.taskcluster.yml', file);
      assert.deepEqual(await tasksFor('pull_request', stranger()), []);
    }
  });

  it('where the default branch lets strangers in, they get their own role only, by either version', async () => {
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {pullRequests: public_restricted}'));
    for (const file of own) {
      test.github.files.set(`${sha('b')}:.taskcluster.yml`, file);
      test.roles.set(role('pull-request'), all);
      test.roles.delete(role('pull-request-untrusted'));
      assert.deepEqual(
        await tasksFor('pull_request', stranger()),
        [],
        'the role of the trusted is of no use',
      );
      assert.match(test.github.comments.at(-1)?.body ?? '', /pull-request-untrusted/);
      test.roles.set(role('pull-request-untrusted'), all);
      assert.deepEqual(await tasksFor('pull_request', stranger()), ['stolen']);
    }
  });

  it('a collaborator’s pull request from a fork of a stranger is that of a stranger', async () => {
    test.github.collaborators.add('alice');
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {pullRequests: collaborators}'));
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile());
    assert.deepEqual(await tasksFor('pull_request', pullRequest({}, { head: headOfFork('mallory') })), []);
    assert.deepEqual(await tasksFor('pull_request', pullRequest({}, { head: headOfFork('alice') })), [
      'build',
    ]);
  });
});

describe('text-too-long', () => {
  const artifacts = new Map<string, string>();
  const server = createServer((request, response) => response.end(artifacts.get(request.url ?? '')));
  let url = '';
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => server.close());

  const show = (taskId: string, name: string, text: string): void => {
    artifacts.set(`/${taskId}/${name}`, text);
    test.artifacts.set(`${taskId}/0/${name}`, { storageType: 's3', url: `${url}/${taskId}/${name}` });
  };

  /** A failed task with very long words of all kinds; returns its check run. */
  const failLongTask = async (name: string) => {
    const file = aFile([name], 'reporting: checks-v1')
      .replace('payload: {}', 'payload: {}\n    extra: {github: {customCheckRun: {}}}')
      .replace('Made by a test.', '🦣'.repeat(8000));
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, file);
    assert.deepEqual(await tasksFor('push', push()), [name]);
    const [{ taskId = '' } = {}] = (await readTasks(test.db)).filter((task) => task.name === name);
    show(taskId, 'public/logs/live_backing.log', `start\nError: it broke\n${'🦊`'.repeat(40_000)}\n`);
    show(taskId, 'public/github/customCheckRunText.md', `# Mine\n\n${'é🦉'.repeat(30_000)}`);
    await test.runTask(name, 'failed');
    await test.settle();
    return test.github.checkRuns.find((run) => run.external_id === taskId);
  };

  it('is cut last, at the border of a character, and marked: the check is completed with it', async () => {
    const name = `long ${'n'.repeat(240)}`;
    const check = await failLongTask(name);
    assert.deepEqual([check?.status, check?.conclusion], ['completed', 'failure']);
    const { text = '', summary = '' } = check?.output ?? {};
    assert.match(text, /Error: it broke/);
    assert.match(text, /# Mine/);
    assert.match(text, /… \(cut\)$/);
    assert.ok(Buffer.byteLength(text) <= 65_535 && Buffer.byteLength(text) > 60_000);
    for (const words of [text, summary]) assert.doesNotMatch(words, /\ufffd|\p{Surrogate}/u);
    assert.match(summary, /🦣/);
  });

  it('completes the check without words when GitHub refuses them all the same', async () => {
    test.github.interrupt = ({ method, body }) =>
      method === 'PATCH' && body.output ? { status: 422, body: { message: 'Invalid request.' } } : undefined;
    const check = await failLongTask('refused');
    assert.deepEqual([check?.status, check?.conclusion], ['completed', 'failure']);
  });

  it('a comment of any length is written', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `wrong-${i}-${'🐌'.repeat(1000)}`);
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile(names).replaceAll('payload:', 'paylaod:'));
    assert.deepEqual(await tasksFor('push', push()), []);
    const [{ body = '' } = {}] = test.github.comments;
    assert.ok(Buffer.byteLength(body) > 60_000);
    assert.doesNotMatch(body, /\ufffd|\p{Surrogate}/u);
  });
});

describe('inherited-names', () => {
  it('labels that every object inherits are labels like any others', async () => {
    const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
    test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile(names));
    assert.deepEqual(await tasksFor('push', push()), names.toSorted());
    const made = (await readTasks(test.db)).filter(({ name }) => names.includes(name));
    assert.equal(new Set(made.map(({ taskId }) => taskId)).size, names.length);
  });

  it('an event, an action or a hook of such a name is an unknown one', async () => {
    for (const event of ['constructor', 'toString', '__proto__'])
      assert.equal((await test.deliver(event, {})).status, 200);
    assert.deepEqual(await tasksFor('pull_request', pullRequest({ action: 'constructor' })), []);
    test.github.files.set(
      `${sha('b')}:.taskcluster.yml`,
      'version: 1\nhooks: [{name: toString/constructor}]',
    );
    assert.deepEqual(await tasksFor('push', push()), []);
    assert.match(test.github.comments[0]?.body ?? '', /github:trigger-hook:toString\/constructor/);
  });
});

describe('signed-bytes', () => {
  // Blanks, an escape beside the character that it stands for, a number with a zero, a key that comes twice.
  const odd = `{ "zen" : "\\u00e9 é", "hook_id":1 , "hook": {"type":"Repository","id":1,"name":"web","active":true,\n "events":[],"config":{"x":1.0,"x":1.0}}, "sender":{"login":"a"}}`;
  const signature = (algorithm: string, text: string) =>
    `${algorithm}=${createHmac(algorithm, test.github.secret).update(text).digest('hex')}`;
  const post = async (text: string, signed: Record<string, string>): Promise<number> => {
    const headers = {
      'content-type': 'application/json',
      'x-github-event': 'ping',
      'x-github-delivery': randomUUID(),
      ...signed,
    };
    return (await test.app.inject({ method: 'POST', url: '/api/github/v1/github', headers, payload: text }))
      .statusCode;
  };

  it('what is signed are the bytes as they came', async () => {
    assert.equal(await post(odd, { 'x-hub-signature-256': signature('sha256', odd) }), 200);
    assert.equal(await post(odd, { 'x-hub-signature': signature('sha1', odd) }), 200);
  });

  it('a changed byte, another secret, or no signature at all is refused', async () => {
    const changed = odd.replace('1.0', '1');
    const forged = `sha256=${createHmac('sha256', 'a guess').update(odd).digest('hex')}`;
    const refused = [
      await post(changed, { 'x-hub-signature-256': signature('sha256', odd) }),
      await post(changed, { 'x-hub-signature': signature('sha1', odd) }),
      await post(odd, { 'x-hub-signature-256': forged }),
      // The weaker one does not make up for the better one.
      await post(odd, { 'x-hub-signature-256': forged, 'x-hub-signature': signature('sha1', odd) }),
      await post(odd, { 'x-hub-signature-256': 'sha256=' }),
      await post(odd, {}),
    ];
    assert.deepEqual(refused, [403, 403, 403, 403, 403, 403]);
  });

  it('a body without a signature is refused before it is read', async () => {
    // One of this size would be refused for it otherwise.
    assert.equal(await post(' '.repeat(26 * 2 ** 20), {}), 403);
  });
});

it('a delivery whose comment GitHub refused makes no tasks again when it is sent again, but the comment', async () => {
  const eventId = randomUUID();
  test.github.files.set(`${sha('b')}:.taskcluster.yml`, aFile(['once'], 'hooks: [{name: group/hook}]'));
  test.github.interrupt = ({ method, path }) =>
    method === 'POST' && path.endsWith('/comments')
      ? { status: 403, body: { message: 'Resource not accessible by integration' } }
      : undefined;
  for (const commentsThen of [0, 1]) {
    await test.deliver('push', push(), eventId);
    await test.settle();
    assert.equal(test.github.comments.length, commentsThen);
    assert.equal((await test.taskNames()).filter((name) => name === 'once').length, 1);
    test.github.interrupt = undefined;
  }
});

it('what waits for another attempt goes on after the clock was set back', async () => {
  const { github, clock } = test;
  const fails = () => {
    github.interrupt = () => ({ status: 502, body: { message: 'Bad Gateway' } });
  };
  github.files.set(`${sha('b')}:.taskcluster.yml`, aFile(['patient']));
  fails();
  assert.deepEqual(await tasksFor('push', push()), []);
  github.interrupt = undefined;
  await test.settle();
  assert.deepEqual(await test.taskNames().then((names) => names.filter((name) => name === 'patient')), []);
  clock.advance(-days(1));
  await test.settle();
  assert.ok((await test.taskNames()).includes('patient'));
  const states = () => github.statuses.filter((status) => status.sha === sha('b')).map(({ state }) => state);
  fails();
  await test.runTask('patient');
  await test.settle();
  github.interrupt = undefined;
  await test.settle();
  assert.notEqual(states().at(-1), 'success');
  clock.advance(-days(1));
  await test.settle();
  assert.equal(states().at(-1), 'success');
});

it('the button of a check that nobody knows is answered in words', async () => {
  await test.deliver('check_run', checkRun(99));
  await test.settle();
  assert.match(test.github.comments[0]?.body ?? '', /not known here any more/);
  assert.ok((await readDeliveries(test.db)).every(({ dueAt, payload }) => dueAt === null && payload === ''));
});
