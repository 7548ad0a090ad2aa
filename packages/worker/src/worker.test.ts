import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { type Clock, systemClock } from './clock.ts';
import { aWorker, clockOfShortWaits, sh } from './testing/a-worker.ts';
import { temporaryDirectory } from './testing/places.ts';
import { isRunning } from './testing/processes.ts';

test('a task is claimed, run, and resolved as completed, with its log and artifacts kept', async (t) => {
  const { queue } = await aWorker(t);
  const taskId = queue.addTask(
    sh('echo "hello $NAME"; mkdir -p out/sub; echo x > out/sub/a.txt; echo y > one.json', {
      env: { NAME: 'you' },
      artifacts: [
        { type: 'directory', path: 'out', name: 'public/out' },
        { type: 'file', path: 'one.json', name: 'public/one.json', contentEncoding: 'identity' },
        { type: 'file', path: 'none', optional: true },
      ],
    }),
  );
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'completed');
  assert.match(
    queue.logOf(run),
    /^\[taskcluster [\d-]+T[\d:.]+Z\] Task .*\n(.*\n)*hello you\n(.*\n)*.*Exit code 0/,
  );
  assert.deepEqual([...run.artifacts.keys()].sort(), [
    'public/logs/live.log',
    'public/logs/live_backing.log',
    'public/one.json',
    'public/out/sub/a.txt',
  ]);
  const one = run.artifacts.get('public/one.json');
  assert.equal(one?.bytes?.toString(), 'y\n');
  assert.equal(one?.headers?.['content-type'], 'application/json');
  assert.equal(one?.headers?.['content-length'], '2');
  assert.equal(one?.headers?.['content-encoding'], undefined);
  assert.equal(run.artifacts.get('public/out/sub/a.txt')?.headers?.['content-encoding'], 'gzip');
  const live = run.artifacts.get('public/logs/live.log');
  assert.equal(live?.storageType, 'link');
  assert.equal(live?.artifact, 'public/logs/live_backing.log');
});

test('a short task costs two calls: one for its log, one for its report', async (t) => {
  // On it a second of silence is never over before such a task.
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms * 30, signal) };
  const { queue } = await aWorker(t, { clock });
  const taskId = queue.addTask({ command: [['true']], maxRunTime: 60 });
  const run = await queue.resolved(taskId);
  const calls = queue.requests.map(({ path }) => path).filter((path) => path.includes(taskId));
  assert.deepEqual(calls, [`/create-artifacts/${taskId}/0`, `/task/${taskId}/runs/0/completed`]);
  assert.equal(run.artifacts.get('public/logs/live.log')?.storageType, 'link');
  assert.match(queue.logOf(run), /Exit code 0/);
});

test('the first command to fail is the last to run, and the task fails', async (t) => {
  const { queue } = await aWorker(t);
  const taskId = queue.addTask({
    command: [['true'], ['sh', '-c', 'exit 7'], ['echo', 'never']],
    maxRunTime: 60,
  });
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'failed');
  assert.match(queue.logOf(run), /Exit code 7/);
  assert.doesNotMatch(queue.logOf(run), /never\n/);
});

test('an exit code that is marked for it makes the failure intermittent', async (t) => {
  const { queue } = await aWorker(t);
  const taskId = queue.addTask(sh('exit $((RUN_ID == 0 ? 4 : 0))', { onExitStatus: { retry: [4] } }));
  assert.equal((await queue.resolved(taskId)).reason, 'intermittent-task');
  assert.equal((await queue.resolved(taskId, 1)).state, 'completed');
});

test('a missing artifact is recorded as an error, and fails the task', async (t) => {
  const { queue } = await aWorker(t);
  const taskId = queue.addTask(
    sh('true', { artifacts: [{ type: 'file', path: 'gone', name: 'public/gone' }] }),
  );
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'failed');
  assert.equal(run.artifacts.get('public/gone')?.reason, 'file-missing-on-worker');
});

test('every error of a payload is in the log of a task that is malformed', async (t) => {
  const { queue } = await aWorker(t);
  const taskId = queue.addTask({ command: [], maxRunTime: 0, colour: 'red' });
  const run = await queue.resolved(taskId);
  assert.equal(run.reason, 'malformed-payload');
  const log = queue.logOf(run);
  assert.match(log, /\[taskcluster:error\] .*\/command/);
  assert.match(log, /\[taskcluster:error\] .*\/maxRunTime/);
  assert.match(log, /\[taskcluster:error\] .*colour/);
});

test('a task that runs for too long is ended and fails', async (t) => {
  const { queue } = await aWorker(t, { killGraceSeconds: 0 });
  const taskId = queue.addTask(
    sh('trap "" TERM; echo started; while :; do sleep 1; done', { maxRunTime: 1 }),
  );
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'failed');
  assert.match(queue.logOf(run), /maxRunTime/);
});

