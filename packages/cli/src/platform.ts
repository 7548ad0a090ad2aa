import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Credentials, Queue } from '@taskyard/client';
import type { Config, ConfigSources, RunningServer } from '@taskyard/server';
import { cancelRunsLeftBehind } from './begun-runs.ts';
import { credentialsFileIn, readCredentialsFile } from './config.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { builtInTaskQueueId } from './group/submit.ts';
import { loadServer } from './load-server.ts';
import { isAlive } from './processes.ts';
import type { PlatformGuest } from './shared-platform/guest.ts';

/** A platform to submit tasks to, with a worker that takes those of its task queue. */
export interface Platform {
  readonly rootUrl: string;
  readonly credentials: Credentials | undefined;
  readonly taskQueueId: string;
  /** Signs a browser in, once; only where this process has started it on a database of its own. */
  readonly signInUrl?: string | undefined;
  /** Resolves when what this process has started of it can do nothing any more, with the reason. */
  readonly broken?: Promise<Error> | undefined;
  /** Where other runs use it too: our place in it, and the file of its log. */
  readonly guest?: PlatformGuest | undefined;
  readonly logFile?: string | undefined;
  /** Ends what this process has started of it, and waits until it has ended. */
  readonly stop: () => Promise<void>;
}

/** Settings of the server that the command line gives; the rest comes from its file and environment. */
export type PlatformSettings = NonNullable<ConfigSources['overrides']> & { readonly data: string };

const startBuiltInWorker = async (
  config: Config,
  { rootUrl, credentials }: RunningServer,
  project: string,
) => {
  const isPool = config.worker.mode === 'pool' && config.databaseUrl === undefined;
  if (!config.worker.enabled || config.role !== 'all' || isPool) return undefined;
  const { startWorker } = await import('@taskyard/worker');
  const worker = startWorker({
    rootUrl,
    credentials,
    taskQueueId: builtInTaskQueueId,
    workerGroup: 'local',
    workerId: 'built-in',
    capacity: config.worker.capacity ?? availableParallelism(),
    engine: config.worker.engine,
    workDir: join(config.data, 'worker'),
    // Tasks may read the project that they are started in, but not the database and the root credentials.
    readOnlyPaths: [project],
    hiddenPaths: [config.data],
  });
  await worker.started;
  return worker;
};

/** How the platform starts a worker as a process of its own. */
const workerCommand = [process.execPath, fileURLToPath(new URL('./local-worker.js', import.meta.url))];

// What stands in the way is told by the sentence; where in our code that was noticed helps nobody.
const cannotStart = (error: Error): never => {
  throw new CommandError(exitCodes.failed, `The platform cannot be started: ${error.message}`);
};

export interface PlatformSources {
  /** A YAML file of settings. */
  readonly file?: string | undefined;
  /** The folder that the built-in worker's tasks may read; by default the current one. */
  readonly project?: string | undefined;
  /** Start a cloud on this machine as well, to watch how pools grow and shrink. */
  readonly demoCloud?: boolean | undefined;
}

/** Starts the platform in this process: database, API, background loops, and the built-in worker. */
export const startPlatform = async (
  overrides: PlatformSettings,
  { file, project = process.cwd(), demoCloud }: PlatformSources = {},
): Promise<Platform> => {
  // Other commands start faster without the server's package.
  const { readConfig, startServer } = await loadServer();
  const config = readConfig({ file, overrides });
  const server = await startServer(config, { workerCommand, project, demoCloud }).catch(cannotStart);
  try {
    const { rootUrl, credentials } = server;
    await cancelRunsLeftBehind(config.data, new Queue({ rootUrl, credentials, retries: 3 }));
    const worker = await startBuiltInWorker(config, server, project);
    return {
      rootUrl: server.rootUrl,
      credentials: server.credentials,
      taskQueueId: builtInTaskQueueId,
      signInUrl: server.signInUrl,
      broken: server.broken,
      stop: async () => {
        // The worker goes first: it still has to tell the server how its tasks ended.
        await worker?.stop();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
};

const announcedIn = async (folder: string): Promise<{ url: string; pid: number } | undefined> => {
  try {
    return JSON.parse(await readFile(join(folder, 'server.json'), 'utf8')) as { url: string; pid: number };
  } catch {
    return undefined;
  }
};

/** The platform that another process runs on this folder; nothing when there is none that answers. */
export const findPlatform = async (folder: string): Promise<Platform | undefined> => {
  const announced = await announcedIn(folder);
  const address = readCredentialsFile(credentialsFileIn(folder));
  if (!announced || !address || !isAlive(announced.pid)) return undefined;
  const queue = new Queue({ rootUrl: announced.url, retries: 0, timeoutMs: 3000 });
  if (!(await queue.ping().catch(() => undefined))) return undefined;
  return {
    rootUrl: announced.url,
    credentials: address.credentials,
    taskQueueId: builtInTaskQueueId,
    stop: async () => {},
  };
};
