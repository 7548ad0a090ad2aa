import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Writable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import { type Images, openImages, type ProvidedImage } from '../../images/index.ts';
import type { WorkerLog } from '../../worker-log.ts';
import type { Command, ContainerRequest, Containers, Engine, RunningCommand } from '../engine.ts';
import { connectDaemon, type Daemon } from './connect.ts';
import { containerOutside } from './container-outside.ts';
import { containerSpec, refusalsOf } from './container-spec.ts';
import { copyOut } from './copy-out.ts';
import { openExecTerminal } from './exec-terminal.ts';
import { labelNames, removeLabelled, removeTask } from './left-behind.ts';
import { type Networks, openNetworks } from './networks.ts';
import { startContainer } from './running-container.ts';
import type { ContainerSettings } from './settings.ts';

export interface DockerEngineOptions {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly settings: ContainerSettings;
  /** Tasks' directories lie below it, and this worker alone has it. */
  readonly directory: string;
  /** The file with the record of the worker's images. */
  readonly imageRecord: string;
  /** A label for people who list the daemon's containers. */
  readonly workerName: string;
  /** Tells the directory from one at the same path of another machine that uses the daemon. */
  readonly directoryId: string;
}

interface Workshop extends DockerEngineOptions, Daemon {
  readonly images: Images;
  readonly networks: Networks;
  readonly defaultImage: ProvidedImage | undefined;
  /** The containers that are kept for what is to be copied out of them, the last one first, by the task's directory. */
  readonly kept: Map<string, readonly string[]>;
  /** The container of the command that runs now, by the same. */
  readonly running: Map<string, string>;
  labelsOf(directory: string): Record<string, string>;
}

/**
 * Runs each command in a container of its own, by Docker or Podman. Removes first what an earlier worker left
 * with the daemon, and gets the image for tasks that name none.
 */
export const openDockerEngine = async (options: DockerEngineOptions): Promise<Engine> => {
  const { clock, log, settings, directory } = options;
  const daemon = await connectDaemon(settings.host);
  const { docker } = daemon;
  const own = { [labelNames.runs]: directory, [labelNames.directory]: options.directoryId };
  const removed = await removeLabelled(docker, own);
  if (removed > 0) log.info({ removed }, 'removed containers and networks of an earlier worker');
  const labels = {
    ...own,
    [labelNames.worker]: options.workerName,
    [labelNames.started]: clock.now().toJSON(),
  };
  const labelsOf = (task: string) => ({ ...labels, [labelNames.task]: task });
  const images = await openImages(docker, { clock, recordPath: options.imageRecord, labels });
  const workshop: Workshop = {
    ...options,
    ...daemon,
    images,
    networks: openNetworks(docker, { kind: settings.network, labelsOf }),
    defaultImage: await defaultImageOf(images, options),
    kept: new Map(),
    running: new Map(),
    labelsOf,
  };
  return {
    name: 'docker',
    outside: containerOutside({ runs: directory }),
    containers: containersOf(workshop),
    start: (command, output) => start(workshop, command, output),
    openTerminal: async ({ directory: task, environment }, size) => {
      const id = workshop.running.get(task);
      if (id === undefined) throw new Error('No command of the task runs at the moment.');
      return openExecTerminal(docker.getContainer(id), environment, { clock, size });
    },
    sweep: async (task) => {
      workshop.kept.delete(task);
      workshop.networks.forget(task);
      await removeTask(docker, { ...own, [labelNames.task]: task }, options);
    },
    close: async () => {
      await removeLabelled(docker, own);
    },
  };
};

/** The image for tasks that name none. It is kept for as long as the worker runs. */
const defaultImageOf = async (
  images: Images,
  { settings: { image: name }, log }: DockerEngineOptions,
): Promise<ProvidedImage | undefined> => {
  if (name === undefined) return undefined;
  return images.provide(
    { type: 'docker-image', name },
    {
      signal: new AbortController().signal,
      report: (text) => log.info({}, text),
      fetch: () => Promise.reject(new Error('an image of a registry is not fetched')),
    },
  );
};

const containersOf = ({ docker, images, settings, networks, kept }: Workshop): Containers => ({
  images,
  refusals: (privileges) => refusalsOf(privileges, settings),
  addressForTask: async (task) => (await networks.of(task)).workerAddress,
  copyOut: async (task, { path, to }) => {
    for (const id of kept.get(task) ?? []) {
      if (await copyOut(docker.getContainer(id), { path, to, workDirectory: dirname(task) })) return true;
    }
    return false;
  },
});

const start = async (workshop: Workshop, command: Command, output: Writable): Promise<RunningCommand> => {
  const { docker, clock, settings, networks, defaultImage, kept } = workshop;
  if (!command.container && !defaultImage) return withoutImage(output);
  if (command.container) await openVolumes(command.directory, command.container);
  const { name: network, workerAddress } = await networks.of(command.directory);
  const labels = workshop.labelsOf(command.directory);
  const surroundings = { settings, labels, network, workerAddress, user: userOf(workshop) };
  const spec = containerSpec(command, defaultImage?.id ?? '', surroundings);
  const isKept = command.container !== undefined || command.outside !== undefined;
  const running = await startContainer({ docker, clock, spec, output, isKept });
  if (isKept) kept.set(command.directory, [running.id, ...(kept.get(command.directory) ?? [])]);
  noteWhileRunning(workshop, command.directory, running);
  return running;
};

const noteWhileRunning = (
  { running }: Workshop,
  task: string,
  command: RunningCommand & { readonly id: string },
): void => {
  running.set(task, command.id);
  const forget = (): void => {
    if (running.get(task) === command.id) running.delete(task);
  };
  void command.wait().then(forget, forget);
};

/** Whatever user an image has may write to its volumes. To others on the machine the task's directory is closed. */
const openVolumes = async (directory: string, { volumes }: ContainerRequest): Promise<void> => {
  for (const volume of volumes) await chmod(join(directory, volume.directory), 0o777);
};

// The exit code of `docker run` when it cannot create a container.
const exitCodeNoContainer = 125;

const withoutImage = (output: Writable): RunningCommand => {
  output.write('This worker has no image for tasks that name none: its setting containerImage is missing.\n');
  return {
    wait: async () => ({ exitCode: exitCodeNoContainer }),
    terminate: () => undefined,
    kill: () => undefined,
  };
};

/** The worker must be able to read and remove what a command writes into its task's directory. */
const userOf = ({ isRootless }: Daemon): string | undefined => {
  const [user, group] = [process.getuid?.(), process.getgid?.()];
  // Root of a rootless container is the worker's user; root of the machine needs not be named.
  return isRootless || user === undefined || user === 0 ? undefined : `${user}:${group}`;
};