test('a task sees nothing of the environment of its worker', async (t) => {
  process.env.DATABASE_URL = 'postgres://secret';
  t.after(() => delete process.env.DATABASE_URL);
  const { queue } = await aWorker(t);
  const run = await queue.resolved(queue.addTask({ command: [['env']], maxRunTime: 60, env: { MINE: '1' } }));
  const names = [...queue.logOf(run).matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name).sort();
  assert.deepEqual(names, [
    'HOME',
    'LANG',
    'MINE',
    'PATH',
    'RUN_ID',
    'TASKCLUSTER_ROOT_URL',
    'TASK_GROUP_ID',
    'TASK_ID',
    'TASK_WORKDIR',
  ]);
});

test('tasks run at the same time up to the capacity, with one poll out at a time', async (t) => {
  const { queue } = await aWorker(t, { capacity: 3 });
  const script =
    'mkdir -p "$BARRIER"; touch "$BARRIER/$TASK_ID"; while [ "$(ls "$BARRIER" | wc -l)" -lt 3 ]; do sleep 0.05; done';
  const env = { BARRIER: join(await temporaryDirectory(t), 'barrier') };
  const taskIds = [1, 2, 3].map(() => queue.addTask(sh(script, { env })));
  for (const taskId of taskIds) assert.equal((await queue.resolved(taskId)).state, 'completed');
  assert.equal(queue.polls.most, 1);
});

test('a worker of more slots than the queue serves at once asks several times', async (t) => {
  const { queue } = await aWorker(t, { capacity: 33 });
  const taskIds = Array.from({ length: 34 }, () => queue.addTask(sh('true')));
  for (const taskId of taskIds) assert.equal((await queue.resolved(taskId)).state, 'completed');
});

test('a claim is renewed in time, and the newest credentials are used', async (t) => {
  const { queue } = await aWorker(t, { clock: clockOfShortWaits });
  const gate = join(await temporaryDirectory(t), 'gate');
  const taskId = queue.addTask(sh('until [ -e "$GATE" ]; do sleep 0.05; done', { env: { GATE: gate } }));
  await queue.until(() => (queue.tasks.get(taskId)?.runs[0]?.reclaims ?? 0) >= 3);
  await writeFile(gate, '');
  assert.equal((await queue.resolved(taskId)).state, 'completed');
  const report = queue.requests.find(({ path }) => path.endsWith('/completed'));
  assert.match(report?.clientId ?? '', /\/[1-9]\d*$/);
});

test('a run that is no longer ours is ended without a word', async (t) => {
  const { queue, worker, workDir } = await aWorker(t, { clock: clockOfShortWaits });
  const pidFile = join(await temporaryDirectory(t), 'pid');
  const taskId = queue.addTask(sh('echo $$ > "$PID"; sleep 1000', { env: { PID: pidFile } }));
  await queue.until(() => queue.run(taskId).artifacts.has('public/logs/live.log'));
  const pid = await eventually(
    'the process id of the task',
    async () => Number(await readFile(pidFile, 'utf8').catch(() => 0)) || undefined,
  );
  queue.run(taskId).state = 'exception';
  queue.run(taskId).reason = 'canceled';
  await eventually('the worker to run nothing', () => worker.state.running.length === 0);
  assert.equal(await isRunning(pid), false);
  assert.deepEqual(await readdir(join(workDir, 'runs')), []);
  assert.ok(!queue.requests.some(({ path }) => /\/(completed|failed|exception)$/.test(path)));
});

test('a stop ends the running task as worker-shutdown, with the log so far', async (t) => {
  const { queue, worker } = await aWorker(t);
  const taskId = queue.addTask(sh('echo "so far"; sleep 1000'));
  await queue.until(() => queue.run(taskId).artifacts.has('public/logs/live.log'));
  const live = queue.run(taskId).artifacts.get('public/logs/live.log')?.url ?? '';
  await eventually('the first line of the live log', async () => (await readSome(live)).includes('so far\n'));
  await worker.stop();
  const run = queue.run(taskId);
  assert.equal(run.reason, 'worker-shutdown');
  assert.match(queue.logOf(run), /so far\n/);
  assert.equal(await worker.stopped, 'stopped');
  assert.equal(worker.state.phase, 'stopped');
});

/** The content of a live log at this moment. */
const readSome = async (url: string): Promise<string> =>
  (await fetch(url, { headers: { range: 'bytes=0-' } })).text();

