import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { defaultPath } from '../config.ts';
import { noContainers } from '../testing/container-daemon.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { noBubblewrap as skip } from '../testing/scene.ts';
import { chooseEngine } from './index.ts';
import { engineSuite } from './testing/engine-suite.ts';
import { aStage, containerOptions } from './testing/stage.ts';
import { terminalSuite } from './testing/terminal-suite.ts';

const options = { path: defaultPath(), readOnlyPaths: [], hiddenPaths: [], isolateNetwork: false };

engineSuite('process', { skip: false });
engineSuite('bubblewrap', { skip });
engineSuite('docker', { skip: noContainers });
terminalSuite('script-terminal', 'process', { skip: false });
terminalSuite('script-terminal', 'bubblewrap', { skip });
terminalSuite('exec-terminal', 'docker', { skip: noContainers });

test('bubblewrap: the system is read-only, and the rest of the machine is not there', { skip }, async (t) => {
  const stage = await aStage(t, 'bubblewrap');
  await writeFile(join(stage.root, 'credentials.env'), 'secret');
  const { text } = await stage.run(
    [
      'touch /usr/x 2>/dev/null || echo usr is read-only',
      'touch /etc/x 2>/dev/null; ls /etc/shadow /root /home /var/lib /work 2>/dev/null; echo listed',
      `ls -a ${stage.root} ${stage.root}/run | grep -v task`,
      'touch /tmp/mine; ls /tmp',
      'grep CapEff /proc/self/status',
      'ls -d /proc/[0-9]* | wc -l',
    ].join('\n'),
  );
  assert.match(text, /^usr is read-only\nlisted\n/);
  assert.doesNotMatch(text, /credentials/);
  assert.match(text, /\nmine\n/);
  assert.match(text, /CapEff:\t0{16}\n/);
  assert.ok(Number(text.trim().split('\n').at(-1)) < 8);
});

test('bubblewrap: a path that is shown hides what must be hidden in it', { skip }, async (t) => {
  const shown = await temporaryDirectory(t);
  await mkdir(join(shown, '.taskyard'));
  await writeFile(join(shown, '.taskyard', 'credentials.env'), 'secret');
  await writeFile(join(shown, 'file'), 'seen');
  const stage = await aStage(t, 'bubblewrap', {
    readOnlyPaths: [shown],
    hiddenPaths: [join(shown, '.taskyard')],
  });
  const { text } = await stage.run(
    `cat ${shown}/file; ls -A ${shown}/.taskyard; touch ${shown}/x || echo read-only`,
  );
  assert.match(text, /^seen/);
  assert.doesNotMatch(text, /credentials/);
  assert.match(text, /read-only\n$/);
});

test('bubblewrap: what is hidden below the directories of the system is hidden, by each of its names', {
  skip,
}, async (t) => {
  const hiddenPaths = ['/usr/share/doc', '/bin/sh.no-such', '/etc/hosts', '/lib/os-release'];
  const stage = await aStage(t, 'bubblewrap', { hiddenPaths });
  const { text } = await stage.run(
    'ls -A /usr/share/doc; cat /etc/hosts /usr/lib/os-release 2>/dev/null; echo over',
  );
  assert.equal(text, 'over\n');
});

test('bubblewrap: a task whose directory lies in what is hidden sees that directory only', {
  skip,
}, async (t) => {
  const data = await temporaryDirectory(t);
  await writeFile(join(data, 'credentials.env'), 'secret');
  const stage = await aStage(t, 'bubblewrap', {
    root: data,
    readOnlyPaths: [join(data, '..')],
    hiddenPaths: [data],
  });
  const { text } = await stage.run(`touch mine; ls; ls -A ${data}`);
  assert.equal(text, 'mine\nrun\n');
});

test('bubblewrap: an isolated network has no way out', { skip }, async (t) => {
  const interfaces = 'tail -n +3 /proc/net/dev | cut -d: -f1';
  const isolated = await (await aStage(t, 'bubblewrap', { isolateNetwork: true })).run(interfaces);
  assert.deepEqual(isolated.text.trim().split(/\s+/), ['lo']);
  const shared = await (await aStage(t, 'bubblewrap')).run('readlink /proc/self/ns/net');
  assert.equal(shared.text.trim(), await readlink('/proc/self/ns/net'));
});

