import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { eventually } from '@taskyard/patience';
import { systemClock } from '../../clock.ts';
import { defaultPath, nodeDirectories } from '../../config.ts';
import { openTaskLog } from '../../logs/index.ts';
import { noContainers, startContainerDaemon } from '../../testing/container-daemon.ts';
import { temporaryDirectory } from '../../testing/places.ts';
import { silentLog } from '../../worker-log.ts';
import {
  type CommandExit,
  type ContainerOptions,
  type ContainerSettings,
  chooseEngine,
  defaultContainerSettings,
  type Engine,
  type EngineOptions,
  type RunningCommand,
} from '../index.ts';

export type Choice = 'auto' | 'process' | 'bubblewrap' | 'docker';

export interface Stage {
  readonly engine: Engine;
  readonly root: string;
  readonly task: string;
  start(argv: readonly string[], environment?: Record<string, string>): Promise<RunningCommand>;
  run(script: string, environment?: Record<string, string>): Promise<{ exit: CommandExit; text: string }>;
  text(): Promise<string>;
}

/** Waits until no process has this word in its command line. */
export const untilGone = (word: string) =>
  eventually(
    `the end of all processes of ${word}`,
    () => processesWith(word),
    (found) => found.length === 0,
  );

export const daemon = noContainers === false ? await startContainerDaemon() : undefined;
after(() => daemon?.stop());

interface StageOptions extends Partial<EngineOptions> {
  readonly root?: string;
  readonly settings?: Partial<ContainerSettings>;
}

export const aStage = async (
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
    pipesDirectory: join(root, 'run'),
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

export const containerOptions = (
  root: string,
  settings: Partial<ContainerSettings> = {},
): ContainerOptions => ({
  log: silentLog,
  settings: {
    ...defaultContainerSettings,
    host: daemon?.host ?? defaultContainerSettings.host,
    image: daemon?.image,
    ...settings,
  },
  imageRecord: join(root, 'images.json'),
  workerName: 'test/worker/group/one',
  directoryId: 'one',
});

/** The processes of this machine whose command line holds a word, by their numbers. */
export const processesWith = async (word: string): Promise<number[]> => {
  const found: number[] = [];
  for (const entry of await readdir('/proc')) {
    const line = /^\d+$/.test(entry) ? await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '') : '';
    if (line.includes(word)) found.push(Number(entry));
  }
  return found;
};
