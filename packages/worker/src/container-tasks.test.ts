import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { aWorker, sh } from './testing/a-worker.ts';
import { type ContainerDaemon, noContainers, startContainerDaemon } from './testing/container-daemon.ts';
import type { FakeRun } from './testing/fake-tasks.ts';
import { saveBusybox } from './testing/saved-image.ts';
import type { WorkerOptions } from './worker-options.ts';

const textOf = (run: FakeRun, name: string): string | undefined => {
  const { bytes, headers } = run.artifacts.get(name) ?? {};
  return bytes && (headers?.['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes).toString();
};

describe('tasks of docker-worker', { skip: noContainers }, () => {
  let daemon: ContainerDaemon;
  before(async () => {
    daemon = await startContainerDaemon();
  });
  after(() => daemon.stop());

  const aContainerWorker = async (t: TestContext, more: Partial<WorkerOptions['containers']> = {}) => {
    const { queue } = await aWorker(t, {
      engine: 'docker',
      killGraceSeconds: 1,
      containers: { host: daemon.host, image: daemon.image, network: 'none', ...more },
    });
    const script = (text: string, payload: object = {}): Record<string, unknown> => ({
      image: daemon.image,
      command: ['/bin/sh', '-c', text],
      maxRunTime: 60,
      ...payload,
    });
    const run = (payload: Record<string, unknown>, definition: object = {}): Promise<FakeRun> =>
      queue.resolved(queue.addTask(payload, { ...definition }));
    return { queue, script, run };
  };

  test('run in their image, and leave artifacts of all three types', async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const text = `echo "hello $NAME, run $RUN_ID of $TASK_ID in $PWD, \${TASK_WORKDIR:-nowhere}"
      mkdir -p /made/deep; echo one > /made/one.txt; echo two > /made/deep/two.txt; echo three > /volume/three.txt`;
    const payload = script(text, {
      env: { NAME: 'you' },
      artifacts: {
        'public/one.txt': { type: 'file', path: '/made/one.txt' },
        'public/made': { type: 'directory', path: '/made' },
        'public/volume': { type: 'volume', path: '/volume' },
        'public/none': { type: 'file', path: '/none' },
        'public/no-directory': { type: 'directory', path: '/made/one.txt' },
      },
      log: 'public/log.txt',
    });
    const taskId = queue.addTask(payload);
    const result = await queue.resolved(taskId);
    const log = textOf(result, 'public/log_backing.txt') ?? '';
    assert.match(log, new RegExp(`^hello you, run 0 of ${taskId} in /, nowhere\\r?$`, 'm'));
    assert.equal(textOf(result, 'public/one.txt'), 'one\n');
    assert.equal(textOf(result, 'public/made/deep/two.txt'), 'two\n');
    assert.equal(textOf(result, 'public/volume/three.txt'), 'three\n');
    assert.equal(result.artifacts.get('public/log.txt')?.artifact, 'public/log_backing.txt');
    assert.equal(result.artifacts.has('public/none'), false);
    assert.equal((await run(script('true'))).state, 'completed');
  });

  test('run beside tasks without an image, which an engine of their own takes', async (t) => {
    const { queue } = await aWorker(t, {
      engine: 'docker',
      plainEngine: 'process',
      killGraceSeconds: 1,
      capacity: 2,
      containers: { host: daemon.host, network: 'none' },
    });
    const where = `echo "at $PWD as \${TASK_WORKDIR:-nobody}"`;
    const contained = queue.addTask({
      image: daemon.image,
      command: ['/bin/sh', '-c', where],
      maxRunTime: 60,
    });
    const plain = queue.addTask({ command: [['/bin/sh', '-c', where]], maxRunTime: 60 });
    const results = await Promise.all([contained, plain].map((taskId) => queue.resolved(taskId)));
    assert.deepEqual(
      results.map(({ state }) => state),
      ['completed', 'completed'],
    );
    const [inside, outside] = results.map((result) => queue.logOf(result));
    assert.match(inside ?? '', /^at \/ as nobody\r?$/m);
    assert.match(outside ?? '', /engine process[\s\S]*^at (\/\S+) as \1$/m);
  });

  test('share caches, which an exit code or a purge drops', async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const use = async (code = 0): Promise<string | undefined> => {
      const text = `n=$(cat /builds/cache/n || echo 0); echo n=$n; echo $((n + 1)) > /builds/cache/n; exit ${code}`;
      const more = { cache: { c: '/builds/cache' }, onExitStatus: { purgeCaches: [7] } };
      const result = await run(script(text, more), { scopes: ['docker-worker:cache:*'] });
      assert.equal(result.state, code === 0 ? 'completed' : 'failed');
      assert.match(queue.logOf(result), /Cache c \(.*\) is at \/builds\/cache$/m);
      return /^n=(\d)/m.exec(queue.logOf(result))?.[1];
    };
    assert.deepEqual([await use(), await use(7), await use(), await use()], ['0', '1', '0', '1']);
    queue.purgeRequests.push({ cacheName: 'c', before: new Date().toJSON() });
    assert.deepEqual([await use(), await use()], ['0', '1']);
  });

  test("are malformed without the scopes for what their payload wants, which may be this pool's", async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const payload = script('true', {
      cache: { c: '/c' },
      capabilities: { devices: { hostSharedMemory: true } },
    });
    const refused = await run(payload);
    assert.equal(refused.reason, 'malformed-payload');
    assert.match(queue.logOf(refused), /docker-worker:cache:c for its cache c/);
    assert.match(queue.logOf(refused), /capability:device:hostSharedMemory or .*:test\/worker/);
    const scopes = ['docker-worker:cache:c', 'docker-worker:capability:device:hostSharedMemory:test/worker'];
    const granted = await run(payload, { scopes });
    assert.equal(granted.state, 'completed', queue.logOf(granted));
  });

  test('run in an image that another task made, by its id or its place in the index', async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const bytes = await saveBusybox('made-by/a-task:1', { files: { 'etc/made': 'by a task\n' } });
    const maker = queue.addTask(script('true'));
    const facts = { storageType: 's3', contentType: 'application/x-tar', expires: '', bytes };
    (await queue.resolved(maker)).artifacts.set('public/image.tar', facts);
    queue.indexed.set('images.latest', maker);
    for (const image of [
      { type: 'task-image', taskId: maker, path: 'public/image.tar' },
      { type: 'indexed-image', namespace: 'images.latest', path: 'public/image.tar' },
    ]) {
      const result = await run({ ...script('cat /etc/made'), image });
      assert.match(queue.logOf(result), /^by a task/m);
      assert.equal(result.state, 'completed');
    }
  });

  test('fail when their image cannot be had, and say why', async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const image = { type: 'task-image', taskId: queue.addTask({}), path: 'public/none' };
    const result = await run({ ...script('true'), image });
    assert.equal(result.state, 'failed');
    assert.match(queue.logOf(result), /\[taskcluster:error\] \[image\] ./);
  });

  test('reach their proxy, by a secret address where the network is that of the machine', async (t) => {
    const { queue, script, run } = await aContainerWorker(t, { network: 'host' });
    const text = 'wget -q -O - "$TASKCLUSTER_PROXY_URL/api/queue/v1/task/$TASK_ID/status"';
    const result = await run(script(text, { features: { taskclusterProxy: true } }));
    assert.match(queue.logOf(result), /"state":"running"/);
  });

  test('reach their proxy by its name in a network of their own', async (t) => {
    const { queue, script, run } = await aContainerWorker(t, { network: 'task' });
    const text = `echo "$TASKCLUSTER_PROXY_URL"
      wget -q -O - "$TASKCLUSTER_PROXY_URL/queue/v1/task/$TASK_ID/status"`;
    const result = await run(script(text, { features: { taskclusterProxy: true } }));
    assert.match(queue.logOf(result), /^http:\/\/taskcluster(:\d+)?\r?$/m);
    assert.match(queue.logOf(result), /"state":"running"/);
  });

  test('are watched while they run', async (t) => {
    const { queue, script, run } = await aContainerWorker(t);
    const result = await run(script('sleep 0.5'));
    assert.match(queue.logOf(result), /\[resources\] Memory at most [1-9]\d*\.\d MiB/);
  });

  test('of the other format run in the image of the worker', async (t) => {
    const { queue, run } = await aContainerWorker(t);
    const artifacts = [{ type: 'file', path: 'out', name: 'public/out' }];
    const result = await run({ ...sh('ls /bin/busybox; echo x > out', { artifacts }) });
    assert.equal(result.state, 'completed', queue.logOf(result));
    assert.equal(textOf(result, 'public/out'), 'x\n');
  });
});
