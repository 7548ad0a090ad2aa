import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Auth, fromNow } from '@taskyard/client';
import { within } from '@taskyard/patience';
import { type Ended, runProgram } from './support/command.ts';
import { commandHere } from './support/command-here.ts';
import { aHome, plainEnvironment, taskyard } from './support/platform.ts';
import { noSshd, startSshServer } from './support/ssh-server.ts';

const taskQueueId = 'team/two';

/** The scopes of the guide for people who submit graphs with a source, and for the tasks that they create. */
const developerScopes = [
  `queue:create-task:lowest:${taskQueueId}`,
  'queue:create-task:lowest:graph/source',
  'queue:create-task:project:none',
  'queue:scheduler-id:-',
  'queue:claim-task:graph/source',
  'queue:worker-id:source/*',
  'queue:status:*',
  'queue:get-artifact:source/*',
  'queue:get-artifact:public/*',
  'auth:current-scopes',
  'queue:list-task-group:*',
  'queue:list-artifacts:*',
  'events:stream',
  'secrets:get:team/*',
];

const aFolder = async (t: TestContext): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'taskyard-source-test-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  return path;
};

/** Git, with a name for who commits. */
const git = async (folder: string, ...words: string[]): Promise<string> => {
  const who = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];
  const { out, err, code } = await runProgram('git', [...who, '-C', folder, ...words]);
  assert.equal(code, 0, err);
  return out.trim();
};

/** The worker of machine two: a process in a folder of its own, which is told of no other. */
const startWorker = async (t: TestContext, env: Readonly<Record<string, string>>): Promise<void> => {
  const folder = await aFolder(t);
  const words = ['worker', '--task-queue-id', taskQueueId, '--worker-id', 'two', '--engine', 'process'];
  const child = spawn(process.execPath, [taskyard, ...words], {
    cwd: folder,
    env: { ...plainEnvironment(), ...env },
    stdio: 'ignore',
  });
  const exit = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await within('the worker to end', exit);
  });
};

