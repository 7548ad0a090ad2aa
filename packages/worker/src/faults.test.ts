import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { aWorker, clockOfShortWaits, sh } from './testing/a-worker.ts';
import { temporaryDirectory } from './testing/places.ts';

/** Prints too much for an artifact that comes along with its request. */
const large = 'head -c 9000 /dev/urandom';

test('a store that replies with 500 is tried again until it takes the bytes', async (t) => {
  const { queue } = await aWorker(t);
  let refused = 0;
  queue.fail((path) => (path.startsWith('/upload/') && refused < 2 && ++refused ? 500 : undefined));
  const artifacts = [{ type: 'file', path: 'f', contentEncoding: 'identity' }];
  const run = await queue.resolved(queue.addTask(sh(`${large} > f`, { artifacts })));
  assert.equal(run.state, 'completed');
  assert.equal(run.artifacts.get('f')?.bytes?.length, 9000);
  assert.equal(refused, 2);
});

test('a report whose reply is lost is repeated, and the run is resolved once', async (t) => {
  const { queue } = await aWorker(t);
  let lost = 0;
  queue.fail((path) => (path.endsWith('/completed') && lost++ < 2 ? 0 : undefined));
  const taskId = queue.addTask(sh('true'));
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  assert.equal(queue.tasks.get(taskId)?.runs.length, 1);
});

test('the next task runs while the last one uploads, but uploads do not pile up', async (t) => {
  const { queue } = await aWorker(t);
  const held: string[] = [];
  queue.hold((path) => /\/upload\/.*big/.test(path) && held.push(path) > 0);
  const big = { artifacts: [{ type: 'file', path: 'big' }] };
  const tasks = [1, 2, 3].map(() => queue.addTask(sh(`${large} > big`, big)));
  await queue.until(() => held.length === 2);
  assert.deepEqual(
    tasks.map((taskId) => queue.run(taskId).state),
    ['running', 'running', 'pending'],
  );
  queue.letGo();
  for (const taskId of tasks) assert.equal((await queue.resolved(taskId)).state, 'completed');
});

test('a mount whose server is away or breaks off is the fault of the worker, one that is refused or of other content fails its task', async (t) => {
  const { queue } = await aWorker(t, { clock: clockOfShortWaits });
  let status = 200;
  let isWhole = true;
  const server = createServer((_request, response) => {
    response.writeHead(status, { 'content-length': 10 });
    if (isWhole) response.end('ten bytes\n');
    else response.write('half', () => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/f`;
  t.after(() => server.close());
  const mounted = async (more: object = {}) => {
    const mounts = [{ file: 'f', content: { url, ...more } }];
    const run = await queue.resolved(queue.addTask(sh('cat f', { mounts })));
    return [run.state, run.reason, queue.logOf(run)] as const;
  };
  const ends = async (wanted: readonly string[], log: RegExp, more: object = {}): Promise<void> => {
    const [state, reason, text] = await mounted(more);
    assert.deepEqual([state, reason], wanted, text);
    assert.match(text, log);
  };
  const [ours, theirs] = [
    ['exception', 'resource-unavailable'],
    ['failed', 'failed'],
  ] as const;
  await ends(['completed', 'completed'], /^ten bytes$/m);
  await ends(theirs, /\[mounts\] .*sha256/, { sha256: 'a'.repeat(64) });
  status = 404;
  await ends(theirs, /\[mounts\] .*HTTP status 404/);
  status = 503;
  await ends(ours, /could not go on: .*HTTP status 503/);
  [status, isWhole] = [200, false];
  await ends(ours, /could not go on: .*broke off/);
  server.closeAllConnections();
  server.close();
  await ends(ours, /could not go on: .*ECONNREFUSED/);
  // The server was the task's choice: others may well run here.
  assert.deepEqual(queue.quarantines, []);
  assert.equal((await queue.resolved(queue.addTask(sh('true')))).state, 'completed');
});

const mayMount = process.getuid?.() === 0 && process.platform === 'linux';

test('a full disk fails the task that fills it, not the worker, which claims again when there is room', {
  skip: !mayMount && 'only root can mount a small disk',
}, async (t) => {
  const place = await temporaryDirectory(t);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'tmpfs', place]);
  // Before the directory itself is removed, and after the worker has left it.
  const unmount = (): void => void execFileSync('umount', ['-l', place]);
  try {
    const { queue, worker } = await aWorker(t, { workDir: join(place, 'worker'), freeDiskMiBMin: 8 });
    const full = await queue.resolved(queue.addTask(sh('head -c 32M /dev/zero > f')));
    assert.equal(full.state, 'failed');
    assert.match(queue.logOf(full), /No space left on device/);
    const chatty = await queue.resolved(queue.addTask(sh('yes | head -c 32M; echo over')));
    assert.equal(chatty.state, 'completed');
    const next = await queue.resolved(queue.addTask(sh('echo room > f && cat f')));
    assert.match(queue.logOf(next), /^room$/m);
    await worker.stop();
  } finally {
    unmount();
  }
});

test('a gigabyte of output is kept completely, and costs no memory', async (t) => {
  const { queue } = await aWorker(t);
  const before = process.memoryUsage().rss;
  let peak = before;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const text = 'a line of the log that is repeated until there is a gigabyte of it';
  const run = await queue.resolved(queue.addTask(sh(`yes "${text}" | head -c 1G`)));
  clearInterval(watch);
  assert.equal(run.state, 'completed');
  const kept = run.artifacts.get('public/logs/live_backing.log')?.bytes ?? Buffer.alloc(0);
  const bytes = Number(execFileSync('sh', ['-c', 'gzip -dc | wc -c'], { input: kept }).toString());
  assert.ok(bytes >= 1024 ** 3, `${bytes} bytes were kept`);
  assert.ok(peak - before < 256 * 1024 ** 2, `memory grew by ${peak - before} bytes`);
});

test('a task that deletes its own directory ends like any other', async (t) => {
  const { queue, workDir } = await aWorker(t);
  const artifacts = [{ type: 'file', path: 'f' }];
  const taskId = queue.addTask(sh('rm -rf "$TASK_WORKDIR"; echo gone', { artifacts }));
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'failed');
  assert.equal(run.artifacts.get('f')?.reason, 'file-missing-on-worker');
  assert.match(queue.logOf(run), /^gone$/m);
  assert.equal((await queue.resolved(queue.addTask(sh('true')))).state, 'completed');
  assert.ok((await stat(workDir)).isDirectory());
});

test('a task may forbid the removal of what it left', async (t) => {
  const { queue, worker, workDir } = await aWorker(t);
  const run = await queue.resolved(queue.addTask(sh('mkdir -p a/b; echo x > a/b/c; chmod 0 a/b; chmod 0 a')));
  assert.equal(run.state, 'completed');
  await worker.stop();
  assert.deepEqual(await readdir(join(workDir, 'runs')), []);
});

test('bytes that are not text are kept unchanged in the log', async (t) => {
  const { queue } = await aWorker(t);
  const run = await queue.resolved(
    queue.addTask(sh('head -c 300000 /dev/urandom > f; cat f; sha256sum f >&2')),
  );
  const log = gunzipSync(run.artifacts.get('public/logs/live_backing.log')?.bytes ?? Buffer.alloc(0));
  const [, hash = ''] = /([0-9a-f]{64}) {2}f\n/.exec(log.toString('latin1')) ?? [];
  const start = log.indexOf('sha256sum f >&2');
  const body = log.subarray(log.indexOf('\n', start) + 1);
  assert.equal(createHash('sha256').update(body.subarray(0, 300_000)).digest('hex'), hash);
});
