import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { localSignal, seconds, silentLog, transact } from '../base/index.ts';
import type { Context } from './context.ts';
import { noteRepositories } from './service/note-repositories.ts';
import { readRepositories } from './store/index.ts';
import {
  forgetNames,
  forgetNumbers,
  payloads,
  readTasks,
  type TestGithub,
  testGithub,
} from './testing/index.ts';

type Fields = Readonly<Record<string, unknown>>;

// Repositories keep their numbers when they are renamed or transferred; names change hands.

const { aFile, checkSuite, push, renamed, repository } = payloads;

let test: TestGithub;
before(async () => {
  test = await testGithub();
});
after(() => test.close());

const all = ['queue:create-task:*', 'queue:scheduler-id:*', 'queue:route:*'];

let count = 0;
/** Two numbers that no other test has. */
let [first, second] = [0, 0];
let [old, other] = ['', ''];
beforeEach(() => {
  const { github, roles } = test;
  for (const list of [github.comments, github.calls, github.statuses, github.checkRuns]) list.length = 0;
  github.interrupt = undefined;
  count++;
  [first, second] = [count * 1000, count * 1000 + 1];
  [old, other] = [`org/old-${count}`, `else/new.${count}`];
  for (const name of [old, other])
    for (const branch of ['main', 'topic']) roles.set(`assume:repo:github.com/${name}:branch:${branch}`, all);
  test.clock.advance(seconds(1));
});

let commits = 0;
/** Pushes a file with one task of this name; returns the commit. */
const pushTask = async (
  name: string,
  into: object,
  { commit = (++commits).toString(16).padStart(40, '0').replace(/^0/, 'f'), head = '' } = {},
): Promise<string> => {
  test.github.files.set(`${commit}:.taskcluster.yml`, aFile([name], head));
  const { status, body } = await test.deliver('push', push({ after: commit, repository: into }));
  assert.equal(status, 200, body.message);
  await test.settle();
  return commit;
};

const stateOf = async (name: string) =>
  (await readTasks(test.db)).findLast((task) => task.name === name)?.state;

const ask = async (method: 'GET' | 'POST', path: string) => {
  const reply = await test.app.inject({ method, url: `/api/github/v1${path}`, headers: { scopes: '*' } });
  const isJson = String(reply.headers['content-type']).startsWith('application/json');
  return {
    status: reply.statusCode,
    text: reply.body,
    shas: isJson
      ? ((JSON.parse(reply.body) as { builds?: { sha: string }[] }).builds ?? []).map(({ sha }) => sha)
      : [],
  };
};

const listed = async (fullName: string): Promise<string[]> => {
  const [organization, name = ''] = fullName.split('/');
  const query = `organization=${organization}&repository=${name.replaceAll('.', '%25')}`;
  return (await ask('GET', `/builds?${query}`)).shas;
};

const pathOf = (fullName: string): string => fullName.replaceAll('.', '%25');

const keepsOthers = 'autoCancelPreviousChecks: false';

const ways = [
  ['GitHub says so', (to: Fields) => test.deliver('repository', renamed(to))],
  ['GitHub says so of a transfer', (to: Fields) => test.deliver('repository', renamed(to, 'transferred'))],
  ['its next event has another name', (to: Fields) => pushTask('meanwhile', to, { head: keepsOthers })],
] as const;

describe('a repository that was renamed', () => {
  for (const [when, rename] of ways)
    it(`has its earlier builds under its new name once ${when}`, async () => {
      const name = `early ${count}`;
      const commit = await pushTask(name, repository(old, first));
      assert.deepEqual(await listed(old), [commit]);
      await rename(repository(other, first));
      await test.settle();
      assert.deepEqual(await listed(old), []);
      assert.ok((await listed(other)).includes(commit));
      assert.match((await ask('GET', `/repository/${pathOf(other)}/topic/badge.svg`)).text, /pending/);
      assert.match((await ask('GET', `/repository/${pathOf(old)}/topic/badge.svg`)).text, /no builds/);
      assert.equal((await ask('POST', `/builds/${old}/cancel?sha=${commit}`)).status, 404);
      assert.deepEqual((await ask('POST', `/builds/${pathOf(other)}/cancel?sha=${commit}`)).shas, [commit]);
      assert.equal(await stateOf(name), 'exception');
    });

  it('has its earlier builds canceled by what is pushed to it then, and run again by its buttons', async () => {
    const commit = await pushTask('replaced', repository(old, first));
    test.clock.advance(seconds(1));
    await pushTask('replacing', repository(other, first));
    assert.deepEqual([await stateOf('replaced'), await stateOf('replacing')], ['exception', 'pending']);
    await test.deliver('check_suite', checkSuite(commit, { repository: repository(other, first) }));
    await test.settle();
    assert.equal(await stateOf('replaced'), 'pending');
  });

  it('is told what GitHub refused while nothing was known of its new owner', async () => {
    const commit = await pushTask('moves', repository(old, first));
    test.github.interrupt = ({ path }) =>
      path.startsWith(`/repos/${old}/`) ? { status: 404, body: { message: 'Not Found' } } : undefined;
    await test.runTask('moves');
    await test.settle();
    const states = () => test.github.statuses.filter(({ sha }) => sha === commit).map(({ state }) => state);
    assert.deepEqual(states(), ['pending']);
    await test.deliver('repository', renamed(repository(other, first), 'transferred'));
    await test.settle();
    assert.deepEqual(states(), ['pending', 'success']);
  });

  it('has the builds that an earlier version made, also while it still ran', async () => {
    const commit = await pushTask('of before', repository(old, first));
    await forgetNumbers(test.db);
    await forgetNames(test.db);
    assert.deepEqual(await listed(old), [commit]);
    const meanwhile = await pushTask('numbers them', repository(old, first));
    await forgetNumbers(test.db);
    await test.deliver('repository', renamed(repository(other, first)));
    assert.deepEqual(new Set(await listed(other)), new Set([commit, meanwhile]));
    await pushTask('newcomer', repository(old, second));
    assert.ok(!(await listed(old)).includes(commit));
  });

  it('has the tasks of an event that came before it was renamed, under its new name', async () => {
    const commit = 'fe'.repeat(20);
    test.github.files.set(`${commit}:.taskcluster.yml`, aFile(['late']));
    await test.deliver('push', push({ after: commit, repository: repository(old, first) }));
    await test.deliver('repository', renamed(repository(other, first)));
    await test.settle();
    assert.deepEqual([await stateOf('late'), await listed(other)], ['pending', [commit]]);
  });
});

