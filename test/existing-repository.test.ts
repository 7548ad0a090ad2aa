import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Ended, runProgram } from './support/command.ts';
import { aHome, taskyard } from './support/platform.ts';

// A user with a repository that has a .taskcluster.yml already.

let folder: string;
let project: string;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-existing-'));
  const home = await aHome({ after: (end) => void endings.push(end) });
  // One platform for all runs of this file: a run joins the one that is there.
  await symlink(home.path, join(folder, 'repository'));
  await home.start({}, undefined, '--no-worker');
  project = join(folder, 'project');
  await mkdir(project);
  await git('init', '-q', '-b', 'main');
  await git('remote', 'add', 'origin', 'https://github.com/team/project.git');
});
after(async () => {
  for (const end of endings) await end();
  await rm(folder, { recursive: true, force: true });
});

const git = async (...words: string[]): Promise<string> => {
  const who = ['-c', 'user.name=Dev', '-c', 'user.email=dev@example.org'];
  const { out, err, code } = await runProgram('git', [...who, '-C', project, ...words]);
  assert.equal(code, 0, err);
  return out.trim();
};

/** Commits a file as it is, and pushes nothing. */
const commit = async (text: string): Promise<string> => {
  await writeFile(join(project, '.taskcluster.yml'), text);
  await git('add', '.taskcluster.yml');
  await git('commit', '-q', '--allow-empty', '-m', 'Change the tasks');
  return git('rev-parse', 'HEAD');
};

const run = (...words: string[]): Promise<Ended> =>
  runProgram(process.execPath, [taskyard, 'run', '.taskcluster.yml', '--data', folder, ...words], {
    cwd: project,
    env: { TASKYARD_WORKER_ENGINE: 'process', DOCKER_HOST: 'unix:///nowhere/docker.sock' },
  });

const common = (name: string): string =>
  `deadline: {$fromNow: 1 hour}
    metadata: {name: ${name}, description: d, owner: dev@example.org, source: 'https://example.org'}`;

/** A decision that creates a task in another queue; the child ends with this status. */
const decision = (status: number): string => `
  - taskId: {$eval: 'as_slugid("decision")'}
    taskGroupId: {$eval: 'as_slugid("decision")'}
    taskQueueId: team/linux-small
    scopes: ['queue:create-task:lowest:team/*', 'queue:scheduler-id:taskcluster-github']
    ${common('decision')}
    payload:
      maxRunTime: 60
      features: {taskclusterProxy: true}
      env:
        CHILD: {$eval: 'as_slugid("child")'}
        NOW: {$fromNow: ''}
        LATER: {$fromNow: 1 hour}
        ADDRESS: \${event.repository.clone_url}
        COMMIT: \${event.after}
      command:
        - - sh
          - -ec
          - |
            git init -q . && git fetch -q "$ADDRESS" "$COMMIT" && git checkout -q FETCH_HEAD
            cat > child.json <<END
            {"taskQueueId": "team/linux-large", "schedulerId": "taskcluster-github", "taskGroupId": "$TASK_ID",
             "dependencies": ["$TASK_ID"], "created": "$NOW", "deadline": "$LATER",
             "payload": {"maxRunTime": 60, "command": [["sh", "-c", "echo Error: sums differ; exit ${status}"]]},
             "metadata": {"name": "child of $COMMIT", "description": "d", "owner": "dev@example.org", "source": "https://example.org"}}
            END
            curl --fail -sS -X PUT -H 'content-type: application/json' -d @child.json "$TASKCLUSTER_PROXY_URL/api/queue/v1/task/$CHILD"
`;

