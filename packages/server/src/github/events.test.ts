import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { minutes, seconds } from '../base/index.ts';
import { pullRequestActions, releaseActions } from './schema/methods.ts';
import { saveStanding } from './store/index.ts';
import { payloads, readTasks, type TestGithub, testGithub } from './testing/index.ts';

// What GitHub sends, kind by kind, and files of all sorts.

const { aFile, checkSuite, comment, headOfFork, pullOf, pullRequest, push, release, sha } = payloads;

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
  for (const list of [github.comments, github.calls, github.checkRuns]) list.length = 0;
  github.interrupt = undefined;
  for (const part of ['branch:topic', 'pull-request']) roles.set(role(part), all);
  test.clock.advance(seconds(1));
});

let commits = 0;
const aCommit = (file?: string): string => {
  const commit = (++commits).toString(16).padStart(40, '0').replace(/^0/, 'a');
  if (file !== undefined) test.github.files.set(`${commit}:.taskcluster.yml`, file);
  return commit;
};

/** Sends an event and does all that it brings about; returns the descriptions of the tasks that were made. */
const made = async (event: string, payload: object): Promise<string[]> => {
  const known = new Set((await readTasks(test.db)).map(({ taskId }) => taskId));
  const { status, body } = await test.deliver(event, payload);
  assert.equal(status, 200, body.message);
  await test.settle();
  return (await readTasks(test.db))
    .filter(({ taskId }) => !known.has(taskId))
    .map(
      ({ definition }) =>
        (JSON.parse(definition) as { metadata: { description: string } }).metadata.description,
    );
};

/** A file with one task whose description is what an expression says. */
const telling = (expression: string): string =>
  aFile(['tells']).replace(
    'description: Made by a test.',
    `description: {$eval: ${JSON.stringify(expression)}}`,
  );

const lastComment = (): string => test.github.comments.at(-1)?.body ?? '';

describe('a delivery that nothing is done about', () => {
  it('is answered whatever its form: the first one of an app has neither a repository nor a sender', async () => {
    const hook = { type: 'App', id: 1, name: 'web', active: true, events: ['push'], config: {}, app_id: 3 };
    const account = { login: 'big-company', id: 1, type: 'Enterprise' };
    for (const [event, payload] of [
      ['ping', { zen: 'Keep it logically awesome.', hook_id: 1, hook }],
      ['installation', { action: 'suspend', installation: { id: 1, account } }],
      ['merge_group', { action: 'checks_requested', merge_group: { head_sha: sha('b') } }],
      ['check_suite', { ...checkSuite(sha('b')), action: 'requested' }],
      // GitHub tells every app of the check runs of all others.
      ['check_run', { action: 'created', check_run: { id: 1, name: 'of another', check_suite: null } }],
      ['pull_request', { action: 'anything_new', pull_request: null }],
      ['issue_comment', { action: 'deleted', comment: { id: 1, body: null } }],
      ['release', { action: 'anything_new', release: null }],
    ] as const)
      assert.deepEqual(await made(event, payload), [], event);
    assert.deepEqual(test.github.calls, []);
  });
});

