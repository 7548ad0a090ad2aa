import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createRelay, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { eventually } from '@taskyard/patience';
import { type Clock, systemClock } from './clock.ts';
import { openDockerEngine } from './engines/docker/index.ts';
import { labelNames } from './engines/docker/left-behind.ts';
import { defaultContainerSettings, type Engine } from './engines/index.ts';
import { openTaskLog } from './logs/index.ts';
import { noPrivileges } from './payload/index.ts';
import { aWorker } from './testing/a-worker.ts';
import { type ContainerDaemon, noContainers, startContainerDaemon } from './testing/container-daemon.ts';
import { startFakeRegistry } from './testing/fake-registry.ts';
import type { FakeRun } from './testing/fake-tasks.ts';
import { tarOf } from './testing/hostile-archives.ts';
import { temporaryDirectory } from './testing/places.ts';
import { saveBusybox } from './testing/saved-image.ts';
import { silentLog } from './worker-log.ts';

/** Pauses between attempts are short. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 50), signal) };

/** An image that no other of these tests has. */
let images = 0;
const unique = () => ({ files: { 'etc/number': `${images++}\n` } });

describe('faults that others met', { skip: noContainers }, () => {
  let daemon: ContainerDaemon;
  before(async () => {
    daemon = await startContainerDaemon();
  });
  after(() => daemon.stop());

  const aContainerWorker = async (t: TestContext, host = daemon.host) => {
    const { queue, worker, workDir } = await aWorker(t, {
      engine: 'docker',
      capacity: 4,
      clock: hasty,
      killGraceSeconds: 1,
      // Servers of these tests are on this machine.
      allowPrivateUrls: true,
      containers: { ...defaultContainerSettings, host, network: 'none' },
    });
    const script = (text: string, image: unknown): Record<string, unknown> => ({
      image,
      command: ['/bin/sh', '-c', text],
      maxRunTime: 60,
    });
    /** An image that a task left as an artifact. */
    const madeBy = (bytes: Buffer): object => {
      const taskId = queue.addTask({});
      const facts = { storageType: 's3', contentType: 'application/x-tar', expires: '', bytes };
      queue.run(taskId).artifacts.set('public/image.tar', facts);
      return { type: 'task-image', taskId, path: 'public/image.tar' };
    };
    const run = (text: string, image: unknown): Promise<FakeRun> =>
      queue.resolved(queue.addTask(script(text, image)));
    return { queue, worker, workDir, run, madeBy };
  };

  /** Another address of the daemon, which can be closed. `refusalOf` answers for it where it returns something. */
  const aRelay = async (t: TestContext, refusalOf = (_asked: string): string | undefined => undefined) => {
    const sockets = new Set<Socket>();
    const relay = createRelay((socket) => {
      const other = connect(daemon.host.slice('unix://'.length));
      sockets.add(socket);
      socket.on('error', () => other.destroy()).on('close', () => other.destroy());
      other.on('error', () => socket.destroy()).pipe(socket);
      let isRefused = false;
      socket.on('data', (asked) => {
        // The rest of a long request.
        if (isRefused) return;
        const message = refusalOf(asked.toString('latin1'));
        if (message === undefined) return void other.write(asked);
        isRefused = true;
        const body = JSON.stringify({ message });
        const head = [
          'HTTP/1.1 409 Conflict',
          'Connection: close',
          'Content-Type: application/json',
          `Content-Length: ${body.length}`,
        ];
        socket.write([...head, '', body].join('\r\n'));
      });
    });
    const path = join(await temporaryDirectory(t), 'socket');
    const open = async (): Promise<void> => {
      relay.listen(path);
      await once(relay, 'listening');
    };
    const close = (): void => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    };
    await open();
    t.after(close);
    return { host: `unix://${path}`, open, close };
  };

  const containersOf = async (image: string): Promise<number> => {
    const all = await daemon.docker.listContainers({ all: true });
    return all.filter((one) => one.Image === image || one.ImageID === image).length;
  };

  test('error-inside-200: an image that is not there or not to be had fails its task, in the words of the daemon', async (t) => {
    const { queue, run } = await aContainerWorker(t);
    const registry = await startFakeRegistry();
    t.after(() => registry.close());
    const name = `${registry.address}/tool:none`;
    const missing = await run('true', name);
    assert.equal(missing.state, 'failed');
    assert.match(queue.logOf(missing), /\[taskcluster:error\] \[image\] .*(manifest|not found)/);
    registry.deny();
    const denied = await run('true', name);
    assert.equal(denied.state, 'failed');
    assert.match(queue.logOf(denied), /\[taskcluster:error\] \[image\] .*(denied|forbidden)/i);
    assert.equal(await containersOf(name), 0);
    // Neither was asked for again: no second attempt helps.
    assert.doesNotMatch(queue.logOf(missing) + queue.logOf(denied), /is tried again/);
  });

  test('error-inside-200: a pull that breaks off in a layer is tried again, and is then the fault of the worker', async (t) => {
    const { queue, run } = await aContainerWorker(t);
    const registry = await startFakeRegistry();
    t.after(() => registry.close());
    await registry.put('tool:1', unique());
    registry.breakOff();
    const name = `${registry.address}/tool:1`;
    const result = await run('true', name);
    assert.deepEqual([result.state, result.reason], ['exception', 'resource-unavailable']);
    const log = queue.logOf(result);
    assert.equal(log.match(/did not work, and is tried again: .*(EOF|size|short|digest)/gi)?.length, 4, log);
    assert.match(log, /\[taskcluster:error\] The worker could not go on: .*(EOF|size|short|digest)/i);
    assert.equal(await containersOf(name), 0);
  });

  test('error-inside-200: an archive that is cut, or is none of an image, fails its task with the reason', async (t) => {
    const { queue, run, madeBy } = await aContainerWorker(t);
    const whole = await saveBusybox('any:name', unique());
    for (const [bytes, reason] of [
      [whole.subarray(0, whole.length / 2), /\[image\] .*(unexpected end|EOF|archive)/i],
      [whole.subarray(0, 100_000), /\[image\] ./],
      [Buffer.from('not an archive at all'), /\[image\] ./],
      [Buffer.alloc(0), /\[image\] .*manifest/],
      [await tarOf({ name: 'some/file', content: 'x' }), /\[image\] .*manifest/],
      [gzipSync(whole).subarray(0, 50_000), /\[image\] .*unexpected end/],
    ] as const) {
      const result = await run('true', madeBy(bytes));
      assert.equal(result.state, 'failed');
      assert.match(queue.logOf(result), reason);
      assert.doesNotMatch(queue.logOf(result), /The command of the image|^\$ /m);
    }
  });

  test('error-inside-200: a disk of the daemon that is full is not the fault of the task that brings an image', async (t) => {
    let isFull = false;
    const message = 'write /bin/busybox: no space left on device';
    const relay = await aRelay(t, (asked) =>
      isFull && asked.startsWith('POST /images/load') ? message : undefined,
    );
    const { queue, run, madeBy } = await aContainerWorker(t, relay.host);
    const image = madeBy(await saveBusybox('any:name', unique()));
    isFull = true;
    const result = await run('true', image);
    assert.deepEqual(
      [result.state, result.reason],
      ['exception', 'resource-unavailable'],
      queue.logOf(result),
    );
    assert.match(queue.logOf(result), /could not go on: .*no space left on device/);
    isFull = false;
    assert.equal((await run('true', image)).state, 'completed');
  });

  test('error-inside-200: a daemon that has gone is the fault of the worker, not of the task that wants an image', async (t) => {
    const relay = await aRelay(t);
    const { queue, run, madeBy, worker, workDir } = await aContainerWorker(t, relay.host);
    assert.equal((await run('true', daemon.image)).state, 'completed');
    relay.close();
    for (const image of [daemon.image, madeBy(await saveBusybox('any:name', unique()))]) {
      const result = await run('true', image);
      assert.deepEqual([result.state, result.reason], ['exception', 'internal-error']);
      assert.match(queue.logOf(result), /could not go on: .*connect/);
    }
    await relay.open();
    assert.equal((await run('true', daemon.image)).state, 'completed');
    // What else the worker has is given back although the daemon is gone when it ends.
    relay.close();
    await worker.stop();
    await assert.rejects(worker.stopped, /connect/);
    assert.equal(existsSync(join(workDir, 'worker.lock')), false);
  });

  test('others-containers: a worker that cannot start holds no image', async (t) => {
    const directory = await temporaryDirectory(t);
    const signingKeyPath = join(directory, 'key');
    await writeFile(signingKeyPath, Buffer.alloc(32, 7).toString('base64'));
    const { worker, workDir } = await aWorker(t, {
      engine: 'docker',
      containers: { ...defaultContainerSettings, host: daemon.host, image: daemon.image },
      signingKeyPath,
      readOnlyPaths: [directory],
    });
    await assert.rejects(worker.started, /is where tasks could read it/);
    const filters = { label: [`${labelNames.runs}=${join(workDir, 'runs')}`] };
    assert.deepEqual(await daemon.docker.listContainers({ all: true, filters }), []);
    assert.equal(existsSync(join(workDir, 'worker.lock')), false);
  });

  test('a network that the daemon cannot give a container for a moment is asked for again, and is then the fault of the worker', async (t) => {
    let refusals = 2;
    const message = 'failed to create endpoint a on network b: Link not found';
    const relay = await aRelay(t, (asked) =>
      /^POST \/containers\/\w+\/attach/.test(asked) && refusals-- > 0 ? message : undefined,
    );
    const { queue, run } = await aContainerWorker(t, relay.host);
    const result = await run('echo done', daemon.image);
    assert.equal(result.state, 'completed', queue.logOf(result));
    assert.match(queue.logOf(result), /^done\r?$/m);
    refusals = 100;
    const failed = await run('echo done', daemon.image);
    assert.deepEqual([failed.state, failed.reason], ['exception', 'internal-error']);
    assert.match(queue.logOf(failed), /could not go on: .*Link not found/);
    await eventually('no container to be left', async () => (await containersOf(daemon.image)) === 0);
  });

  test('error-inside-200: an archive elsewhere that is refused fails its task; where its server is away or breaks off, that is the fault of the worker', async (t) => {
    const { queue, run } = await aContainerWorker(t);
    const whole = await saveBusybox('any:name', unique());
    let status = 200;
    const server = createServer((_request, response) => {
      response.writeHead(status, { 'content-length': status === 200 ? whole.length : 0 });
      if (status === 200) response.write(whole.subarray(0, whole.length / 2), () => response.destroy());
      else response.end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    t.after(() => server.close());
    const image = (): object => {
      const taskId = queue.addTask({});
      const url = `http://127.0.0.1:${port}/image.tar`;
      const facts = { storageType: 'reference', contentType: 'application/x-tar', expires: '', url };
      queue.run(taskId).artifacts.set('public/image.tar', facts);
      return { type: 'task-image', taskId, path: 'public/image.tar' };
    };
    for (const refused of [403, 404]) {
      status = refused;
      const result = await run('true', image());
      assert.equal(result.state, 'failed');
      assert.match(queue.logOf(result), new RegExp(`\\[image\\] .*HTTP status ${refused}`));
    }
    for (const [ailing, reason] of [
      [503, /could not go on: .*HTTP status 503/],
      [200, /could not go on: ./],
    ] as const) {
      status = ailing;
      const result = await run('true', image());
      assert.deepEqual([result.state, result.reason], ['exception', 'resource-unavailable']);
      assert.match(queue.logOf(result), reason);
    }
    server.closeAllConnections();
    server.close();
    const away = await run('true', image());
    assert.deepEqual([away.state, away.reason], ['exception', 'resource-unavailable']);
    assert.match(queue.logOf(away), /could not go on: .*ECONNREFUSED/);
  });

  test('same-name-other-image: each task runs its own content, in turns and at once, and no name of others moves', async (t) => {
    const { queue, run, madeBy } = await aContainerWorker(t);
    const theirs = await daemon.load('builder:latest', unique());
    const contents = {
      one: await saveBusybox('builder:latest', { files: { 'etc/which': 'one\n' } }),
      two: await saveBusybox('builder:latest', { files: { 'etc/which': 'two\n' } }),
      three: await saveBusybox(['builder:latest', 'builder:1', 'other/builder:2'], {
        files: { 'etc/which': 'three\n' },
      }),
      none: await saveBusybox([], { files: { 'etc/which': 'none\n' } }),
      listed: await saveBusybox(
        ['builder:latest', 'builder:1', 'other/builder:2'],
        { files: { 'etc/which': 'listed\n' } },
        { hasIndex: true },
      ),
    };
    const makers = Object.entries(contents).map(([which, bytes]) => [which, madeBy(bytes)] as const);
    const runEach = async ([which, image]: (typeof makers)[number]): Promise<void> => {
      const result = await run('cat /etc/which', image);
      assert.match(queue.logOf(result), new RegExp(`^${which}\r?$`, 'm'));
    };
    for (const maker of makers) await runEach(maker);
    await Promise.all(makers.map(runEach));
    const { Id: now } = await daemon.docker.getImage('builder:latest').inspect();
    assert.equal(now, theirs);
    await assert.rejects(daemon.docker.getImage('builder:1').inspect(), { statusCode: 404 });
  });

  /** An engine as another worker of this daemon has it. */
  const anEngine = async (t: TestContext) => {
    const root = await temporaryDirectory(t);
    const task = join(root, 'run', 'task');
    await mkdir(task, { recursive: true });
    const engine = await openDockerEngine({
      clock: systemClock,
      log: silentLog,
      settings: { ...defaultContainerSettings, host: daemon.host, network: 'none' },
      directory: root,
      imageRecord: join(root, 'images.json'),
      workerName: 'test/worker/group/one',
      directoryId: 'one',
    });
    const log = await openTaskLog(join(root, 'run', 'log'), systemClock);
    t.after(async () => {
      await engine.close();
      await log.close();
    });
    const provide = (name: string) => provideImage(engine, name);
    const run = async (image: string): Promise<number | undefined> => {
      const container = { image, volumes: [], privileges: noPrivileges };
      const command = { argv: ['true'], directory: task, privateDirectory: root, environment: {}, container };
      return (await (await engine.start(command, log.output)).wait()).exitCode;
    };
    const evict = () => engine.containers?.images.evict(1e12);
    return { engine, task, provide, run, evict };
  };

  test('others-containers: what one task or worker clears away is never what another is about to use', async (t) => {
    const registry = await startFakeRegistry();
    t.after(() => registry.close());
    await registry.put('tool:1', unique());
    const name = `${registry.address}/tool:1`;
    const [a, b] = [await anEngine(t), await anEngine(t)];
    const ofA = await a.provide(name);
    const ofB = await b.provide(name);
    // A's task ends and room is made, while B stands between "the image is there" and its container.
    ofA.release();
    assert.equal(await a.evict(), 0);
    assert.equal(await b.run(ofB.id), 0);
    // The same between two tasks of one worker.
    const [first, second] = [await a.provide(name), await a.provide(name)];
    first.release();
    ofB.release();
    await b.evict();
    assert.equal(await a.evict(), 0);
    assert.equal(await a.run(second.id), 0);
    await a.engine.sweep(a.task);
    await b.engine.sweep(b.task);
    second.release();
    assert.ok(((await a.evict()) ?? 0) > 0, 'in nobody’s way, it goes');
    await assert.rejects(daemon.docker.getImage(name).inspect(), { statusCode: 404 });
  });

  test('others-containers: idle containers, images and networks of somebody else stay', async (t) => {
    const { docker } = daemon;
    const registry = await startFakeRegistry();
    t.after(() => registry.close());
    await registry.put('tool:1', unique());
    await registry.put('tool:2', unique());
    const [used, named] = [`${registry.address}/tool:1`, `${registry.address}/tool:2`];
    const worker = await anEngine(t);
    const provided = [await worker.provide(used), await worker.provide(named)];
    const own = await daemon.load('somebody/own:1', unique());
    // Idle, of an image that the worker got; and a name that somebody gave to another of them.
    const idle = await docker.createContainer({ Image: used, Cmd: ['true'] });
    await docker.getImage(named).tag({ repo: 'somebody/else', tag: '1' });
    const network = await docker.createNetwork({ Name: `theirs-${process.pid}` });
    for (const one of provided) one.release();
    assert.equal(await worker.run(own), 0);
    await worker.engine.sweep(worker.task);
    assert.equal(await worker.evict(), 0);
    await worker.engine.close();
    await idle.inspect();
    await docker.getImage('somebody/own:1').inspect();
    assert.equal((await docker.getImage('somebody/else:1').inspect()).Id, provided[1]?.id);
    await docker.getNetwork(network.id).inspect();
    await docker.getNetwork(network.id).remove();
    await idle.remove();
    // It was only in use, and is the worker's to remove after all.
    assert.ok(((await worker.evict()) ?? 0) > 0);
  });
});

const provideImage = async (engine: Engine, name: string) => {
  const image = await engine.containers?.images.provide(
    { type: 'docker-image', name },
    {
      signal: new AbortController().signal,
      report: () => undefined,
      fetch: () => Promise.reject(new Error('not asked for')),
    },
  );
  assert.ok(image);
  return image;
};
