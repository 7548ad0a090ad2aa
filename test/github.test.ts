import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { Auth, Github as GithubClient, Queue } from '@taskyard/client';
import { eventually } from '@taskyard/patience';
import { aGithub, type CheckRun, deliver, type Github, settingsFor } from './support/github.ts';
import { aHome, type Platform } from './support/platform.ts';
import { aPostgres } from './support/postgres.ts';

// A repository on GitHub, from a push to its checks: a platform with its own worker, and GitHub's part played by a fake.

const sha = (digit: string): string => digit.repeat(40);

interface Task {
  readonly name: string;
  readonly script: string;
  readonly scopes?: readonly string[];
  /** By default a worker of this machine. */
  readonly queue?: string;
}

/** A file of version 1 whose tasks run scripts. */
const fileOf = (tasks: readonly Task[], head = 'policy: {pullRequests: public_restricted}'): string =>
  [
    'version: 1',
    'reporting: checks-v1',
    head,
    'tasks:',
    ...tasks.flatMap(({ name, script, scopes = [], queue = 'local/built-in' }) => [
      `  - taskId: {$eval: as_slugid("${name}")}`,
      `    taskQueueId: ${queue}`,
      '    created: {$fromNow: ""}',
      '    deadline: {$fromNow: "1 hour"}',
      `    scopes: ${JSON.stringify(scopes)}`,
      ...(queue === 'local/built-in'
        ? [
            '    payload:',
            '      maxRunTime: 600',
            `      command: [["/bin/sh", "-c", ${JSON.stringify(script)}]]`,
          ]
        : ['    payload: {}']),
      '    metadata:',
      `      {name: ${name}, description: "", owner: a@example.com, source: "https://example.com"}`,
    ]),
    '',
  ].join('\n');

const allowing = async ({ rootUrl, credentials }: Platform, part: string): Promise<void> => {
  const queues = ['local', 'built-in'].map((group) => `queue:create-task:lowest:${group}/*`);
  const scopes = [...queues, 'queue:create-task:project:none'];
  await new Auth({ rootUrl, credentials }).createRole(`repo:github.com/org/repo:${part}`, {
    description: '',
    scopes,
  });
};

const checkOf = ({ checkRuns }: Github, commit: string, name: string): CheckRun | undefined =>
  checkRuns.find((run) => run.head_sha === commit && run.name === name);

const concluded = (
  github: Github,
  commit: string,
  name: string,
  conclusion: string,
): Promise<CheckRun | undefined> =>
  eventually(
    `the check ${name} to be ${conclusion}`,
    () => checkOf(github, commit, name),
    (check) => check?.conclusion === conclusion,
  );

const aRepository = async (t: TestContext) => {
  const { github, payloads } = await aGithub(t);
  const platform = await (await aHome(t)).start({ ...settingsFor(github), LOG_LEVEL: 'error' });
  for (const part of ['branch:topic', 'pull-request-untrusted']) await allowing(platform, part);
  return { github, payloads, platform };
};

