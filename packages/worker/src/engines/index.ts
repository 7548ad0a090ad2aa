import type { Clock } from '../clock.ts';
import type { WorkerLog } from '../worker-log.ts';
import { bubblewrapEngine, findSandbox, type Sandbox } from './bubblewrap.ts';
import { type CommandLimits, openControlGroups } from './control-groups.ts';
import type { ContainerSettings } from './docker/settings.ts';
import type { Engine } from './engine.ts';
import { findProgram } from './find-program.ts';
import { openOutputPipes } from './output-pipe.ts';
import { processEngine } from './process.ts';
import { startWatchdog } from './watchdog.ts';

export {
  type ContainerSettings,
  containerCapabilities,
  containerNetworks,
  defaultContainerSettings,
} from './docker/settings.ts';
export type {
  Command,
  CommandExit,
  ContainerRequest,
  Containers,
  Engine,
  Outside,
  RunningCommand,
  ShellPlace,
  Terminal,
  Usage,
} from './engine.ts';
export { fromRoot, isWithin } from './outside.ts';
export { killStrays, markerVariable } from './strays.ts';

export const engineChoices = ['auto', 'process', 'bubblewrap', 'docker'] as const;
export type EngineChoice = (typeof engineChoices)[number];

export interface EngineOptions {
  readonly clock: Clock;
  readonly choice: EngineChoice;
  /** The worker's PATH. */
  readonly path: string;
  readonly readOnlyPaths: readonly string[];
  readonly hiddenPaths: readonly string[];
  readonly isolateNetwork: boolean;
  /** Tasks' directories will lie below it. It must exist. */
  readonly directory: string;
  /** For pipes that commands print into. It must exist, and belong to this worker alone. */
  readonly pipesDirectory: string;
  /** For the docker engine. */
  readonly containers: ContainerOptions;
}

export interface ContainerOptions {
  readonly log: WorkerLog;
  readonly settings: ContainerSettings;
  /** A file of the worker, for what it got of images. */
  readonly imageRecord: string;
  readonly workerName: string;
  /** That of the worker's directory. */
  readonly directoryId: string;
}

/** The conditions for isolating commands with bubblewrap. */
export type SandboxQuestion = Omit<EngineOptions, 'clock' | 'pipesDirectory' | 'containers'>;

/**
 * The sandbox for a choice other than docker; undefined for plain processes. With `auto` that is what is left where
 * bubblewrap does not work. Throws a sentence when the machine cannot provide the choice.
 */
const sandboxFor = async ({
  choice,
  directory,
  ...options
}: SandboxQuestion): Promise<Sandbox | undefined> => {
  const sandbox = choice === 'process' ? undefined : await findSandbox(options, directory);
  if (choice === 'bubblewrap' && !sandbox) {
    throw new Error(
      'The bubblewrap engine does not work here: `bwrap` is missing, or may not make namespaces.',
    );
  }
  if (!sandbox && options.isolateNetwork) {
    throw new Error('The process engine cannot isolate the network; bubblewrap can, and does not run here.');
  }
  return sandbox;
};

/** The name of the engine for a choice other than docker on this machine. Throws as the engine would. */
export const engineNameFor = async (question: SandboxQuestion): Promise<'bubblewrap' | 'process'> =>
  (await sandboxFor(question)) ? 'bubblewrap' : 'process';

/** The limits that are set, by their names. */
const limitsIn = ({ memoryMiB, cpus, pidsMax }: ContainerSettings): CommandLimits =>
  Object.fromEntries(Object.entries({ memoryMiB, cpus, pidsMax }).filter(([, limit]) => limit !== undefined));

/** The chosen engine; with `auto`, bubblewrap if it works on this machine, else process. */
export const chooseEngine = async (options: EngineOptions): Promise<Engine> => {
  const { choice, clock, path } = options;
  if (choice === 'docker') return openContainers(options);
  const sandbox = await sandboxFor(options);
  const limits = limitsIn(options.containers.settings);
  if (!sandbox && Object.keys(limits).length > 0) {
    throw new Error(
      `The process engine cannot limit what tasks use (${Object.keys(limits).join(', ')}); bubblewrap and docker can.`,
    );
  }
  // Before any process is started: those that are there already would be in the way of groups of version 2.
  const groups = sandbox && openControlGroups({ clock, name: options.directory, ...limits });
  const spawning = { clock, watchdog: startWatchdog(), pipes: openOutputPipes(options.pipesDirectory) };
  const script = findProgram('script', path);
  return sandbox
    ? bubblewrapEngine(spawning, { sandbox, script, groups, runs: options.directory })
    : processEngine(spawning, { path, script, runs: options.directory });
};

const openContainers = async ({
  clock,
  directory,
  isolateNetwork,
  containers,
}: EngineOptions): Promise<Engine> => {
  const settings = isolateNetwork
    ? { ...containers.settings, network: 'none' as const }
    : containers.settings;
  // Only here: workers without containers start without the library.
  const { openDockerEngine } = await import('./docker/index.ts');
  return openDockerEngine({ ...containers, clock, directory, settings });
};
