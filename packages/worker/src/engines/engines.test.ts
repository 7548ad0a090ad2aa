import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { eventually } from '@taskyard/patience';
import { systemClock } from '../clock.ts';
import { defaultPath, nodeDirectories } from '../config.ts';
import { openTaskLog } from '../logs/index.ts';
import { noContainers, startContainerDaemon } from '../testing/container-daemon.ts';
import { temporaryDirectory } from '../testing/places.ts';
import { silentLog } from '../worker-log.ts';
import { findSandbox } from './bubblewrap.ts';
import {
  type CommandExit,
  type ContainerOptions,
  type ContainerSettings,
  chooseEngine,
  defaultContainerSettings,
  type Engine,
  type EngineOptions,
  type RunningCommand,
} from './index.ts';

type Choice = 'process' | 'bubblewrap' | 'docker';

interface Stage {
  readonly engine: Engine;
  readonly root: string;
  readonly task: string;
  start(argv: readonly string[], environment?: Record<string, string>): Promise<RunningCommand>;
  run(script: string, environment?: Record<string, string>): Promise<{ exit: CommandExit; text: string }>;
  text(): Promise<string>;
}

/** Waits until no process has this word in its command line. */
const untilGone = (word: string) =>
  eventually(
    `the end of all processes of ${word}`,
    () => processesWith(word),
    (found) => found.length === 0,
  );

const daemon = noContainers === false ? await startContainerDaemon() : undefined;
after(() => daemon?.stop());

interface StageOptions extends Partial<EngineOptions> {
  readonly root?: string;
  readonly settings?: Partial<ContainerSettings>;
}

const aStage = async (
  t: TestContext,
  choice: Choice,
  { root: given, settings = {}, ...more }: StageOptions = {},
): Promise<Stage> => {
  const root = given ?? (await temporaryDirectory(t));
  const task = join(root, 'run', 'task');
  await mkdir(task, { recursive: true });
  const engine = await chooseEngine({
    clock: systemClock,
    choice,
    path: defaultPath(),
    readOnlyPaths: nodeDirectories(),
    hiddenPaths: [],
    isolateNetwork: false,
    directory: root,
    containers: containerOptions(root, settings),
    ...more,
  });
  const log = await openTaskLog(join(root, 'run', 'log'), systemClock);
  t.after(async () => {
    await engine.close();
    await log.close();
  });
  const start: Stage['start'] = (argv, environment = {}) =>
    engine.start(
      {
        argv,
        directory: task,
        privateDirectory: join(root, 'run'),
        environment: { PATH: defaultPath(), TASK_WORKDIR: task, ...environment },
      },
      log.output,
    );
  const text = async (): Promise<string> => {
    await new Promise<unknown>((resolve) => log.output.write('', resolve));
    return readFile(log.path, 'utf8');
  };
  const run: Stage['run'] = async (script, environment) => {
    const exit = await (await start(['/bin/sh', '-c', script], environment)).wait();
    return { exit, text: await text() };
  };
  return { engine, root, task, start, run, text };
};

const containerOptions = (root: string, settings: Partial<ContainerSettings> = {}): ContainerOptions => ({
  log: silentLog,
  settings: {
    ...defaultContainerSettings,
    host: daemon?.host ?? defaultContainerSettings.host,
    image: daemon?.image,
    ...settings,
  },
  imageRecord: join(root, 'images.json'),
  workerName: 'test/worker/group/one',
});

const options = { path: defaultPath(), readOnlyPaths: [], hiddenPaths: [], isolateNetwork: false };
const hasBubblewrap = (await findSandbox(options, '/tmp')) !== undefined;
const skip = hasBubblewrap ? false : 'bubblewrap does not work on this machine';

/** The processes of this machine whose command line holds a word, by their numbers. */
const processesWith = async (word: string): Promise<number[]> => {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const line = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '') : '';
    if (line.includes(word)) found.push(Number(entry));
  }
  return found;
};

const skips = { process: false, bubblewrap: skip, docker: noContainers } as const;

