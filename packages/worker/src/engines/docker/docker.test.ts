import assert from 'node:assert/strict';
import { mkdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { systemClock } from '../../clock.ts';
import { openTaskLog } from '../../logs/index.ts';
import { noPrivileges, type Privileges, type Volume } from '../../payload/index.ts';
import { noContainers, startContainerDaemon } from '../../testing/container-daemon.ts';
import { temporaryDirectory } from '../../testing/places.ts';
import { silentLog } from '../../worker-log.ts';
import type { CommandExit, Containers, Engine, RunningCommand } from '../engine.ts';
import { openDockerEngine } from './index.ts';
import { labelNames } from './left-behind.ts';
import { type ContainerSettings, defaultContainerSettings } from './settings.ts';

const skip = noContainers;
const daemon = skip === false ? await startContainerDaemon() : undefined;
after(() => daemon?.stop());

interface StartOptions {
  readonly image?: string;
  readonly volumes?: readonly Volume[];
  readonly privileges?: Partial<Privileges>;
}

interface Scene {
  readonly engine: Engine & { readonly containers: Containers };
  readonly root: string;
  readonly task: string;
  start(argv: readonly string[], options?: StartOptions): Promise<RunningCommand>;
  /** A script in the task's own image. */
  run(script: string, options?: StartOptions): Promise<{ exit: CommandExit; text: string }>;
  text(): Promise<string>;
}

const aScene = async (
  t: TestContext,
  {
    root: given,
    workerName = 'test/worker/group/one',
    directoryId = 'one',
    ...settings
  }: Partial<ContainerSettings> & { root?: string; workerName?: string; directoryId?: string } = {},
): Promise<Scene> => {
  assert.ok(daemon);
  const root = given ?? (await temporaryDirectory(t));
  const task = join(root, 'run', 'task');
  await mkdir(task, { recursive: true });
  const engine = (await openDockerEngine({
    clock: systemClock,
    log: silentLog,
    settings: { ...defaultContainerSettings, host: daemon.host, image: daemon.image, ...settings },
    directory: root,
    imageRecord: join(root, 'images.json'),
    workerName,
    directoryId,
  })) as Scene['engine'];
  const log = await openTaskLog(join(root, 'run', 'log'), systemClock);
  t.after(async () => {
    await engine.close();
    await log.close();
  });
  const { Id: busybox } = await daemon.docker.getImage(daemon.image).inspect();
  const start: Scene['start'] = (argv, { image = busybox, volumes = [], privileges = {} } = {}) =>
    engine.start(
      {
        argv,
        directory: task,
        privateDirectory: join(root, 'run'),
        environment: {},
        container: { image, volumes, privileges: { ...noPrivileges, ...privileges } },
      },
      log.output,
    );
  const text = async (): Promise<string> => {
    await new Promise<unknown>((resolve) => log.output.write('', resolve));
    return (await readFile(log.path, 'utf8')).replaceAll('\r\n', '\n');
  };
  const run: Scene['run'] = async (script, options) => {
    const exit = await (await start(['/bin/sh', '-c', script], options)).wait();
    return { exit, text: await text() };
  };
  return { engine, root, task, start, run, text };
};

/** The daemon's objects of a worker's tasks: not what keeps the image in place that tasks without one get. */
const leftOf = async (root: string): Promise<{ containers: number; networks: number }> => {
  const filters = { label: [`${labelNames.runs}=${root}`] };
  const containers = await daemon?.docker.listContainers({ all: true, filters });
  const networks = await daemon?.docker.listNetworks({ filters });
  const ofTasks = containers?.filter(({ Labels }) => !('taskyard.holds' in Labels));
  return { containers: ofTasks?.length ?? -1, networks: networks?.length ?? -1 };
};

test("a task's own image is run with a terminal, and sees its volumes but not the task's directory", {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  await mkdir(join(scene.task, 'volumes/0'), { recursive: true });
  await writeFile(join(scene.task, 'volumes/0/here'), 'from before\n');
  const script = `tail /c/here; echo later > /c/left; test -t 1 && echo terminal; ls ${scene.root} || echo unseen`;
  const { exit, text } = await scene.run(script, { volumes: [{ directory: 'volumes/0', path: '/c' }] });
  assert.deepEqual(exit, { exitCode: 0 });
  assert.match(text, /^from before\nterminal\nls: .*\nunseen\n$/);
  assert.equal(await readFile(join(scene.task, 'volumes/0/left'), 'utf8'), 'later\n');
});

test("an exit code is the container's, and an empty command is the image's own", { skip }, async (t) => {
  const scene = await aScene(t);
  assert.deepEqual((await scene.run('exit 7')).exit, { exitCode: 7 });
  const config = { Cmd: ['/bin/sh', '-c', 'echo by the image; exit 8'] };
  const image = await daemon?.load('127.0.0.1:1/own:test', { config });
  assert.deepEqual(await (await scene.start([], { image: image ?? '' })).wait(), { exitCode: 8 });
  assert.match(await scene.text(), /by the image/);
});

test("an image's own user writes to its volumes", { skip }, async (t) => {
  const scene = await aScene(t);
  await mkdir(join(scene.task, 'volumes/0'), { recursive: true, mode: 0o755 });
  const image = await daemon?.load('127.0.0.1:1/user:test', { config: { User: '1234:1234' } });
  const { exit, text } = await scene.run('id -u; echo x > /c/f && ls -d /c/f', {
    image: image ?? '',
    volumes: [{ directory: 'volumes/0', path: '/c' }],
  });
  assert.deepEqual(exit, { exitCode: 0 });
  assert.equal(text, '1234\n/c/f\n');
});

test('a program that the image does not have is an exit code, and leaves no container', {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  const exit = await (await scene.start(['no-such-program'])).wait();
  assert.deepEqual(exit, { exitCode: 127 });
  assert.match(await scene.text(), /could not be started: .*no-such-program/);
  // Errors of the network have this word.
  assert.deepEqual(await (await scene.start(['netavark'])).wait(), { exitCode: 127 });
  assert.equal((await leftOf(scene.root)).containers, 0);
});

test('files, directories and what links lead to are copied out; what is not there is not', {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  await scene.run(
    'mkdir -p /out/sub; echo 1 > /out/one; echo 2 > /out/sub/two; ln -s /out/one /link; ln -s /nowhere /lost',
  );
  const copy = (path: string, into: string) =>
    scene.engine.containers.copyOut(scene.task, { path, to: join(scene.task, into) });
  assert.equal(await copy('/out/one', 'copies/file'), true);
  assert.equal(await copy('/out/', 'copies/directory'), true);
  assert.equal(await copy('/link', 'copies/link'), true);
  assert.equal(await copy('/none', 'copies/none'), false);
  assert.equal(await copy('/lost', 'copies/lost'), false);
  const content = (path: string) => readFile(join(scene.task, 'copies', path), 'utf8');
  assert.deepEqual(
    [await content('file'), await content('directory/sub/two'), await content('link')],
    ['1\n', '2\n', '1\n'],
  );
  await scene.engine.sweep(scene.task);
  assert.equal(await copy('/out/one', 'copies/again'), false);
});

test('a container that takes too much memory is ended, and its log says why', { skip }, async (t) => {
  const scene = await aScene(t, { memoryMiB: 32 });
  const { exit, text } = await scene.run('tail -c 200000000 /dev/zero');
  assert.deepEqual(exit, { exitCode: 137 });
  // Podman ends it as well, but does not say why.
  if (daemon?.kind === 'dockerd') assert.match(text, /more memory than it may have/);
});

test('a container has no more processes than it may have', { skip }, async (t) => {
  const scene = await aScene(t, { pidsMax: 8 });
  const { exit, text } = await scene.run('for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; echo all');
  assert.notDeepEqual(exit, { exitCode: 0 });
  assert.match(text, /can't fork/);
});

const interfaces = 'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " " | sort';

test('each task has a network of its own, on which it reaches the worker as `taskcluster`', {
  skip: skip || (daemon?.kind === 'podman' && 'Podman gives a network its address with its first container'),
}, async (t) => {
  const scene = await aScene(t);
  const address = await scene.engine.containers.addressForTask(scene.task);
  const server = createServer((_, response) => response.end('a proxy')).listen(0, address);
  t.after(() => server.close());
  await eventually('the server to listen', () => server.listening);
  const { port } = server.address() as AddressInfo;
  const { text } = await scene.run(`wget -qO- http://taskcluster:${port}/; echo; ${interfaces}`);
  assert.match(text, /^a proxy\neth0\nlo\n$/);
  const other = await scene.engine.containers.addressForTask(join(scene.root, 'other', 'task'));
  assert.notEqual(other, address);
  assert.equal((await leftOf(scene.root)).networks, 2);
});

test("without a network there is none, and the machine's is the machine's", { skip }, async (t) => {
  const none = await aScene(t, { network: 'none' });
  assert.equal((await none.run(interfaces)).text.trim(), 'lo');
  assert.equal(await none.engine.containers.addressForTask(none.task), undefined);
  const host = await aScene(t, { network: 'host' });
  const seen = await host.run('readlink /proc/self/ns/net');
  assert.equal(seen.text.trim(), await readlink('/proc/self/ns/net'));
  assert.equal((await leftOf(host.root)).networks, 0);
});

test('what a container uses is told while it runs', { skip }, async (t) => {
  const scene = await aScene(t);
  const running = await scene.start(['/bin/sh', '-c', 'echo up; while :; do :; done']);
  const usage = await eventually(
    'the container to have used some processor time',
    () => running.usage?.(),
    (now) => (now?.cpuSeconds ?? 0) > 0.05,
  );
  assert.ok(usage.memoryBytes > 100_000);
  running.kill();
  await running.wait();
  assert.equal(running.usage?.(), undefined);
});

const ptrace = 1n << 19n;
const administration = 1n << 21n;
const resources = 1n << 24n;
const capabilitiesIn = (line: string | undefined): bigint => BigInt(`0x${line?.trim() || '0'}`);

test('privileges are given to the task that has them, and to no other', { skip }, async (t) => {
  const scene = await aScene(t);
  const script = 'grep -E "CapEff|Seccomp:" /proc/self/status | cut -f2; echo -';
  await scene.run(script);
  const { text } = await scene.run(script, { privileges: { mayTrace: true, mayCallAll: true } });
  const [plain = [], more = []] = text.split('-\n').map((part) => part.trim().split('\n'));
  assert.deepEqual([capabilitiesIn(plain[0]) & ptrace, capabilitiesIn(more[0]) & ptrace], [0n, ptrace]);
  assert.deepEqual([plain[1], more[1]], ['2', '0']);
});

// A daemon refuses a container with more than it has.
const ownStatus = await readFile('/proc/self/status', 'utf8').catch(() => '');
const hasAllRights = (capabilitiesIn(/CapBnd:\s*(\w+)/.exec(ownStatus)?.[1]) & resources) !== 0n;

test("a privileged container has all rights of the machine, or is refused where they are not the daemon's", {
  skip,
}, async (t) => {
  const scene = await aScene(t);
  const { exit, text } = await scene.run('grep CapEff /proc/self/status | cut -f2', {
    privileges: { isPrivileged: true },
  });
  if (exit.exitCode === 0) assert.equal(capabilitiesIn(text) & administration, administration);
  else {
    assert.match(text, /^The command could not be started: .*not permitted/);
    assert.equal(hasAllRights, false);
  }
});

test('a task without an image of its own cannot get more rights than it began with', { skip }, async (t) => {
  const scene = await aScene(t);
  const log = await openTaskLog(join(scene.root, 'run', 'plain'), systemClock);
  t.after(() => log.close());
  const argv = ['grep', 'NoNewPrivs', '/proc/self/status'];
  const places = { directory: scene.task, privateDirectory: join(scene.root, 'run') };
  await (await scene.engine.start({ argv, ...places, environment: {} }, log.output)).wait();
  await new Promise<unknown>((resolve) => log.output.write('', resolve));
  assert.match(await readFile(log.path, 'utf8'), /1\n$/);
});

test('a worker without an image for such tasks says so in the log', { skip }, async (t) => {
  const scene = await aScene(t, { image: undefined });
  const log = await openTaskLog(join(scene.root, 'run', 'plain'), systemClock);
  t.after(() => log.close());
  const places = { directory: scene.task, privateDirectory: join(scene.root, 'run') };
  const running = await scene.engine.start({ argv: ['true'], ...places, environment: {} }, log.output);
  assert.deepEqual(await running.wait(), { exitCode: 125 });
  await new Promise<unknown>((resolve) => log.output.write('', resolve));
  assert.match(await readFile(log.path, 'utf8'), /containerImage/);
});

test('SIGTERM lets a container of its own say goodbye; SIGKILL does not wait', { skip }, async (t) => {
  const scene = await aScene(t);
  const script = 'trap "echo bye; exit 3" TERM; echo up; while :; do sleep 0.05; done';
  const polite = await scene.start(['/bin/sh', '-c', script]);
  await eventually('the command to be up', async () => (await scene.text()).includes('up'));
  polite.terminate();
  assert.deepEqual(await polite.wait(), { exitCode: 3 });
  assert.match(await scene.text(), /bye/);
  const stubborn = await scene.start([
    '/bin/sh',
    '-c',
    'trap "" TERM; echo stubborn; while :; do sleep 0.05; done',
  ]);
  await eventually('the stubborn command to be up', async () => (await scene.text()).includes('stubborn'));
  stubborn.terminate();
  stubborn.kill();
  assert.deepEqual(await stubborn.wait(), { exitCode: 137 });
});

test('a sweep leaves no container and no network of a task, whether it runs or not', { skip }, async (t) => {
  const scene = await aScene(t);
  await scene.run('true');
  const running = await scene.start(['sleep', '1000']);
  assert.deepEqual(await leftOf(scene.root), { containers: 2, networks: 1 });
  await scene.engine.sweep(scene.task);
  await running.wait().catch(() => undefined);
  assert.deepEqual(await leftOf(scene.root), { containers: 0, networks: 0 });
});

test('a worker removes the leftovers of an earlier one in the same directory, and nothing else', {
  skip,
}, async (t) => {
  const dead = await aScene(t);
  const neighbour = await aScene(t);
  await dead.start(['sleep', '1000']);
  await neighbour.start(['sleep', '1000']);
  // As a worker that was started again has another name where a pool gives it one.
  const next = await aScene(t, { root: dead.root, workerName: 'test/worker/group/next' });
  assert.deepEqual(await leftOf(dead.root), { containers: 0, networks: 0 });
  assert.deepEqual(await leftOf(neighbour.root), { containers: 1, networks: 1 });
  assert.deepEqual((await next.run('exit 4')).exit, { exitCode: 4 });
});

test('others-containers: workers of two machines with the same directory remove nothing of each other', {
  skip,
}, async (t) => {
  const one = await aScene(t, { network: 'none' });
  const running = await one.start(['sleep', '1000']);
  const two = await aScene(t, { root: one.root, directoryId: 'two', network: 'none' });
  await two.engine.sweep(two.task);
  await two.engine.close();
  assert.deepEqual(await leftOf(one.root), { containers: 1, networks: 0 });
  running.kill();
  await running.wait();
});

test('a daemon that is not there, or has no address, is a reason not to start', async (t) => {
  const root = await temporaryDirectory(t);
  const open = (host: string) =>
    openDockerEngine({
      clock: systemClock,
      log: silentLog,
      settings: { ...defaultContainerSettings, host },
      directory: root,
      imageRecord: join(root, 'images.json'),
      workerName: 'test',
      directoryId: 'one',
    });
  await assert.rejects(open(`unix://${root}/nobody`), /docker engine does not work here: .*does not answer/);
  await assert.rejects(open('ssh://somewhere'), /is not an address of Docker/);
});
