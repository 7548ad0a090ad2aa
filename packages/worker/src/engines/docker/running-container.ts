import { readFile } from 'node:fs/promises';
import { PassThrough, type Writable } from 'node:stream';
import type Docker from 'dockerode';
import type { Container, ContainerAttachOptions, ContainerCreateOptions } from 'dockerode';
import { type Clock, seconds } from '../../clock.ts';
import { statusOf } from '../../retry.ts';
import { messageOf } from '../../worker-log.ts';
import type { CommandExit, RunningCommand, Usage } from '../engine.ts';
import { usageOfTree } from '../process-usage.ts';
import { unframed } from './output.ts';

// Output that a daemon does not end although its container has.
const drainMs = seconds(2);

// What shells answer for a program that cannot be run, and `docker run` for a container that cannot be made.
const exitCodeNotRun = 126;
const exitCodeNotFound = 127;
const exitCodeKilled = 137;

const [looksMax, betweenLooksMs] = [5, 100];

/** Whether a container was killed for its memory. The daemon may learn of that a moment after it has learned of the end. */
const wasOutOfMemory = async (container: Container, { clock, spec }: Starting): Promise<boolean> => {
  for (let looks = 1; ; looks++) {
    const { OOMKilled } = (await container.inspect()).State;
    if (OOMKilled || !spec.HostConfig?.Memory || looks === looksMax) return OOMKilled;
    await clock.sleep(betweenLooksMs);
  }
};

export interface Starting {
  readonly docker: Docker;
  readonly clock: Clock;
  readonly spec: ContainerCreateOptions;
  readonly output: Writable;
  /** The container stays when it has ended, for files that are still to be copied out of it. */
  readonly isKept: boolean;
}

/** A container is gone, or has ended already. */
const isOver = (error: unknown): boolean => [304, 404, 409].includes(statusOf(error) ?? 0);

const unlessOver = async (act: Promise<unknown>): Promise<void> => {
  try {
    await act;
  } catch (error) {
    if (!isOver(error)) throw error;
  }
};

export const removeContainer = (container: Container): Promise<void> =>
  unlessOver(container.remove({ force: true, v: true }));

type RunningContainer = RunningCommand & { readonly id: string };

/** The daemon could not connect a container to its network, which is no fault of the command. */
class NoNetwork extends Error {}

// As Docker and Podman say it. Podman may take the name of a bridge that it is just removing.
const ofNetwork =
  /\bcni plugin\b|netavark|container networking|failed to create endpoint|programming external connectivity/i;

// What the runtime says of a command quotes it, and a command may be called anything.
const ofRuntime = /\bOCI\b/;

const [startsMax, betweenStartsMs] = [4, 250];

/**
 * Makes and starts a container. One that cannot be started fails its command, as a missing program does. Throws when the daemon
 * cannot give it its network, after several attempts.
 */
export const startContainer = async (starting: Starting): Promise<RunningContainer> => {
  for (let tries = 1; ; tries++) {
    try {
      return await startOnce(starting);
    } catch (error) {
      if (!(error instanceof NoNetwork) || tries >= startsMax) throw error;
      await starting.clock.sleep(betweenStartsMs * tries);
    }
  }
};

const startOnce = async (starting: Starting): Promise<RunningContainer> => {
  const { docker, spec, output, isKept } = starting;
  // The library would put all of it into the address as well: the environment, and more than fits there.
  const container = await docker.createContainer({
    _query: {},
    _body: spec,
  } as unknown as ContainerCreateOptions);
  try {
    const begun = await begin(container, starting);
    if (begun.refusal !== undefined) {
      await removeContainer(container);
      return notStarted(container.id, begun.refusal, output);
    }
    // Not before the start: Podman then waits for ever for an end that comes too soon, and Docker not at all.
    const exit = container.wait() as Promise<{ StatusCode: number }>;
    const over = exit.then(async ({ StatusCode }) => {
      await begun.ended();
      if (StatusCode === exitCodeKilled && (await wasOutOfMemory(container, starting)))
        output.write('The container had more memory than it may have, and was ended.\n');
      // Where this fails the sweep of the task tries again.
      if (!isKept) await removeContainer(container).catch(() => undefined);
      return { exitCode: StatusCode };
    });
    over.catch(() => undefined);
    return {
      id: container.id,
      wait: () => over,
      usage: usageOf(container),
      ...endings(container, spec),
    };
  } catch (error) {
    await removeContainer(container);
    throw error;
  }
};