describe('a push', () => {
  it('of a merge queue makes the tasks of its branch, and nothing when the branch goes', async () => {
    const branch = 'gh-readonly-queue/main/pr-7-abc';
    test.roles.set(role(`branch:${branch}`), all);
    const after = aCommit(telling('event.ref'));
    const ref = `refs/heads/${branch}`;
    assert.deepEqual(await made('push', push({ after, ref })), [ref]);
    const gone = { ref, after: '0'.repeat(40), deleted: true, head_commit: null, commits: [] };
    assert.deepEqual(await made('push', push(gone)), []);
  });

  it('is to a branch or a tag of any name that git allows, which its role has as it is written', async () => {
    for (const name of ['a/b/c', "it's+50%#1@x", 'release-(1.0)!', 'UPPER_and.lower', '-dash', 'a&b=c;d,e']) {
      for (const [kind, part] of [
        ['heads', 'branch'],
        ['tags', 'tag'],
      ]) {
        const ref = `refs/${kind}/${name}`;
        const after = aCommit(telling('event.ref'));
        test.roles.set(role(`${part}:${name}`), all);
        assert.deepEqual(await made('push', push({ after, ref })), [ref]);
      }
      const place = `/api/github/v1/repository/org/repo/${encodeURIComponent(name)}`;
      const scopes = `github:latest-status:org:repo:${name} github:get-badge:org:repo:${name}`;
      const latest = await test.app.inject({ url: `${place}/latest`, headers: { scopes } });
      assert.equal(latest.statusCode, 303, `${name}: ${latest.body}`);
      const badge = await test.app.inject({ url: `${place}/badge.svg`, headers: { scopes } });
      assert.match(badge.body, /pending/, name);
    }
  });

  it('to a branch whose name no scope can have is told so', async () => {
    const after = aCommit(aFile());
    assert.deepEqual(await made('push', push({ after, ref: 'refs/heads/größer' })), []);
    assert.match(lastComment(), /größer.*only printable ASCII is allowed/);
  });

  it('is skipped by any line of its head commit’s message, in any case, of tags as well; not by words alike', async () => {
    test.roles.set(role('tag:v1'), all);
    for (const [message, count] of [
      ['[skip ci] Words', 0],
      ['Words\n\nMore of them\n[CI Skip]', 0],
      ['Words\r\n\r\n[Skip CI]\r\n', 0],
      ['skip ci', 1],
      ['[skip-ci]', 1],
    ] as const)
      for (const ref of ['refs/heads/topic', 'refs/tags/v1']) {
        const after = aCommit(telling('event.ref'));
        const head = { id: after, message };
        const found = await made('push', push({ after, ref, head_commit: head, commits: [head] }));
        assert.equal(found.length, count, JSON.stringify(message));
      }
  });
});

describe('a pull request', () => {
  it('makes tasks for each action that the original knows, of a draft too, and for no other', async () => {
    test.github.collaborators.add('alice');
    for (const action of [...pullRequestActions, 'milestoned', 'locked', 'anything_new']) {
      const head = {
        ...headOfFork('alice'),
        sha: aCommit(telling('event.action + " " + str(event.pull_request.draft)')),
      };
      const found = await made('pull_request', pullRequest({ action }, { head, draft: true }));
      const isKnown = (pullRequestActions as readonly string[]).includes(action);
      assert.deepEqual(found, isKnown ? [`${action} true`] : [], action);
    }
  });

  it('is skipped by its title, and neither by its text nor by its commits', async () => {
    test.github.collaborators.add('alice');
    const open = (pull: object) =>
      made(
        'pull_request',
        pullRequest({}, { head: { ...headOfFork('alice'), sha: aCommit(aFile()) }, ...pull }),
      );
    assert.equal((await open({ title: 'Words [ci skip]' })).length, 0);
    assert.equal((await open({ title: 'Words', body: '[skip ci]' })).length, 1);
  });

  it('fork-gone: of an account that is deleted is a stranger’s, whatever the branch', async () => {
    for (const repo of [payloads.repository(), payloads.repository('ghost/repo')]) {
      const head = { ref: 'topic', sha: aCommit(aFile()), user: null, repo };
      assert.deepEqual(await made('pull_request', pullRequest({}, { head, user: null })), []);
    }
  });

  it('of a branch of the repository itself is a stranger’s when a stranger opened it', async () => {
    const head = { ref: 'topic', sha: aCommit(aFile()), user: { login: 'org' }, repo: payloads.repository() };
    assert.deepEqual(await made('pull_request', pullRequest({}, { head, user: { login: 'mallory' } })), []);
  });
});

