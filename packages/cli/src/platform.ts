import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Credentials, Queue } from '@taskyard/client';
import type { EngineChoice } from '@taskyard/worker';
import { credentialsFileIn, readCredentialsFile } from './config.ts';
import type { LocateFile } from './follow/report.ts';
import { builtInTaskQueueId } from './group/submit.ts';

/** A platform to submit tasks to, with a worker that takes those of its task queue. */
export interface Platform {
  readonly rootUrl: string;
  readonly credentials: Credentials | undefined;
  readonly taskQueueId: string;
  /** Answers the file of an artifact whose bytes lie on this machine. */
  readonly locateFile?: LocateFile | undefined;
  /** Ends what this process has started of it, and waits until it has ended. */
  readonly stop: () => Promise<void>;
}

/** Settings of the server that the command line gives; the rest comes from its file and environment. */
export interface PlatformSettings {
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly data: string;
  readonly role?: string | undefined;
  readonly logLevel?: string | undefined;
  readonly worker?: { readonly enabled: boolean } | undefined;
}

/** What the CLI needs of the server package. It is loaded only when a server is to be started. */
interface ServerDoor {
  readConfig(sources: {
    readonly file?: string | undefined;
    readonly overrides: PlatformSettings;
  }): ServerConfig;
  startServer(config: ServerConfig): Promise<StartedServer>;
}
interface ServerConfig {
  readonly role: string;
  readonly data: string;
  readonly worker: { readonly enabled: boolean; readonly capacity?: number; readonly engine: EngineChoice };
}
interface StartedServer {
  readonly rootUrl: string;
  readonly credentials: Credentials;
  readonly locateFile?: LocateFile;
  close(): Promise<void>;
}

const startBuiltInWorker = async (config: ServerConfig, { rootUrl, credentials }: StartedServer) => {
  if (!config.worker.enabled || config.role !== 'all') return undefined;
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
    // The database and the root credentials lie there.
    hiddenPaths: [config.data],
  });
  await worker.started;
  return worker;
};

/** Starts the platform in this process: database, API, background loops, and the built-in worker. */
export const startPlatform = async (overrides: PlatformSettings, file?: string): Promise<Platform> => {
  const door = (await import('@taskyard/server')) as unknown as ServerDoor;
  const config = door.readConfig({ file, overrides });
  const server = await door.startServer(config);
  try {
    const worker = await startBuiltInWorker(config, server);
    return {
      rootUrl: server.rootUrl,
      credentials: server.credentials,
      taskQueueId: builtInTaskQueueId,
      locateFile: server.locateFile,
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

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const announcedIn = async (folder: string): Promise<{ url: string; pid: number } | undefined> => {
  try {
    return JSON.parse(await readFile(join(folder, 'server.json'), 'utf8')) as { url: string; pid: number };
  } catch {
    return undefined;
  }
};

/** The platform that another process runs on this folder; nothing when there is none, or it does not answer. */
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