describe('taskyard run .taskcluster.yml', () => {
  it('runs what a decision creates, and tells what this machine cannot run, without counting that as a failure', async () => {
    const head = await commit(`version: 1
tasks:${decision(0)}
  - taskId: {$eval: 'as_slugid("windows")'}
    taskGroupId: {$eval: 'as_slugid("decision")'}
    taskQueueId: team/win2022
    ${common('windows')}
    payload: {maxRunTime: 60, command: [dir]}
  - taskGroupId: {$eval: 'as_slugid("decision")'}
    dependencies: [{$eval: 'as_slugid("windows")'}]
    taskQueueId: team/linux-small
    ${common('after windows')}
    payload: {maxRunTime: 60, command: [['true']]}
`);
    const { out, err, code } = await run('--event', 'push');
    assert.equal(code, 0, out + err);
    assert.match(out, new RegExp(`completed {2}child of ${head}`));
    assert.match(
      out,
      /Skipped:\n {2}windows: it needs Windows \(team\/win2022\)\n {2}after windows: it needs windows, which is skipped\n/,
    );
    assert.match(out, /^Every task that this machine can run completed: 2 completed, 2 skipped/m);
  });

  it('ends with 1 when a task fails that a decision created, and shows its error', async () => {
    const head = await commit(`version: 1\ntasks:${decision(3)}`);
    const { out, code } = await run();
    assert.equal(code, 1);
    assert.match(out, new RegExp(`✖ child of ${head} {2}failed`));
    assert.match(out, /│ .*Error: sums differ/);
  });

  it('shows what it would create, and creates nothing', async () => {
    await commit(`version: 1\ntasks:${decision(0)}`);
    const { out, code } = await run('--event', 'push', '--show', 'json');
    assert.equal(code, 0);
    const { tasks, scopes } = JSON.parse(out) as {
      tasks: { task: Record<string, unknown> }[];
      scopes: string[];
    };
    assert.equal(tasks[0]?.task.schedulerId, 'taskcluster-github');
    assert.equal(scopes[0], 'assume:repo:github.com/team/project:branch:main');
  });

  it('tells mistakes with line and task before anything is created', async () => {
    await commit(`version: 1
tasks:
  - taskQueueId: team/linux
    ${common('lint')}
    payload: {maxRunTime: 60, command: [[echo, '\${evnt.ref}']]}
    priorty: low
`);
    const first = await run();
    assert.equal(first.code, 2, first.out);
    assert.match(first.err, /\.taskcluster\.yml:6:\d+: task "lint": there is no value "evnt"/m);
    await commit((await readFile(join(project, '.taskcluster.yml'), 'utf8')).replace('evnt', 'event'));
    const second = await run();
    assert.equal(second.code, 2);
    assert.match(
      second.err,
      /\.taskcluster\.yml:7:\d+: task "lint": unknown key "priorty" \(did you mean "priority"\?\)/m,
    );
  });

  it('makes no tasks for a commit that says so', async () => {
    await git('commit', '-q', '--allow-empty', '-m', 'docs [skip ci]');
    const { out, code } = await run();
    assert.equal(code, 0);
    assert.match(out, /\[skip ci\]/);
  });

  it('gives tasks the roles and secrets of the local file, and says what that lacks', async () => {
    await commit(`version: 1
tasks:
  - taskQueueId: team/linux
    scopes: ['secrets:get:project/word']
    ${common('reads a secret')}
    payload:
      maxRunTime: 60
      features: {taskclusterProxy: true}
      command: [[sh, -c, 'curl --fail -sS "$TASKCLUSTER_PROXY_URL/api/secrets/v1/secret/project/word" | grep -q open-sesame']]
`);
    const written = await run('--init');
    assert.equal(written.code, 0, written.err);
    assert.match(written.out, /fill in the secret project\/word/);
    const path = join(project, '.taskyard.yml');
    const filled = (await readFile(path, 'utf8')).replace(
      'project/word: {}',
      'project/word: {word: open-sesame}',
    );
    await writeFile(path, filled);
    const { out, err, code } = await run();
    assert.equal(code, 0, out + err);
    await writeFile(path, filled.replace(/^ *- secrets:get:project\/word\n/gm, ''));
    const refused = await run();
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /secrets:get:project\/word[\s\S]*Add what is missing to \.taskyard\.yml, below roles, "repo:github\.com\/team\/project:branch:main"/,
    );
  });
});