test('a stop with a grace lets the running task finish', async (t) => {
  const { queue, worker } = await aWorker(t);
  const gate = join(await temporaryDirectory(t), 'gate');
  const taskId = queue.addTask(sh('until [ -e "$GATE" ]; do sleep 0.05; done', { env: { GATE: gate } }));
  await queue.until(() => queue.run(taskId).state === 'running');
  const stop = worker.stop({ graceSeconds: 600 });
  await writeFile(gate, '');
  await stop;
  assert.equal(queue.run(taskId).state, 'completed');
});

test('a server that replies with errors, or not at all, is asked again', async (t) => {
  const { queue } = await aWorker(t);
  const seen = new Map<string, number>();
  queue.fail((path) => {
    const count = (seen.get(path) ?? 0) + 1;
    seen.set(path, count);
    return count === 1 ? 0 : count === 2 ? 503 : undefined;
  });
  const taskId = queue.addTask(
    sh('echo x > f', { artifacts: [{ type: 'file', path: 'f', name: 'public/f' }] }),
  );
  const run = await queue.resolved(taskId);
  assert.equal(run.state, 'completed');
  assert.ok((run.artifacts.get('public/f')?.bytes?.length ?? 0) > 0);
  assert.ok((seen.get(`/task/${taskId}/runs/0/completed`) ?? 0) >= 3);
});

test('a worker without work leaves after its idle time', async (t) => {
  const { worker } = await aWorker(t, { idleTimeoutSeconds: 0.2, queueOptions: { pollMs: 50 } });
  assert.equal(await worker.stopped, 'idle');
});

test('a cache is shared by tasks one after the other, and dropped when an exit code says so', async (t) => {
  const { queue } = await aWorker(t, { capacity: 2 });
  const mounts = [{ cacheName: 'c', directory: 'cache/dir' }];
  const scopes = ['generic-worker:cache:c'];
  const script =
    'n=$(cat cache/dir/n 2>/dev/null || echo 0); sleep 0.1; echo $((n + 1)) > cache/dir/n; echo n=$n; exit $CODE';
  const one = (CODE: string) =>
    queue.addTask(sh(script, { env: { CODE }, mounts, onExitStatus: { purgeCaches: [3] } }), { scopes });
  const seen: string[] = [];
  for (const codes of [['0', '0'], ['3'], ['0']]) {
    for (const taskId of codes.map(one))
      seen.push(/^n=(\d)/m.exec(queue.logOf(await queue.resolved(taskId)))?.[1] ?? '?');
  }
  assert.deepEqual(
    [seen.slice(0, 2).sort(), seen.slice(2)],
    [
      ['0', '1'],
      ['2', '0'],
    ],
  );
});

test('a cache without its scope makes the task malformed, and a role may grant it', async (t) => {
  const { queue } = await aWorker(t);
  const mount = (cacheName: string) => ({ mounts: [{ cacheName, directory: 'c' }] });
  const refused = await queue.resolved(queue.addTask(sh('true', mount('c'))));
  assert.equal(refused.reason, 'malformed-payload');
  assert.match(queue.logOf(refused), /generic-worker:cache:c\b/);
  const byRole = queue.addTask(sh('true', mount('by-role')), { scopes: ['assume:some-role'] });
  assert.equal((await queue.resolved(byRole)).state, 'completed');
});

test("another task's artifact can be mounted, as a file and unpacked", async (t) => {
  const { queue } = await aWorker(t);
  const first = queue.addTask(
    sh('mkdir d && echo in > d/file && tar -czf d.tgz d', {
      artifacts: [{ type: 'file', path: 'd.tgz', name: 'public/d.tgz' }],
    }),
  );
  assert.equal((await queue.resolved(first)).state, 'completed');
  const content = { taskId: first, artifact: 'public/d.tgz' };
  const second = queue.addTask(
    sh('cat un/packed/d/file && tar -tzf copy.tgz && cat note.txt', {
      mounts: [
        { directory: 'un/packed', content, format: 'tar.gz' },
        { file: 'copy.tgz', content },
        { file: 'note.txt', content: { raw: 'a note' } },
      ],
    }),
    { dependencies: [first] },
  );
  const run = await queue.resolved(second);
  assert.match(queue.logOf(run), /^in\nd\/\nd\/file\na note$/m);
  assert.equal(run.state, 'completed');
});

test('a mount of content that is not there fails the task', async (t) => {
  const { queue } = await aWorker(t);
  const first = queue.addTask(sh('true'));
  await queue.resolved(first);
  const mounts = [{ file: 'f', content: { taskId: first, artifact: 'public/none' } }];
  const run = await queue.resolved(queue.addTask(sh('true', { mounts }), { dependencies: [first] }));
  assert.equal(run.state, 'failed');
  assert.match(queue.logOf(run), /\[mounts\]/);
});