describe('a release', () => {
  it('makes tasks by the role of what became of it', async () => {
    for (const action of [...releaseActions, 'anything_new']) {
      test.github.files.set(`${sha('d')}:.taskcluster.yml`, telling('event.action'));
      assert.deepEqual(await made('release', release({ action })), [], `${action} without its role`);
      test.roles.set(role(`release:${action}`), all);
      const isKnown = (releaseActions as readonly string[]).includes(action);
      assert.deepEqual(await made('release', release({ action })), isKnown ? [action] : [], action);
    }
  });

  const { release: about } = release() as { release: object };
  const ofGoneTag = (action: string, fields: object = {}) =>
    made('release', release({ action, release: { ...about, tag_name: 'gone', ...fields } }));

  it('whose tag is not there, as that of a draft, makes them of the commit that the tag is to be made of', async () => {
    for (const [action, draft] of [
      ['created', true],
      ['deleted', false],
    ] as const) {
      test.roles.set(role(`release:${action}`), all);
      test.github.files.set(`${sha('c')}:.taskcluster.yml`, telling('event.release.target_commitish'));
      assert.deepEqual(await ofGoneTag(action, { draft, target_commitish: 'releases/1.x' }), [
        'releases/1.x',
      ]);
    }
  });

  it('makes none when the branch of its tag is gone, too', async () => {
    test.roles.set(role('release:deleted'), all);
    assert.deepEqual(await ofGoneTag('deleted', { target_commitish: 'gone' }), []);
    assert.deepEqual(test.github.comments, []);
  });
});

describe('a comment', () => {
  beforeEach(() => {
    test.github.collaborators.add('alice');
    test.github.files.set(':.taskcluster.yml', aFile([], 'policy: {allowComments: collaborators}'));
    const head = { ...headOfFork('mallory'), sha: aCommit(telling('event.taskcluster_comment')) };
    test.github.pulls.set(7, pullOf({ head }));
  });

  it('has its command in a line of its own, however lines end', async () => {
    assert.deepEqual(await made('issue_comment', comment('Hello\r\n/taskcluster run it \r\nBye')), [
      'run it',
    ]);
    assert.deepEqual(await made('issue_comment', comment('/taskcluster again', { action: 'edited' })), [
      'again',
    ]);
    for (const body of ['> /taskcluster run', 'Say /taskcluster run', '/taskcluster', '/taskclusters run'])
      assert.deepEqual(await made('issue_comment', comment(body)), [], body);
  });

  it('below an issue, or a pull request that is closed by then, makes none', async () => {
    const about = { number: 7, title: 'x', user: { login: 'alice' } };
    for (const issue of [
      { ...about, state: 'open' },
      { ...about, state: 'closed', pull_request: {} },
    ])
      assert.deepEqual(await made('issue_comment', comment('/taskcluster run', { issue })), []);
    assert.deepEqual(test.github.comments, []);
    test.github.pulls.set(7, pullOf({ state: 'closed' }));
    assert.deepEqual(await made('issue_comment', comment('/taskcluster run')), []);
    assert.match(lastComment(), /not open any more/);
  });
});

describe('a file', () => {
  const pushed = (file?: string) => made('push', push({ after: aCommit(file) }));

  it('that is missing is no mistake', async () => {
    assert.deepEqual(await pushed(), []);
    assert.deepEqual(test.github.comments, []);
  });

  for (const [what, file, told] of [
    ['is empty', '', /:1:1: the file must be a map/],
    ['is indented by tabs', 'version: 1\ntasks:\n\t- a: 1\n', /:3:1: .*[Tt]ab/],
    [
      'has a key twice',
      `${aFile()}reporting: checks-v1\nreporting: checks-v1\n`,
      /"reporting" is written twice/,
    ],
    ['is two documents', 'version: 1\n---\nversion: 1\n', /multiple documents/],
    ['names itself', 'version: 1\ntasks: &a [*a]\n', /:2:12: tasks\.0 must be a map/],
    [
      'grows without an end',
      `version: 1\n${[...'abcdefghij']
        .map(
          (name, i) =>
            `${name}: &${name} [${Array(9)
              .fill(i ? `*${'abcdefghij'[i - 1]}` : 'x')
              .join(', ')}]`,
        )
        .join('\n')}\n`,
      /alias/i,
    ],
  ] as const)
    it(`that ${what} is told in a comment`, async () => {
      assert.deepEqual(await pushed(file), []);
      assert.equal(test.github.comments.length, 1);
      assert.match(lastComment(), told);
    });

  it('of more than a megabyte, which GitHub hands out in another way, is read as well', async () => {
    const large = `${telling('"of a large file"')}# ${'x'.repeat(2 ** 20)}\n`;
    assert.deepEqual(await pushed(large), ['of a large file']);
  });

  it('may have anchors and merge keys', async () => {
    const [head = '', ...rest] = aFile(['one', 'two']).split('metadata: ');
    const anchored = [head, ...rest.map((text, i) => `metadata: ${i === 0 ? '&about ' : ''}${text}`)].join(
      '',
    );
    const merged = anchored.replace(/metadata: \{name: two.*\}/, 'metadata: {<<: *about, name: two}');
    assert.match(merged, /<<: \*about/);
    assert.deepEqual(await pushed(merged), ['Made by a test.', 'Made by a test.']);
  });

  it('of the default branch that cannot be read lets nobody but collaborators in', async () => {
    const stranger = () => ({
      user: { login: 'mallory' },
      head: { ...headOfFork('mallory'), sha: aCommit(aFile()) },
    });
    for (const file of [
      `policy: {pullRequests: public}\nversion: 1\n# ${'x'.repeat(9 * 2 ** 20)}`,
      'version: [',
      '',
    ]) {
      test.github.files.set(':.taskcluster.yml', file);
      assert.deepEqual(await made('pull_request', pullRequest({}, stranger())), []);
      assert.match(lastComment(), /pull requests of collaborators/);
    }
  });
});