test('bubblewrap: the environment of a command does not act on the sandbox itself', { skip }, async (t) => {
  const stage = await aStage(t, 'bubblewrap');
  const { exit, text } = await stage.run('echo inside', { LD_PRELOAD: '/no/such/library.so' });
  assert.deepEqual(exit, { exitCode: 0 });
  assert.match(text, /inside/);
});

test('bubblewrap: Node runs in the sandbox', { skip }, async (t) => {
  const { exit, text } = await (await aStage(t, 'bubblewrap')).run('node -p 1+1');
  assert.deepEqual([exit, text], [{ exitCode: 0 }, '2\n']);
});

const hasGroups = existsSync('/sys/fs/cgroup/memory/cgroup.procs') && process.getuid?.() === 0;
const skipLimits = skip || (hasGroups ? false : 'this machine has no control groups of version 1 for us');

test('bubblewrap: a command that takes too much memory is ended, and its log says why', {
  skip: skipLimits,
}, async (t) => {
  const stage = await aStage(t, 'bubblewrap', { settings: { memoryMiB: 64 } });
  const { exit, text } = await stage.run('head -c 200000000 /dev/zero | tail | wc -c; echo "after"');
  assert.notEqual(exit.exitCode, undefined);
  assert.match(text, /had more memory than it may have/);
  const { text: more } = await stage.run('echo fits');
  assert.match(more, /fits\n$/);
});

test('bubblewrap: a command has no more processes than it may have', { skip: skipLimits }, async (t) => {
  const stage = await aStage(t, 'bubblewrap', { settings: { pidsMax: 16 } });
  const { exit, text } = await stage.run('for i in $(seq 40); do sleep 100 & done; echo all; exit 0');
  assert.match(text, /fork/i);
  assert.doesNotMatch(text, /^all$/m);
  assert.notEqual(exit.exitCode, 0);
});

test('bubblewrap: a command that cannot be started leaves no control group', {
  skip: skipLimits,
}, async (t) => {
  const stage = await aStage(t, 'bubblewrap', { settings: { memoryMiB: 64 } });
  const own = await readFile('/proc/self/cgroup', 'utf8');
  const [, path = ''] = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(own) ?? [];
  const name = createHash('sha256').update(stage.root).digest('hex').slice(0, 16);
  const left = async () =>
    (await readdir(join('/sys/fs/cgroup/memory', path))).filter((entry) => entry.includes(name));
  const running = await stage.start(['/bin/sh', '-c', 'sleep 100']);
  assert.equal((await left()).length, 1);
  running.kill();
  await running.wait();
  // Its output has no place any more.
  await rm(stage.root, { recursive: true });
  await assert.rejects(stage.start(['true']));
  assert.deepEqual(await left(), []);
});

test('the process engine cannot limit what tasks use, and says so', async (t) => {
  for (const settings of [{ memoryMiB: 64 }, { cpus: 1 }, { pidsMax: 16 }]) {
    const [name = ''] = Object.keys(settings);
    await assert.rejects(aStage(t, 'process', { settings }), new RegExp(`cannot limit .*\\(${name}\\)`));
    await assert.rejects(aStage(t, 'auto', { settings, path: '/nowhere' }), /cannot limit/);
  }
});

test('the process engine cannot isolate the network, and says so', async (t) => {
  await assert.rejects(aStage(t, 'process', { isolateNetwork: true }), /isolate the network/);
});

test('bubblewrap is refused where it is not installed, and auto falls back', async (t) => {
  await assert.rejects(aStage(t, 'bubblewrap', { path: '/nowhere' }), /does not work here/);
  const directory = await temporaryDirectory(t);
  const engine = await chooseEngine({
    ...options,
    clock: systemClock,
    choice: 'auto',
    path: '/nowhere',
    directory,
    pipesDirectory: directory,
    containers: containerOptions(directory),
  });
  t.after(() => engine.close());
  assert.equal(engine.name, 'process');
});