test('a repository on GitHub', async (t) => {
  const { github, payloads, platform } = await aRepository(t);
  const { rootUrl, credentials } = platform;
  const client = new GithubClient({ rootUrl, credentials });

  await t.test(
    'a push fails with the first lines of its error, and goes green when it is run again',
    async () => {
      const commit = sha('1');
      const script =
        'echo compiling; if [ "$RUN_ID" = 0 ]; then echo "src/a.c:3:1: error: no semicolon"; exit 1; fi; echo fine';
      const tasks = [
        { name: 'compile', script },
        { name: 'lint', script: 'true' },
      ];
      github.files.set(`${commit}:.taskcluster.yml`, fileOf(tasks));
      const eventId = randomUUID();
      const pushed = payloads.push({ after: commit });
      const answers = await Promise.all(
        [1, 2].map(() => deliver(platform, github, ['push', pushed, eventId])),
      );
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );

      const failed = await concluded(github, commit, 'compile', 'failure');
      assert.match(failed?.output?.text ?? '', /src\/a\.c:3:1: error: no semicolon/);
      await concluded(github, commit, 'lint', 'success');
      const build = await concluded(github, commit, 'Taskyard (push)', 'failure');
      assert.equal(build?.output?.title, 'compile failed');
      assert.match(build?.output?.text ?? '', /no semicolon/);
      assert.equal(
        github.history.find((state) => state.startsWith('compile ')),
        'compile queued',
      );

      await deliver(platform, github, ['check_run', payloads.checkRun(failed?.id ?? 0)]);
      await concluded(github, commit, 'compile', 'success');
      await concluded(github, commit, 'Taskyard (push)', 'success');
      const { builds } = await client.builds({ sha: commit });
      assert.deepEqual(
        builds.map(({ state, eventType }) => [state, eventType]),
        [['success', 'push']],
      );
      assert.equal(
        github.checkRuns.filter((run) => run.head_sha === commit).length,
        3,
        'the delivery came twice',
      );
    },
  );

  await t.test(
    'a stranger’s pull request gets the role for strangers, whatever it writes into its file',
    async () => {
      const opened = (commit: string) =>
        payloads.pullRequest(
          {},
          { user: { login: 'mallory' }, head: { ...payloads.headOfFork('mallory'), sha: commit } },
        );
      github.files.set(':.taskcluster.yml', fileOf([]));
      const [greedy, modest] = [sha('2'), sha('3')];
      const secret = { name: 'steal', script: 'true', scopes: ['secrets:get:deploy'] };
      github.files.set(`${greedy}:.taskcluster.yml`, fileOf([secret], 'policy: {pullRequests: public}'));
      await deliver(platform, github, ['pull_request', opened(greedy)]);
      const refusal = await eventually('a word about the scopes', () => github.comments.at(-1));
      assert.match(
        refusal?.body ?? '',
        /repo:github\.com\/org\/repo:pull-request-untrusted[\s\S]*secrets:get:deploy/,
      );
      assert.equal(refusal?.place, 'issues/7');

      github.files.set(`${modest}:.taskcluster.yml`, fileOf([{ name: 'test', script: 'true' }]));
      await deliver(platform, github, ['pull_request', opened(modest)]);
      await concluded(github, modest, 'Taskyard (pull_request)', 'success');
      const { builds } = await client.builds({
        organization: 'org',
        repository: 'repo',
        pullRequest: '7',
      } as never);
      assert.deepEqual(
        builds.map(({ sha: built }) => built),
        [modest],
      );
      const { taskGroupId } = builds[0] ?? { taskGroupId: '' };
      const { tasks } = await new Queue({ rootUrl, credentials }).listTaskGroup(taskGroupId);
      assert.deepEqual(
        tasks.map(({ task }) => task.metadata.name),
        ['test'],
      );
    },
  );

  await t.test('a file with a mistake gets a comment that names file and line', async () => {
    const commit = sha('4');
    const file = fileOf([{ name: 'wrong', script: 'true' }]).replace(
      'maxRunTime: 600',
      'maxRunTime: {$eval: nobody}',
    );
    const line = file.split('\n').findIndex((text) => text.includes('nobody')) + 1;
    github.files.set(`${commit}:.taskcluster.yml`, file);
    const before = github.comments.length;
    await deliver(platform, github, ['push', payloads.push({ after: commit })]);
    const comment = await eventually('the comment', () => github.comments[before]);
    assert.equal(comment?.place, `commits/${commit}`);
    assert.match(comment?.body ?? '', new RegExp(`\\.taskcluster\\.yml:${line}:\\d+: .*nobody`));
    assert.deepEqual((await client.builds({ sha: commit })).builds, []);
  });
});

test('a delivery that reaches two API processes is worked off once by two background processes', async (t) => {
  const { github, payloads } = await aGithub(t);
  const { url } = await aPostgres(t);
  const encryptionKeys = `k:${randomBytes(32).toString('base64')}`;
  // Each process has a data folder of its own, as if on a machine of its own.
  const start = async (env: Readonly<Record<string, string>>): Promise<Platform> => {
    const shared = { DATABASE_URL: url, ENCRYPTION_KEYS: encryptionKeys };
    return (await aHome(t)).start({ ...settingsFor(github), ...shared, LOG_LEVEL: 'fatal', ...env });
  };
  const first = await start({ ROLE: 'api' });
  const [second] = await Promise.all([
    start({ ROLE: 'api' }),
    ...[1, 2].map(() => start({ ROLE: 'background', ROOT_URL: first.rootUrl })),
  ]);
  await allowing(first, 'branch:topic');
  const tasks = ['built-in/succeed', 'built-in/succeed', 'built-in/fail'].map((queue, i) => ({
    name: `task ${i}`,
    script: '',
    queue,
  }));
  const commits = [...'123456789'].map(sha);
  for (const commit of commits)
    github.files.set(`${commit}:.taskcluster.yml`, fileOf(tasks, 'autoCancelPreviousChecks: false'));
  const answers = await Promise.all(
    commits.flatMap((commit) => {
      const push: Parameters<typeof deliver>[2] = ['push', payloads.push({ after: commit }), randomUUID()];
      return [first, second].map((process) => deliver(process, github, push));
    }),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  for (const commit of commits) {
    const build = await concluded(github, commit, 'Taskyard (push)', 'failure');
    assert.equal(build?.output?.title, 'task 2 failed');
    for (const { name, queue } of tasks)
      await concluded(github, commit, name, queue === 'built-in/fail' ? 'failure' : 'success');
  }
  const shown = github.checkRuns.map(({ head_sha: commit, name }) => `${commit} ${name}`);
  assert.equal(new Set(shown).size, shown.length, 'a check was made twice');
  assert.equal(shown.length, commits.length * (tasks.length + 1));
});
