import { type ChildProcess, spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Clock } from '../clock.ts';
import { messageOf } from '../worker-log.ts';
import type { Command, CommandExit, Usage } from './engine.ts';
import { inheritedDescriptors } from './inherited-descriptors.ts';
import type { OutputPipe, OutputPipes } from './output-pipe.ts';
import { usageOfTree } from './process-usage.ts';
import type { Watchdog } from './watchdog.ts';

/** What engines that start processes share. */
export interface Spawning {
  readonly clock: Clock;
  readonly watchdog: Watchdog;
  readonly pipes: OutputPipes;
}

/** How an engine turns a command into a process. */
export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Pipes beside standard input, output and error: descriptors 3 and up. */
  readonly extraPipes: number;
}

/** A process that leads a group of its own. */
export interface Spawned {
  /** Undefined when the process could not be started. */
  readonly child: ChildProcess | undefined;
  readonly exited: Promise<CommandExit>;
  /** What it and its descendants use. */
  usage(): Usage | undefined;
  /** Sends a signal to every process of the group. */
  signal(name: NodeJS.Signals): void;
}

// A process that has left the group may hold the pipe open for ever. It is cut off then.
const drainMs = 2000;

// What shells answer for a program that cannot be run.
const exitCodeNotRun = 126;
const exitCodeNotFound = 127;

/** Sends a signal to a process group; a group that has gone is no error. */
export const signalGroup = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

// Known for good: nothing that this process opens is handed on but by its own wish.
const inherited = inheritedDescriptors();

/** Pipes, and nothing at all in the place of what this process was itself started with. */
const extraDescriptors = ({ extraPipes }: Launch): ('pipe' | 'ignore')[] => {
  const last = Math.max(2 + extraPipes, ...inherited);
  return Array.from({ length: last - 2 }, (_, index) => (index < extraPipes ? 'pipe' : 'ignore'));
};

/** Starts a process as the leader of a group that dies with it, and with this worker. */
export const spawnLeader = async (
  spawning: Spawning,
  { command, output, launch }: { command: Command; output: Writable; launch: Launch },
): Promise<Spawned> => {
  const pipe = await spawning.pipes.open(output);
  try {
    const child = spawn(launch.program, launch.args, {
      cwd: command.directory,
      env: launch.environment,
      detached: true,
      stdio: ['ignore', pipe.descriptor, pipe.descriptor, ...extraDescriptors(launch)],
    });
    return follow(spawning, child, { pipe, output });
  } catch (error) {
    // Node throws where the operating system refuses the arguments (too long), instead of an event.
    return notStarted(error, { pipe, output });
  }
};

const notRunning = (exited: Promise<CommandExit>): Spawned => ({
  child: undefined,
  exited,
  usage: () => undefined,
  signal: () => undefined,
});

const notStarted = (error: unknown, { pipe, output }: { pipe: OutputPipe; output: Writable }): Spawned => {
  pipe.closeWritingEnd();
  output.write(`The command could not be started: ${messageOf(error)}\n`);
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const exit = { exitCode: isMissing ? exitCodeNotFound : exitCodeNotRun };
  return notRunning(pipe.ended.then(() => exit));
};

const follow = (
  { clock, watchdog }: Spawning,
  child: ChildProcess,
  { pipe, output }: { pipe: OutputPipe; output: Writable },
): Spawned => {
  const group = child.pid;
  if (group === undefined) {
    const failed = new Promise<CommandExit>((resolve) => {
      child.once('error', (error) => resolve(notStarted(error, { pipe, output }).exited));
    });
    return notRunning(failed);
  }
  watchdog.watch(group);
  pipe.closeWritingEnd();
  let isOver = false;
  const exited = new Promise<CommandExit>((resolve) => {
    child.once('exit', (exitCode, signal) => {
      isOver = true;
      // The number of the group stays taken while one of its processes lives, so this cannot hit another's.
      signalGroup(group, 'SIGKILL');
      watchdog.forget(group);
      const stop = new AbortController();
      const drained = Promise.race([pipe.ended, clock.sleep(drainMs, stop.signal)]);
      void drained.then(() => {
        stop.abort();
        pipe.destroy();
        resolve(signal === null ? { exitCode: exitCode ?? exitCodeNotRun } : { signal });
      });
    });
  });
  return {
    child,
    exited,
    usage: () => (isOver ? undefined : usageOfTree(group)),
    signal: (name) => {
      if (!isOver) signalGroup(group, name);
    },
  };
};
