import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Auth, Queue } from '@taskyard/client';
import { eventually, leftOutFor } from '@taskyard/patience';
import {
  aboutTask,
  beginCheckout,
  commitFile,
  commitTaskgraph,
  gitIn,
  noTaskgraph,
  openToAll,
  publishOn,
  pythonFolder,
  runIn,
} from './support/checkout.ts';
import type { CommandOptions, Ended } from './support/command.ts';
import { aHome, type Platform } from './support/platform.ts';

const bwrap = spawnSync('bwrap', ['--dev-bind', '/', '/', 'true']);
const noBubblewrap = leftOutFor(bwrap.status !== 0 && 'bubblewrap does not work here');

// A user with a repository that has a .taskcluster.yml already.

let folder: string;
let project: string;
let platform: Platform;
/** A server that others publish their work on. */
let upstream: Platform;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'taskyard-existing-'));
  const home = await aHome({ after: (end) => void endings.push(end) });
  // One platform for all runs of this file: a run joins the one that is there.
  await symlink(home.path, join(folder, 'repository'));
  upstream = await (await aHome({ after: (end) => void endings.push(end) })).start(
    {},
    undefined,
    '--no-worker',
  );
  platform = await home.start({ UPSTREAM_URL: upstream.rootUrl }, undefined, '--no-worker');
  project = join(folder, 'project');
  await mkdir(project);
  await beginCheckout(project, 'project');
});
after(async () => {
  for (const end of endings) await end();
  await rm(folder, { recursive: true, force: true });
});

const git = (...words: string[]): Promise<string> => gitIn(project, ...words);
const commit = (text: string): Promise<string> => commitFile(project, text);
const runWith = (words: readonly string[], options: CommandOptions): Promise<Ended> =>
  runIn({ folder: project, data: folder }, words, options);
const run = (...words: string[]): Promise<Ended> => runWith(words, {});
const common = aboutTask;

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
    projectId: words
    priority: low
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
    for (const event of ['push', 'cron', 'action']) {
      const { out, err, code } = await run('--event', event);
      assert.equal(code, 0, out + err);
    }
    await writeFile(path, filled.replace(/^ *- secrets:get:project\/word\n/gm, ''));
    const refused = await run();
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /secrets:get:project\/word[\s\S]*Add what is missing to \.taskyard\.yml, below roles, "repo:github\.com\/team\/project:branch:main"/,
    );
  });

  it('is heard when it is asked to end before its tasks exist, and leaves nothing behind', async () => {
    await commit(`version: 1
tasks:
  - taskQueueId: team/linux
    ${common('never')}
    payload: {maxRunTime: 60, command: [['true']]}
`);
    const temporary = join(folder, 'temporary');
    await mkdir(temporary);
    const path = join(project, '.taskyard.yml');
    const before = await readFile(path, 'utf8');
    const roles = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`many/${i}`, ['none']]));
    await writeFile(path, JSON.stringify({ roles }));
    const auth = new Auth(platform);
    try {
      const onStart = (child: ChildProcess): void =>
        void eventually('a role of the file', () => auth.role('many/3').catch(() => undefined)).then(() =>
          child.kill('SIGINT'),
        );
      const { out, err, code } = await runWith([], { env: { TMPDIR: temporary }, onStart });
      assert.equal(code, 130, out + err);
      assert.doesNotMatch(out, /never/);
      assert.deepEqual(await readdir(temporary), []);
    } finally {
      await writeFile(path, before);
    }
  });
});

describe('a decision of taskgraph', { skip: noTaskgraph }, () => {
  it('runs to the end of its graph, and finds a cached task by the index the second time', async () => {
    project = join(folder, 'taskgraph');
    await commitTaskgraph(project);
    const env = { TASKYARD_WORKER_PATH: `${pythonFolder}/bin:${process.env.PATH}` };
    const first = await runWith([], { env });
    assert.equal(first.code, 0, first.out + first.err);
    for (const name of ['Decision', 'build-words', 'test-words'])
      assert.match(first.out, new RegExp(`completed {2}${name}$`, 'm'));
    await git('commit', '-q', '--allow-empty', '-m', 'Change nothing');
    const second = await runWith([], { env });
    assert.equal(second.code, 0, second.out + second.err);
    assert.match(second.out, /completed {2}test-words$/m);
    assert.doesNotMatch(second.out, /build-words/);
  });
});