type Begun =
  | { readonly refusal: string; readonly ended?: never }
  /** Waits until all that the container printed has been handed on. */
  | { readonly refusal?: never; ended(): Promise<void> };

/** Follows the output and starts. An error of the daemon fails the command; silence does not. */
const begin = async (container: Container, starting: Starting): Promise<Begun> => {
  try {
    // Podman looks for the program here already, Docker at the start.
    const ended = await follow(container, starting);
    await container.start();
    return { ended };
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    const message = messageOf(error);
    if (ofNetwork.test(message) && !ofRuntime.test(message)) throw new NoNetwork(message, { cause: error });
    return { refusal: message };
  }
};

/**
 * What the processes of a container use. Its first one is asked for once, when somebody wants to know; on another
 * machine's daemon it is none of ours, which shows in its control group.
 */
const usageOf = (container: Container): (() => Usage | undefined) => {
  let pid: number | undefined;
  let isAsked = false;
  const ask = async (): Promise<void> => {
    const { State } = await container.inspect();
    const group = await readFile(`/proc/${State.Pid}/cgroup`, 'utf8');
    if (group.includes(container.id)) pid = State.Pid;
  };
  return () => {
    if (!isAsked) ask().catch(() => undefined);
    isAsked = true;
    return pid === undefined ? undefined : usageOfTree(pid);
  };
};

const notStarted = (id: string, refusal: string, output: Writable): RunningContainer => {
  output.write(`The command could not be started: ${refusal.trim()}\n`);
  const isMissing = /executable file not found|no such file or directory/i.test(refusal);
  const exit: CommandExit = { exitCode: isMissing ? exitCodeNotFound : exitCodeNotRun };
  return { id, wait: async () => exit, terminate: () => undefined, kill: () => undefined };
};

/** Passes on the output of a container; resolves at its end. */
const follow = async (
  container: Container,
  { clock, spec, output }: Starting,
): Promise<() => Promise<void>> => {
  const options = { stream: true, stdout: true, stderr: true };
  // Podman takes a body for what somebody types.
  const stream = await container.attach({ _query: options, _body: {} } as ContainerAttachOptions);
  const content = spec.Tty ? new PassThrough() : unframed();
  const drained = new Promise<void>((resolve) => {
    content.once('end', resolve);
    content.once('close', resolve);
  });
  stream.once('error', () => content.end());
  stream.pipe(content).pipe(output, { end: false });
  return async () => {
    const stop = new AbortController();
    await Promise.race([drained, clock.sleep(drainMs, stop.signal)]);
    stop.abort();
    content.destroy();
  };
};

/** Every process of the container but the first, which waits for its child and passes its exit code on. */
const terminateAll = async (container: Container): Promise<void> => {
  const command = await container.exec({ Cmd: ['/bin/sh', '-c', 'kill -TERM -1'], User: '0' });
  await command.start({ Detach: true });
};

const endings = (
  container: Container,
  spec: ContainerCreateOptions,
): Pick<RunningCommand, 'terminate' | 'kill'> => ({
  terminate: () => {
    // A container with an init of ours has a shell too. In others the first process is to see to the rest.
    const isOurs = spec.HostConfig?.Init === true;
    const asked = isOurs ? terminateAll(container) : container.kill({ signal: 'SIGTERM' });
    // It is over, or is killed after its grace all the same.
    asked.catch(() => undefined);
  },
  kill: () => {
    container.kill({ signal: 'SIGKILL' }).catch(() => undefined);
  },
});