/** A git server that wants a password, of the simplest kind: files. */
const startGitServer = async (t: TestContext, folder: string, login: string): Promise<string> => {
  const wanted = `Basic ${Buffer.from(login).toString('base64')}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== wanted) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const { pathname } = new URL(request.url ?? '/', 'http://git');
    readFile(join(folder, pathname)).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const graphWith = (source: object | string, script: string): string =>
  JSON.stringify({
    version: 1,
    name: 'with source',
    source,
    tasks: {
      look: {
        taskQueueId,
        payload: {
          maxRunTime: 60,
          command: [['sh', '-ec', script]],
          artifacts: [{ type: 'file', path: 'found.txt', name: 'public/found.txt' }],
        },
      },
    },
  });

test('tasks on another machine work on the source of their graph', async (t) => {
  const home = await aHome(t);
  const { rootUrl, credentials } = await home.start({ LOG_LEVEL: 'fatal' }, undefined, '--no-worker');
  const auth = new Auth({ rootUrl, credentials });
  const clientWith = async (clientId: string, scopes: string[]): Promise<Record<string, string>> => {
    const expires = fromNow('1 day').toJSON();
    const { accessToken } = await auth.createClient(clientId, { scopes, expires, description: '' });
    return {
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: clientId,
      TASKCLUSTER_ACCESS_TOKEN: accessToken,
    };
  };
  const claims = [`queue:claim-work:${taskQueueId}`, 'queue:worker-id:*'];
  await startWorker(t, await clientWith('worker/two', claims));
  const env = await clientWith('developer', developerScopes);
  const project = await aFolder(t);
  // Commands run here, in this folder.
  const before = process.cwd();
  process.chdir(project);
  t.after(() => process.chdir(before));
  const says = (...words: string[]): Promise<Ended> => commandHere(words, { env });

  /** Submits the graph as a developer, waits for its end, and returns what was said and what the task found. */
  const submit = async (graph: string): Promise<{ said: string; found: string; group: string }> => {
    await writeFile(join(project, 'graph.yml'), graph);
    const created = await says('group', 'create', 'graph.yml');
    assert.equal(created.code, 0, created.err);
    const group = created.out.trim();
    const watched = await says('group', 'watch', group);
    assert.equal(watched.code, 0, `${watched.out}${watched.err}`);
    const results = await aFolder(t);
    const saved = await says('group', 'download', group, '--output', results);
    assert.equal(saved.code, 0, saved.err);
    const found = await readFile(join(results, 'look/public/found.txt'), 'utf8');
    return { said: created.err, found, group };
  };
  const keep = async (name: string, secret: object): Promise<void> => {
    const kept = await commandHere(['secret', 'set', name, '-'], {
      env: { TASKYARD_DATA: home.path },
      input: JSON.stringify(secret),
    });
    assert.equal(kept.code, 0, kept.err);
  };
  const lookAround = '{ find . ! -type d | sort; cat src/main.txt link; test -x run.sh; } > found.txt';

  await t.test('a working tree, without what is ignored, and once for the same files', async () => {
    await git(project, 'init', '--quiet');
    await mkdir(join(project, 'src'));
    await writeFile(join(project, '.gitignore'), '*.key\n');
    await writeFile(join(project, 'my.key'), 'secret');
    await writeFile(join(project, 'src/main.txt'), 'one\n');
    await writeFile(join(project, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    await symlink('src/main.txt', join(project, 'link'));
    await mkdir(join(project, '.taskyard'));
    await writeFile(join(project, '.taskyard/credentials.env'), 'secret');
    await git(project, 'add', 'src');
    const graph = graphWith('.', lookAround);
    const first = await submit(graph);
    assert.match(first.said, /^Source: .*, 5 files, \d+ KiB, uploaded$/m);
    const files = ['./.gitignore', './found.txt', './graph.yml', './link', './run.sh', './src/main.txt'];
    assert.equal(first.found, `${files.join('\n')}\none\none\n`);
    assert.match((await submit(graph)).said, / unchanged$/m);
    await writeFile(join(project, 'src/main.txt'), 'two\n');
    const changed = await submit(graph);
    assert.match(changed.said, / uploaded$/m);
    assert.match(changed.found, /\ntwo\ntwo\n$/);
  });

  await t.test('a folder without git, by its path', async () => {
    const plain = await aFolder(t);
    await writeFile(join(plain, 'readme.txt'), 'plain\n');
    // Longer than a plain header of an archive has room for, and not in ASCII.
    const deep = `${'n'.repeat(90)}/${'o'.repeat(90)}`;
    await mkdir(join(plain, deep), { recursive: true });
    await writeFile(join(plain, deep, 'grün.txt'), 'deep\n');
    await symlink(`${deep}/grün.txt`, join(plain, 'link'));
    await mkdir(join(plain, '.taskyard'));
    await writeFile(join(plain, '.taskyard/credentials.env'), 'secret');
    const { found } = await submit(
      graphWith(plain, '{ find . -type f | sort; cat readme.txt link; } > found.txt'),
    );
    assert.equal(found, `./found.txt\n./${deep}/grün.txt\n./readme.txt\nplain\ndeep\n`);
  });

  await t.test('some of a folder, what is ignored too if it is named', async () => {
    const graph = (...paths: string[]) => graphWith({ paths }, '{ find . -type f | sort; } > found.txt');
    const { found } = await submit(graph('src', 'my.key'));
    assert.equal(found, './found.txt\n./my.key\n./src/main.txt\n');
    await writeFile(join(project, 'graph.yml'), graph('src', 'gone'));
    const refused = await says('group', 'create', 'graph.yml');
    assert.equal(refused.code, 2);
    assert.match(refused.err, /The source has no gone: /);
  });

  await t.test('a commit of a private repository, whose password no task sees', async () => {
    const made = await aFolder(t);
    await git(made, 'init', '--quiet', '--initial-branch=main', 'work');
    const work = join(made, 'work');
    await writeFile(join(work, 'main.txt'), 'first\n');
    await git(work, 'add', '.');
    await git(work, 'commit', '--quiet', '-m', 'one');
    const commit = await git(work, 'rev-parse', 'HEAD');
    await writeFile(join(work, 'main.txt'), 'second\n');
    await git(work, 'commit', '--quiet', '-a', '-m', 'two');
    await git(made, 'clone', '--quiet', '--bare', 'work', 'bare.git');
    await git(join(made, 'bare.git'), 'update-server-info');
    const url = `${await startGitServer(t, made, 'robot:open-sesame')}/bare.git`;
    await keep('team/git', { username: 'robot', password: 'open-sesame' });
    await keep('team/wrong', { token: 'not-the-password' });
    const source = { git: url, commit, secret: 'team/git' };
    const { said, found, group } = await submit(
      graphWith(source, '{ cat main.txt; env; ls -a; } > found.txt'),
    );
    assert.ok(said.includes(`${url} at ${commit}, 1 files`), said);
    assert.match(found, /^first\n/);
    assert.doesNotMatch(`${said}${found}`, /open-sesame|\.git\n/);
    const listed = await says('group', 'status', group, '--json');
    assert.doesNotMatch(listed.out, /open-sesame/);

    await writeFile(join(project, 'graph.yml'), graphWith({ ...source, secret: 'team/wrong' }, 'true'));
    const refused = await says('group', 'create', 'graph.yml');
    assert.equal(refused.code, 1);
    assert.match(refused.err, /cannot be fetched, because git says: /);
    assert.doesNotMatch(refused.err, /not-the-password/);
    // A repository on this machine, by the name of a branch.
    const here = await submit(
      graphWith({ git: join(made, 'bare.git'), commit: 'main' }, 'cp main.txt found.txt'),
    );
    assert.equal(here.found, 'second\n');
  });

  await t.test('a commit over SSH, by a key that the secret holds', { skip: noSshd }, async (t) => {
    const { url, key, knownHosts, otherKey } = await startSshServer(t);
    const made = await aFolder(t);
    await git(made, 'init', '--quiet', '--initial-branch=main', 'work');
    await writeFile(join(made, 'work/main.txt'), 'by ssh\n');
    await git(join(made, 'work'), 'add', '.');
    await git(join(made, 'work'), 'commit', '--quiet', '-m', 'one');
    await keep('team/ssh', { sshKey: key, knownHosts });
    await keep('team/stranger', { sshKey: otherKey, knownHosts });
    await keep('team/unknown-host', { sshKey: key });
    const source = { git: `${url}${join(made, 'work')}`, commit: 'main', secret: 'team/ssh' };
    const { said, found } = await submit(graphWith(source, '{ cat main.txt; env; ls -a; } > found.txt'));
    assert.match(found, /^by ssh\n/);
    assert.doesNotMatch(`${said}${found}`, /PRIVATE KEY|\.git\n/);
    const refusals = {
      'team/stranger': /Permission denied/,
      'team/unknown-host': /Host key verification failed/,
    };
    for (const [secret, reason] of Object.entries(refusals)) {
      await writeFile(join(project, 'graph.yml'), graphWith({ ...source, secret }, 'true'));
      const { err, code } = await says('group', 'create', 'graph.yml');
      assert.equal(code, 1);
      assert.match(err, reason);
      assert.match(
        err,
        /cannot be fetched, because git says: [^\n]*Could not read from remote repository\.\n$/,
      );
    }
  });

  await t.test('what failed to be uploaded is uploaded again, and is no failure of a graph', async () => {
    const broken = join(home.path, 'objects/uploads');
    await rm(broken, { recursive: true, force: true });
    await writeFile(broken, '');
    const graph = graphWith('.', 'cp once.txt found.txt');
    await writeFile(join(project, 'once.txt'), 'once\n');
    await writeFile(join(project, 'graph.yml'), graph);
    const refused = await says('group', 'create', 'graph.yml');
    assert.equal(refused.code, 1, refused.err);
    assert.match(refused.err, /^taskyard: \S+ refused the upload with HTTP status 500[^\n]*\n$/m);
    await rm(broken);
    assert.equal((await submit(graph)).found, 'once\n');
    const asRoot = { env: { TASKYARD_DATA: home.path } };
    const list = (...words: string[]) =>
      commandHere(['group', 'list', '--name', 'sources', ...words], asRoot);
    assert.match((await list()).out, /\b1 failed\b/);
    assert.equal((await list('--failed')).out, '');
  });

  await t.test('a source that was cleaned away is uploaded again', async () => {
    const graph = graphWith('.', 'cp once.txt found.txt');
    assert.match((await submit(graph)).said, / unchanged$/m);
    const asRoot = { env: { TASKYARD_DATA: home.path } };
    const words = ['clean', '--artifact-days', '0'];
    const { out, err } = await commandHere(words, asRoot);
    assert.match(out, /^Deleted artifacts of \d+ runs/, err);
    const again = await submit(graph);
    assert.match(again.said, / uploaded$/m);
    assert.equal(again.found, 'once\n');
  });

  await t.test('only for those who may lend the tasks what they need', async () => {
    const lacking = ['queue:get-artifact:source/*', 'queue:claim-task:graph/source'];
    const scopes = developerScopes.filter((scope) => !lacking.includes(scope));
    const beginner = await clientWith('beginner', scopes);
    const graph = graphWith('.', 'cp src/main.txt found.txt');
    await writeFile(join(project, 'graph.yml'), graph);
    const refused = await commandHere(['group', 'create', 'graph.yml'], { env: beginner });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Nothing was created: .* you also need these scopes:\n/);
    for (const scope of lacking) assert.ok(refused.err.includes(`  ${scope}\n`), refused.err);
    const { out } = await commandHere(['client', 'create', 'people/ada', '--developer'], {
      env: { TASKYARD_DATA: home.path },
    });
    const ada = Object.fromEntries(out.split('\n').map((line) => line.split('=')));
    const made = await commandHere(['group', 'create', 'graph.yml'], {
      env: { ...ada, TASKCLUSTER_ROOT_URL: rootUrl },
    });
    assert.equal(made.code, 0, made.err);
    assert.match(made.err, / uploaded$/m);
    assert.match((await submit(graph)).said, / unchanged$/m);
  });

  await t.test('and a folder that they do not have is refused at once', async () => {
    await writeFile(join(project, 'graph.yml'), graphWith('.', `cat \${dir}/src/main.txt`));
    const { err, code, out } = await says('group', 'create', 'graph.yml');
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.match(err, /"look": \$\{dir\} is a folder of this machine.*Write "source: \." at the top/);
  });
});