describe('what GitHub lists in pages', () => {
  it('is read to its end: a comment is written once below many others', async () => {
    const after = aCommit('version: 9');
    const place = `commits/${after}`;
    let lost = 0;
    for (let i = 0; i < 150; i++) test.github.comments.push({ place, body: `Comment ${i}` });
    test.github.interrupt = ({ method, path, body }) => {
      if (method !== 'POST' || !path.endsWith('/comments') || lost > 0) return undefined;
      lost++;
      test.github.comments.push({ place, body: String(body.body) });
      return { status: 500, body: {} };
    };
    await made('push', push({ after }));
    test.clock.advance(minutes(1));
    await test.settle();
    assert.deepEqual([lost, test.github.comments.length], [1, 151]);
  });

  it('is read to its end: a check run is made once beside many of its name', async () => {
    const after = aCommit(aFile(['namesake'], 'reporting: checks-v1'));
    let lost = 0;
    for (let i = 0; i < 150; i++)
      test.github.checkRuns.push({
        id: i,
        head_sha: after,
        name: 'namesake',
        external_id: `other-${i}`,
      } as never);
    test.github.interrupt = ({ method, path, body }) => {
      if (method !== 'POST' || !path.endsWith('/check-runs') || body.name !== 'namesake' || lost > 0)
        return undefined;
      lost++;
      test.github.checkRuns.push({ id: 5000, conclusion: null, check_suite: { id: 77 }, ...body } as never);
      return { status: 500, body: {} };
    };
    await made('push', push({ after }));
    test.clock.advance(minutes(1));
    await test.settle();
    assert.equal(lost, 1);
    assert.equal(test.github.checkRuns.filter(({ name }) => name === 'namesake').length, 151);
  });
});

it('what a build was when its tasks were read is not written over what became of it meanwhile', async () => {
  const after = aCommit(aFile(['reopened']));
  await made('push', push({ after }));
  const builds = async () => {
    const { body } = await test.app.inject({
      url: `/api/github/v1/builds?sha=${after}`,
      headers: { scopes: 'github:list-builds' },
    });
    return (JSON.parse(body) as { builds: { taskGroupId: string; state: string }[] }).builds;
  };
  const [{ taskGroupId } = { taskGroupId: '' }] = await builds();
  const ended = { taskGroupId, endedAt: test.clock.now() };
  // It was canceled when its tasks were read, and is run again since.
  await saveStanding(test.db, { ...ended, was: 'cancelled', state: 'cancelled' }, test.clock.now());
  assert.deepEqual(
    (await builds()).map(({ state }) => state),
    ['pending'],
  );
  await saveStanding(test.db, { ...ended, was: 'pending', state: 'failure' }, test.clock.now());
  assert.deepEqual(
    (await builds()).map(({ state }) => state),
    ['failure'],
  );
});
