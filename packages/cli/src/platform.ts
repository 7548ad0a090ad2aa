import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Credentials, isProcessAlive, Queue } from '@taskyard/client';
import type { Config, ConfigSources, RunningServer } from '@taskyard/server';
import { cancelRunsLeftBehind } from './begun-runs.ts';
import { credentialsFileIn, readCredentialsFile } from './config.ts';
import { makeDataFolder } from './data-folder.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { builtInTaskQueueId } from './group/submit.ts';
import { startInLittleMemory } from './little-memory.ts';
import { loadServer } from './load-server.ts';
import { type LocalEngine, settleEngine } from './local-engine.ts';
import type { PlatformGuest } from './shared-platform/guest.ts';

/** A platform, with a worker for its task queue. */
export interface Platform {
  readonly rootUrl: string;
  readonly credentials: Credentials | undefined;
  readonly taskQueueId: string;
  /** Other addresses of this machine at which it can be reached. */
  readonly otherUrls?: readonly string[];
  /** A link that signs a browser in once; only when this process has started it with an embedded database. */
  readonly signInUrl?: string | undefined;
  /** How its tasks on this machine are isolated, if this process starts the workers. */
  readonly engine?: LocalEngine | undefined;
  /** The folder that they may read. */
  readonly project?: string | undefined;
  /** Root URL of the deployment whose index it asks as well. */
  readonly upstreamUrl?: string | undefined;
  /** Resolves with the reason when the part that this process has started cannot continue. */
  readonly broken?: Promise<Error> | undefined;
  /** Our membership when other runs use it too, and the file of its log. */
  readonly guest?: PlatformGuest | undefined;
  readonly logFile?: string | undefined;
  /** Ends the part that this process has started, and waits for its end. */
  readonly stop: () => Promise<void>;
}

/** Settings of the server from the command line; the others come from its file and environment. */
export type PlatformSettings = NonNullable<ConfigSources['overrides']> & { readonly data: string };

const startBuiltInWorker = async (
  config: Config,
  { rootUrl, builtInWorker }: RunningServer,
  project: string | undefined,
) => {
  const isPool = config.worker.mode === 'pool' && config.databaseUrl === undefined;
  if (!config.worker.enabled || config.role !== 'all' || isPool) return undefined;
  const { startWorker } = await import('@taskyard/worker');
  const worker = startWorker({
    rootUrl,
    ...builtInWorker,
    capacity: config.worker.capacity ?? availableParallelism(),
    engine: config.worker.engine,
    isolateNetwork: config.worker.isolateNetwork,
    workDir: join(config.data, 'worker'),
    // Tasks may read the project that they belong to, but not the database and the root credentials.
    readOnlyPaths: project === undefined ? [] : [project],
    hiddenPaths: [config.data],
    otlpEndpoint: config.otlpEndpoint,
    otlpTracesEndpoint: config.otlpTracesEndpoint,
  });
  await worker.started;
  return worker;
};

/** How the platform starts a worker as a process of its own. */
const workerCommand = [process.execPath, fileURLToPath(new URL('./local-worker.js', import.meta.url))];

// The sentence names the obstacle; a stack trace would not help.
const cannotStart = (error: Error): never => {
  throw new CommandError(exitCodes.failed, `The platform cannot be started: ${error.message}`);
};

export interface PlatformSources {
  /** A YAML file of settings. */
  readonly file?: string | undefined;
  /** The folder that tasks on this machine may read; by default the one of the configuration, if any. */
  readonly project?: string | undefined;
  /** Whether to start a demo cloud as well, to show how pools grow and shrink. */
  readonly demoCloud?: boolean | undefined;
}

/** Starts the platform in this process: database, API, background loops, and the built-in worker. */
export const startPlatform = (
  overrides: PlatformSettings,
  sources: PlatformSources = {},
): Promise<Platform> => startInLittleMemory(() => start(overrides, sources));

const start = async (
  overrides: PlatformSettings,
  { file, project: folder, demoCloud }: PlatformSources,
): Promise<Platform> => {
  // Other commands start faster without the server's package.
  const { readConfig, startServer } = await loadServer();
  const given = readConfig({ file, overrides });
  await makeDataFolder(given.data);
  const project = folder ?? given.worker.project;
  const engine = await settleEngine(given, { project, demoCloud });
  // Workers get the engine that was found now, so that none falls back to a weaker one later.
  const config = engine === undefined ? given : { ...given, worker: { ...given.worker, engine } };
  const server = await startServer(config, { workerCommand, project, demoCloud }).catch(cannotStart);
  try {
    const { rootUrl, credentials } = server;
    await cancelRunsLeftBehind(config.data, new Queue({ rootUrl, credentials, retries: 3 }));
    const worker = await startBuiltInWorker(config, server, project);
    return {
      rootUrl: server.rootUrl,
      credentials: server.credentials,
      otherUrls: server.otherUrls,
      taskQueueId: builtInTaskQueueId,
      signInUrl: server.signInUrl,
      engine,
      project,
      broken: server.broken,
      stop: async () => {
        // The worker ends first, since it still has to report how its tasks ended.
        await worker?.stop();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
};

interface Announced {
  readonly url: string;
  readonly pid: number;
  readonly project?: string;
  readonly upstreamUrl?: string;
}

const announcedIn = async (folder: string): Promise<Announced | undefined> => {
  try {
    return JSON.parse(await readFile(join(folder, 'server.json'), 'utf8')) as Announced;
  } catch {
    return undefined;
  }
};

/** The platform that another process runs on this folder; undefined when none replies. */
export const findPlatform = async (folder: string): Promise<Platform | undefined> => {
  const announced = await announcedIn(folder);
  const address = readCredentialsFile(credentialsFileIn(folder));
  if (!announced || !address || !isProcessAlive(announced.pid)) return undefined;
  const queue = new Queue({ rootUrl: announced.url, retries: 0, timeoutMs: 3000 });
  if (!(await queue.ping().catch(() => undefined))) return undefined;
  return {
    rootUrl: announced.url,
    credentials: address.credentials,
    taskQueueId: builtInTaskQueueId,
    project: announced.project,
    upstreamUrl: announced.upstreamUrl,
    stop: async () => {},
  };
};