describe('a repository that takes the name of another', () => {
  it('inherits none of its builds: it neither lists, cancels, replaces nor runs them again', async () => {
    const commit = await pushTask('of the first', repository(old, first));
    await test.runTask('of the first', 'failed');
    await test.settle();
    const open = await pushTask('open', repository(old, first), { head: keepsOthers });
    // The same history, pushed to a new repository.
    const same = await pushTask('of the second', repository(old, second), { commit });
    assert.equal(same, commit);
    assert.deepEqual(await listed(old), [commit]);
    assert.equal(await stateOf('open'), 'pending', 'it is on the same branch');
    assert.equal((await ask('POST', `/builds/${old}/cancel?sha=${open}`)).status, 404);
    await test.runTask('of the second', 'failed');
    await test.deliver('check_suite', checkSuite(commit, { repository: repository(old, second) }));
    await test.settle();
    assert.deepEqual([await stateOf('of the first'), await stateOf('of the second')], ['failed', 'pending']);
    // The first one goes on under a name of its own.
    await test.deliver('repository', renamed(repository(other, first)));
    assert.deepEqual(new Set(await listed(other)), new Set([commit, open]));
  });

  it('is not told of the tasks of the other one, which GitHub finds by its number', async () => {
    await pushTask('still runs', repository(old, first));
    await pushTask('newcomer', repository(old, second));
    test.github.calls.length = 0;
    await test.runTask('still runs');
    await test.settle();
    const posts = test.github.calls.filter((call) => call.startsWith('POST /rep'));
    assert.deepEqual(
      posts.map((call) => call.replace(/statuses\/.*/, 'statuses')),
      [`POST /repositories/${first}/statuses`],
    );
  });

  it('has nothing of an event that came before for the other one, whose tasks are made all the same', async () => {
    const commit = 'fd'.repeat(20);
    test.github.files.set(`${commit}:.taskcluster.yml`, aFile(['waits']));
    await test.deliver('push', push({ after: commit, repository: repository(old, first) }));
    await test.deliver('push', push({ after: 'fc'.repeat(20), repository: repository(old, second) }));
    await test.settle();
    assert.equal(await stateOf('waits'), 'pending');
    assert.deepEqual(await listed(old), []);
    const asked = test.github.calls.filter((call) => call.includes(commit));
    assert.ok(asked.length > 0 && asked.every((call) => call.includes(`/repositories/${first}/`)));
  });
});

describe('a name that changes hands several times at once', () => {
  const note = (...names: (readonly [repositoryId: number, fullName: string])[]) =>
    transact({ ...test, log: silentLog }, (tx, now) => {
      const all = names.map(([repositoryId, fullName]) => {
        const [organization = '', name = ''] = fullName.split('/');
        return { repositoryId, organization, repository: name, installationId: null };
      });
      return noteRepositories(tx, all, { now, context: { touched: localSignal() } as Context });
    });
  const namesNow = async () => {
    const rows = await readRepositories(test.db, [first, second]);
    const nameOf = (id: number) => rows.find(({ repositoryId }) => repositoryId === id)?.repository ?? null;
    return [nameOf(first), nameOf(second)];
  };
  const last = (fullName: string) => fullName.split('/')[1];

  it('is that of the last one', async () => {
    await note([first, other], [second, old], [first, old]);
    assert.deepEqual(await namesNow(), [last(old), null]);
    await note([second, old]);
    await note([first, old], [second, old]);
    assert.deepEqual(await namesNow(), [null, last(old)]);
  });
});

it('an event that GitHub sends again gives a repository no former name back', async () => {
  const eventId = '00000000-0000-4000-8000-000000000001';
  const payload = push({ after: 'fb'.repeat(20), repository: repository(old, first) });
  await test.deliver('push', payload, eventId);
  await test.settle();
  const commit = await pushTask('after it', repository(other, first));
  await test.deliver('push', payload, eventId);
  await test.settle();
  assert.deepEqual(await listed(other), [commit]);
  const strange = { ...repository(old), id: 'x' };
  for (const repo of [strange, { ...strange, id: 2 ** 60 }, {}])
    assert.equal((await test.deliver('repository', renamed(repo))).status, 200);
});