for (const choice of ['process', 'bubblewrap', 'docker'] as const) {
  const onlyHere = { skip: skips[choice] };

  test(`${choice}: standard output and error arrive in the order they were printed`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const { exit, text } = await stage.run('for i in 1 2 3; do echo o$i; echo e$i >&2; done; exit 5');
    assert.deepEqual(exit, { exitCode: 5 });
    assert.equal(text, 'o1\ne1\no2\ne2\no3\ne3\n');
  });

  test(`${choice}: output can be opened again by its name in /dev`, onlyHere, async (t) => {
    const { text } = await (await aStage(t, choice)).run(
      'echo a > /dev/stdout; echo b > /dev/stderr; echo c',
    );
    assert.equal(text, 'a\nb\nc\n');
  });

  test(`${choice}: a command has the environment that it is given and no other`, onlyHere, async (t) => {
    process.env.SECRET_OF_THE_WORKER = 'x';
    t.after(() => delete process.env.SECRET_OF_THE_WORKER);
    const stage = await aStage(t, choice);
    await (await stage.start(['env'], { A: 'two words', B: '' })).wait();
    const names = (await stage.text()).trim().split('\n').sort();
    // What a container itself, and the shell that merges its outputs, add.
    const added = choice === 'docker' ? /^(PWD|SHLVL|HOSTNAME|HOME|TERM|container)=/ : /^PWD=/;
    assert.deepEqual(
      names.filter((line) => !added.test(line)),
      ['A=two words', 'B=', `PATH=${defaultPath()}`, `TASK_WORKDIR=${stage.task}`],
    );
  });

  test(`${choice}: a command starts in its directory and can write there`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const { text } = await stage.run('pwd; echo x > file');
    assert.equal(text, `${stage.task}\n`);
    assert.equal(await readFile(join(stage.task, 'file'), 'utf8'), 'x\n');
  });

  test(`${choice}: a program that is not there fails with a reason in the log`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const exit = await (await stage.start(['no-such-program'])).wait();
    assert.notEqual(exit.exitCode, 0);
    assert.match(await stage.text(), /no-such-program/);
  });

  test(`${choice}: arguments that are too long fail the command, not the worker`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const exit = await (await stage.start(['echo', 'x'.repeat(3_000_000)])).wait();
    // A container's init has an exit code of its own for that.
    if (choice === 'docker') assert.match(await stage.text(), /too long/);
    else assert.equal(exit.exitCode, 126);
    assert.notEqual(exit.exitCode, 0);
  });

  test(
    `${choice}: SIGTERM reaches every process of a command, and lets it say goodbye`,
    onlyHere,
    async (t) => {
      const stage = await aStage(t, choice);
      const script = 'trap "echo child; exit" TERM; echo child is up; while :; do sleep 0.02; done';
      const command = await stage.start([
        '/bin/sh',
        '-c',
        `(${script}) & trap "wait; echo parent; exit 3" TERM; echo parent is up; while :; do sleep 0.02; done`,
      ]);
      await eventually(
        'parent and child to be up',
        async () => (await stage.text()).match(/is up/g)?.length === 2,
      );
      command.terminate();
      assert.deepEqual(await command.wait(), { exitCode: 3 });
      assert.match(await stage.text(), /child\n(Terminated\n)*parent\n$/);
    },
  );

  test(`${choice}: SIGKILL ends the whole group, also what ignores SIGTERM`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `stubborn-${process.pid}-${choice}`;
    const command = await stage.start([
      '/bin/sh',
      '-c',
      `trap "" TERM; sh -c 'trap "" TERM; echo ready; while :; do sleep 0.05; done' ${word} & wait`,
    ]);
    await eventually('the command to be ready', async () => (await stage.text()).includes('ready'));
    command.terminate();
    assert.notDeepEqual(await processesWith(word), []);
    command.kill();
    await command.wait();
    assert.deepEqual(await processesWith(word), []);
  });

  test(`${choice}: what a command leaves in the background ends with it`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `left-${process.pid}-${choice}`;
    const { exit } = await stage.run(
      `sh -c 'echo on; while :; do sleep 0.05; done' ${word} & sleep 0.1; exit 0`,
    );
    assert.deepEqual(exit, { exitCode: 0 });
    await untilGone(word);
  });

  test(`${choice}: a daemon in a session of its own does not outlive its task`, onlyHere, async (t) => {
    const stage = await aStage(t, choice);
    const word = `daemon-${process.pid}-${choice}`;
    await stage.run(
      `setsid sh -c 'while :; do sleep 0.05; done' ${word} >/dev/null 2>&1 </dev/null & sleep 0.1`,
    );
    await stage.engine.sweep(stage.task);
    await untilGone(word);
  });

  test(`${choice}: a gigabyte would pass: sixty-four megabytes arrive whole`, onlyHere, async (t) => {
    const { exit, text } = await (await aStage(t, choice)).run('head -c 67108864 /dev/zero | tr "\\0" x');
    assert.deepEqual(exit, { exitCode: 0 });
    assert.equal(text.length, 67_108_864);
  });
}

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
    containers: containerOptions(directory),
  });
  t.after(() => engine.close());
  assert.equal(engine.name, 'process');
});
