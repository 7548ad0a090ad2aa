import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programAt, within } from '@taskyard/patience';
import { aWorker, sh } from './testing/a-worker.ts';
import { startFakeQueue } from './testing/fake-queue.ts';
import { tarOf } from './testing/hostile-archives.ts';
import { addCompleted } from './testing/mount-cases.ts';
import { temporaryDirectory } from './testing/places.ts';
import { skips } from './testing/scene.ts';

/** A server that begins an answer and never ends it; `asked` resolves when it has begun one. */
const aSlowServer = async (t: TestContext) => {
  let begun = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const server = createServer((_, response) => void response.write('x', () => begun()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, asked };
};

test('mounts count into maxRunTime', async (t) => {
  const { queue } = await aWorker(t);
  const { url } = await aSlowServer(t);
  const mounts = [{ file: 'f', content: { url } }];
  const run = await within(
    'the run to end',
    queue.resolved(queue.addTask(sh('true', { mounts, maxRunTime: 1 }))),
  );
  assert.equal(run.state, 'failed');
  assert.match(queue.logOf(run), /The mounts took longer than maxRunTime, which is 1 s/);
});

test('a worker that stops does not wait for a mount', async (t) => {
  const { queue, worker } = await aWorker(t);
  const { url, asked } = await aSlowServer(t);
  const taskId = queue.addTask(sh('true', { mounts: [{ file: 'f', content: { url } }] }));
  await within('the mount to begin', asked);
  await within('the worker to stop', worker.stop());
  assert.equal(queue.run(taskId).reason, 'worker-shutdown');
});

test('the first content of a cache is all there, or the cache is not kept', async (t) => {
  const { queue } = await aWorker(t);
  const scopes = ['generic-worker:cache:c'];
  const whole = await tarOf({ name: 'first', content: 'x' }, { name: 'last', content: 'y'.repeat(40_000) });
  const mount = (bytes: Buffer) => ({
    mounts: [
      { cacheName: 'c', directory: 'c', format: 'tar', content: { base64: bytes.toString('base64') } },
    ],
  });
  const half = await queue.resolved(queue.addTask(sh('true', mount(whole.subarray(0, 20_000))), { scopes }));
  assert.equal(half.state, 'failed');
  const next = await queue.resolved(queue.addTask(sh('ls c', mount(whole)), { scopes }));
  assert.equal(next.state, 'completed', queue.logOf(next));
  assert.match(queue.logOf(next), /Cache c \(new\)[\s\S]*^last$/m);
});

test('a sandboxed task mounts no URL of a private address, unless it may', {
  skip: skips.bubblewrap,
}, async (t) => {
  const inner = await startFakeQueue();
  t.after(() => inner.close());
  const holder = addCompleted(inner, { 'public/f': Buffer.from('inner\n') });
  const url = `${inner.rootUrl}/upload/${holder}/0/public%2Ff`;
  const mounts = [{ file: 'f', content: { url } }];
  const strict = await aWorker(t, { engine: 'bubblewrap' });
  const refused = await strict.queue.resolved(strict.queue.addTask(sh('cat f', { mounts })));
  assert.equal(refused.state, 'failed');
  assert.match(strict.queue.logOf(refused), /127\.0\.0\.1 is a private address/);
  // An artifact of type reference is a URL that a task has named as well.
  const source = addCompleted(strict.queue, {});
  const reference = {
    storageType: 'reference',
    contentType: 'text/plain',
    expires: '2999-01-01T00:00:00Z',
    url,
  };
  strict.queue.run(source).artifacts.set('public/r', reference);
  const led = { mounts: [{ file: 'f', content: { taskId: source, artifact: 'public/r' } }] };
  const alsoRefused = await strict.queue.resolved(
    strict.queue.addTask(sh('cat f', led), { dependencies: [source] }),
  );
  assert.match(strict.queue.logOf(alsoRefused), /127\.0\.0\.1 is a private address/);
  for (const options of [{ allowPrivateUrls: true }, { otherServers: [inner.rootUrl] }]) {
    const lax = await aWorker(t, { engine: 'bubblewrap', ...options });
    const allowed = await lax.queue.resolved(lax.queue.addTask(sh('cat f', { mounts })));
    assert.match(lax.queue.logOf(allowed), /^inner$/m);
  }
});

const mayMount = process.getuid?.() === 0 && process.platform === 'linux';

test('on a small disk, downloads and caches make room for the next task', {
  skip: !mayMount && 'only root can mount a small disk',
}, async (t) => {
  const place = await temporaryDirectory(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40m,mode=0700', 'tmpfs', place]);
  // Before the directory itself is removed, and after the worker has left it.
  try {
    const { queue, worker } = await aWorker(t, { workDir: join(place, 'worker') });
    const states: string[] = [];
    for (let round = 0; round < 6; round++) {
      const source = addCompleted(queue, { 'public/a': randomBytes(8_000_000) });
      const mounts = [
        { file: 'm', content: { taskId: source, artifact: 'public/a' } },
        { cacheName: `c-${round}`, directory: 'c' },
      ];
      const task = { dependencies: [source], scopes: ['generic-worker:cache:*'] };
      const script = sh('test -s m && head -c 4M /dev/urandom > c/kept', { mounts });
      const run = await within('the run to end', queue.resolved(queue.addTask(script, task)));
      states.push(run.state);
    }
    assert.deepEqual(states, Array(6).fill('completed'));
    await worker.stop();
  } finally {
    execFileSync('umount', ['-l', place]);
  }
});

const doomed = programAt(fileURLToPath(new URL('./testing/doomed-worker.js', import.meta.url)));

for (const engine of ['process', 'bubblewrap'] as const) {
  test(`${engine}: tasks do not inherit the open files of a worker`, {
    skip: skips[engine],
  }, async (t) => {
    const queue = await startFakeQueue();
    const workDir = await temporaryDirectory(t);
    const secret = join(await temporaryDirectory(t), 'secret');
    await writeFile(secret, 'hidden\n');
    const open = openSync(secret, 'r');
    const stdio = ['ignore', 'ignore', 'inherit', open, 'ignore', open, 'ignore', 'ignore', open] as const;
    const worker = spawn(process.execPath, [doomed, queue.rootUrl, join(workDir, 'w'), engine], {
      stdio: [...stdio],
    });
    const ended = once(worker, 'exit');
    t.after(async () => {
      worker.kill('SIGKILL');
      await ended;
      closeSync(open);
      await queue.close();
    });
    const look = 'for fd in 3 4 5 6 7 8; do cat <&$fd; done 2>&1; readlink /proc/self/fd/*; echo looked';
    const run = await queue.resolved(queue.addTask(sh(look)));
    assert.match(queue.logOf(run), /^looked$/m);
    assert.doesNotMatch(queue.logOf(run), /hidden|secret/);
  });
}

test('a worker removes what it keeps, whatever the modes, and only that', async (t) => {
  const { queue, worker, workDir } = await aWorker(t);
  await mkdir(join(workDir, 'mine'));
  await queue.resolved(queue.addTask(sh('mkdir -p mod/a/x; chmod 500 mod/a/x mod/a; mkfifo p')));
  await worker.stop();
  assert.deepEqual(await readdir(join(workDir, 'runs')), []);
  assert.ok((await readdir(workDir)).includes('mine'));
});