describe('taskyard run .taskcluster.yml --upstream', () => {
  before(() => openToAll(upstream));

  const asking = (path: string): string => `version: 1
tasks:
  - taskQueueId: team/linux
    scopes: []
    ${common('looks')}
    payload:
      maxRunTime: 60
      features: {taskclusterProxy: true}
      command: [[sh, -c, 'curl -sS "$TASKCLUSTER_PROXY_URL/api/index/v1/task/${path}"; exit 3']]
`;

  it('finds what another server has published: by path, by many paths, as a mount, and as a task to wait for', async () => {
    project = join(folder, 'project');
    await rm(join(project, '.taskyard.yml'));
    const taskId = await publishOn(upstream, {
      paths: ['others.dep.latest', 'others.dep.one'],
      name: 'public/dep.txt',
      bytes: Buffer.from('made by others'),
    });
    await commit(`version: 1
tasks:
  - taskQueueId: team/linux
    ${common('uses it')}
    payload:
      maxRunTime: 60
      features: {taskclusterProxy: true}
      mounts: [{file: dep.txt, content: {namespace: others.dep.latest, artifact: public/dep.txt}}]
      env: {LIST: '{"indexes": ["others.dep.one", "others.nothing"]}'}
      command:
        - - sh
          - -exc
          - |
            grep -x 'made by others' dep.txt
            cd "$TASK_WORKDIR"; api="$TASKCLUSTER_PROXY_URL/api"
            curl --fail -sS -H 'content-type: application/json' -d "$LIST" "$api/index/v1/tasks/indexes" > found.json
            grep -q '"taskId":"${taskId}"' found.json
            if grep -q nothing found.json; then exit 1; fi
            curl --fail -sS "$api/queue/v1/task/${taskId}" | grep -q '"kept":true'
            curl --fail -sSL "$TASKCLUSTER_ROOT_URL/api/index/v1/task/others.dep.one/artifacts/public/dep.txt" | grep -x 'made by others'
`);
    // With a slash at its end it is the same address.
    const { out, err, code } = await run('--upstream', `${upstream.rootUrl}/`);
    assert.equal(code, 0, out + err);
    assert.doesNotMatch(err, /is not found/);
    // It is a task of this machine now, which others can depend on.
    const { status } = await new Queue(platform).status(taskId);
    assert.equal(status.state, 'completed');
  });

  it('finds it for tasks in a sandbox too, though the other server is on a private network', {
    skip: noBubblewrap,
  }, async () => {
    await publishOn(upstream, {
      paths: ['others.apart'],
      name: 'public/dep.txt',
      bytes: Buffer.from('made by others'),
    });
    await commit(`version: 1
tasks:
  - taskQueueId: team/linux
    ${common('uses it apart')}
    payload:
      maxRunTime: 60
      mounts: [{file: dep.txt, content: {namespace: others.apart, artifact: public/dep.txt}}]
      command: [[grep, -x, made by others, dep.txt]]
`);
    const env = { TASKYARD_WORKER_ENGINE: 'bubblewrap' };
    const { out, err, code } = await runWith(['--upstream', upstream.rootUrl], { env });
    assert.equal(code, 0, out + err);
  });

  it('says why nothing is found when the other server cannot be asked, and still finds what it found before', async () => {
    await upstream.stop();
    await commit(asking('others.unheard'));
    const { out, err } = await run('--upstream', upstream.rootUrl);
    assert.match(
      err,
      new RegExp(`${upstream.rootUrl} does not answer .*: only what it has published before is found`),
    );
    assert.match(
      out,
      new RegExp(`no task at others\\.unheard in the index\\. ${upstream.rootUrl} could not be asked for it`),
    );
    await commit(asking('others.dep.latest'));
    assert.match((await run('--upstream', upstream.rootUrl)).out, /"namespace":"others\.dep\.latest"/);
  });

  it('says that a platform which runs already asks another server', async () => {
    await commit(asking('others.dep.latest'));
    const { err } = await run('--upstream', 'https://tasks.example.com');
    assert.match(
      err,
      new RegExp(`asks ${upstream.rootUrl}: what https://tasks\\.example\\.com has published is not found`),
    );
  });
});
