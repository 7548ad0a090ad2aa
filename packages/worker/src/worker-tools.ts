import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeFolder, Queue, slugid } from '@taskyard/client';
import { openTracing, type Tracing } from '@taskyard/tracing';
import { openUploads } from './artifacts/index.ts';
import { openLostRuns } from './claims/index.ts';
import { type Clock, seconds } from './clock.ts';
import { defaultPath, nodeDirectories } from './config.ts';
import { type DiskGuard, diskGuard, freeBytesAt, freeBytesMinAt, oldestFirst } from './disk-guard.ts';
import {
  type ContainerOptions,
  chooseEngine,
  defaultContainerSettings,
  type Engine,
  type EngineChoice,
} from './engines/index.ts';
import { featuresOf } from './features.ts';
import { type LiveLogs, openDirectLogs, openLogsByTunnel, PublishedLogs } from './logs/index.ts';
import { followPurgeRequests, type MountSources, openCaches, openDownloads } from './mounts/index.ts';
import { askForPurgeRequests } from './purge-cache-service.ts';
import { startMemoryGuard } from './resources/index.ts';
import { openReports, type WorkerTools } from './runs/index.ts';
import { openShells, openShellsByTunnel, type TaskShells } from './shells/index.ts';
import { isShown, readSigningKey, type SigningKey } from './trust/index.ts';
import { openTunnel, type Tunnel } from './tunnel/index.ts';
import { takeWorkDirectory, type WorkDirectory } from './work-directory.ts';
import { messageOf, type WorkerLog } from './worker-log.ts';
import { credentialsOf, type WorkerOptions } from './worker-options.ts';

const dayInSeconds = 86_400;

const queueOf = (options: WorkerOptions): Queue =>
  new Queue({ rootUrl: options.rootUrl, credentials: credentialsOf(options), retries: 0 });

const checkCapacity = (capacity: number): void => {
  if (Number.isInteger(capacity) && capacity >= 1 && capacity <= 255) return;
  throw new Error(`A worker's capacity is a number from 1 to 255, not ${capacity}.`);
};

/** Without isolation a task can call private addresses itself, so its mounts may too. */
const mayAskPrivate = ({ allowPrivateUrls }: WorkerOptions, { name }: Engine): boolean =>
  allowPrivateUrls === true || name === 'process';

interface Closable {
  close(): void | Promise<void>;
}

/** Closes all of them, also when one cannot be closed; then throws what the first of these says. */
const closeInOrder = async (parts: readonly (Closable | undefined)[]): Promise<void> => {
  const failures: unknown[] = [];
  for (const part of parts) {
    try {
      await part?.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
};

interface OpenedTools {
  readonly tools: WorkerTools;
  readonly disk: DiskGuard;
}

/** Makes everything that runs share, and what undoes it. What was opened before a failure is closed. */
export const openTools = async (
  options: WorkerOptions,
  surroundings: { clock: Clock; log: WorkerLog },
): Promise<OpenedTools & { close(): Promise<void> }> => {
  checkCapacity(options.capacity ?? 1);
  await makeFolder(options.workDir);
  // Tasks are shown their directory under its real name.
  const workDir = await realpath(resolve(options.workDir));
  const directory = await takeWorkDirectory(workDir);
  const opened: (Closable | undefined)[] = [];
  const close = () => closeInOrder([...opened, { close: directory.release }]);
  try {
    const needs = { ...surroundings, path: options.path ?? defaultPath(), workDir, directory };
    return { ...(await openParts(options, needs, opened)), close };
  } catch (error) {
    await close().catch((reason) => {
      surroundings.log.warn({ error: messageOf(reason) }, 'a part of the worker could not be closed');
    });
    throw error;
  }
};

/** Opens the parts, and adds those that must be closed to `opened`, in the order in which they are closed. */
const openParts = async (
  options: WorkerOptions,
  needs: EngineNeeds,
  opened: (Closable | undefined)[],
): Promise<OpenedTools> => {
  const { rootUrl, taskQueueId, workerGroup, workerId } = options;
  const { clock, log, path, workDir, directory } = needs;
  const { engine, plainEngine } = await openEngines(options, needs);
  opened.push(engine, plainEngine);
  const signingKey = await openSigningKey(options, log);
  const identity = { taskQueueId, workerGroup, workerId };
  const lostRuns = openLostRuns({ clock, log, identity, connect: () => queueOf(options) });
  const memoryGuard = startMemoryGuard(clock);
  opened.push(lostRuns, memoryGuard);
  const { liveLogs, shells, tunnel } = await openViews(options, { clock, log });
  opened.push(tunnel, liveLogs);
  const tracing = await openTraces(options, log);
  opened.push(tracing);
  const allowsPrivateUrls = mayAskPrivate(options, engine);
  // Payloads with an image mount no URLs.
  const mountsPrivateUrls = mayAskPrivate(options, plainEngine ?? engine);
  const tools: WorkerTools = {
    clock,
    log,
    rootUrl: rootUrl.replace(/\/+$/, ''),
    identity,
    engine,
    plain: plainEngine && {
      engine: plainEngine,
      features: featuresOf(options, { engine: plainEngine, signingKey }),
      allowsPrivateUrls: mountsPrivateUrls,
    },
    mounts: await openMountSources(options, {
      directory,
      clock,
      log,
      allowsPrivateUrls: mountsPrivateUrls,
    }),
    liveLogs,
    shells,
    lostRuns,
    uploads: openUploads(),
    reports: openReports({ clock, taskQueueId, connect: () => queueOf(options) }),
    memoryGuard,
    tracing,
    runsDirectory: directory.runs,
    path,
    environment: options.environment ?? {},
    whereabouts: whereaboutsOf(options),
    killGraceMs: seconds(options.killGraceSeconds ?? 10),
    maxRunTimeSecondsMax: options.maxRunTimeSecondsMax ?? dayInSeconds,
    allowsPrivateUrls,
    features: featuresOf(options, { engine, signingKey }),
    signingKey,
  };
  return { tools, disk: await openDiskGuard(options, { tools, workDir }) };
};

interface EngineNeeds {
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly path: string;
  readonly workDir: string;
  readonly directory: WorkDirectory;
}

/** The engine of the worker, and the one for payloads without an image, if they have their own. */
const openEngines = async (
  options: WorkerOptions,
  { clock, log, path, workDir, directory }: EngineNeeds,
): Promise<{ engine: Engine; plainEngine: Engine | undefined }> => {
  const open = (choice: EngineChoice): Promise<Engine> =>
    chooseEngine({
      clock,
      choice,
      path,
      readOnlyPaths: [...nodeDirectories(), ...(options.readOnlyPaths ?? []).map((one) => resolve(one))],
      hiddenPaths: [...(options.hiddenPaths ?? []).map((one) => resolve(one)), workDir],
      isolateNetwork: options.isolateNetwork ?? false,
      directory: directory.runs,
      pipesDirectory: directory.pipes,
      containers: containerOptions(options, { workDir, directory, log }),
    });
  // The plain one first: where the machine cannot provide it, there is nothing of the other to take back.
  const plainEngine = options.plainEngine && (await open(options.plainEngine));
  try {
    return { engine: await open(options.engine ?? 'auto'), plainEngine };
  } catch (error) {
    await plainEngine?.close();
    throw error;
  }
};

/** What people see of tasks that run: through a tunnel, or logs at an address of this machine where the operator wants that. */
const openViews = async (
  options: WorkerOptions,
  { clock, log }: { clock: Clock; log: WorkerLog },
): Promise<{ liveLogs: LiveLogs; shells: TaskShells; tunnel: Tunnel }> => {
  const { rootUrl, taskQueueId, workerGroup, workerId, liveLogAddress } = options;
  const logs = new PublishedLogs();
  const shells = openShells();
  const tunnel = openTunnel({
    clock,
    log,
    rootUrl: rootUrl.replace(/\/+$/, ''),
    credentials: () => credentialsOf(options),
    identity: { taskQueueId, workerGroup, workerId },
    instance: slugid(),
    answer: (request, begin) => logs.answer(request, begin),
    speakerAt: (path) => shells.at(path),
  });
  const liveLogs =
    liveLogAddress === undefined
      ? openLogsByTunnel(tunnel, logs)
      : await openDirectLogs(liveLogAddress).catch((error) => {
          void tunnel.close();
          throw new Error(`Live logs cannot be shown at ${liveLogAddress}: ${messageOf(error)}`);
        });
  return { liveLogs, shells: openShellsByTunnel(tunnel, shells), tunnel };
};

const openTraces = (
  { otlpEndpoint, otlpTracesEndpoint }: WorkerOptions,
  log: WorkerLog,
): Promise<Tracing | undefined> =>
  openTracing(
    { endpoint: otlpEndpoint, tracesEndpoint: otlpTracesEndpoint },
    {
      service: 'taskyard-worker',
      onError: (reason) => log.warn({ reason }, 'traces are not exported'),
    },
  );

const whereaboutsOf = ({ location, instanceType }: WorkerOptions): Record<string, string> => ({
  ...(location === undefined ? {} : { TASKCLUSTER_WORKER_LOCATION: location }),
  ...(instanceType === undefined ? {} : { TASKCLUSTER_INSTANCE_TYPE: instanceType }),
});

// What every sandbox shows of the machine.
const systemDirectories = ['/usr', '/bin', '/sbin', '/lib'];

const openSigningKey = async (
  { signingKeyPath: path, readOnlyPaths = [] }: WorkerOptions,
  log: WorkerLog,
): Promise<SigningKey | undefined> => {
  if (path === undefined) return undefined;
  if (await isShown(path, [...systemDirectories, ...nodeDirectories(), ...readOnlyPaths])) {
    throw new Error(`The signing key ${path} is where tasks could read it.`);
  }
  const key = await readSigningKey(path);
  log.info({ publicKey: key.publicKey }, 'tasks are certified with this key');
  return key;
};

const containerOptions = (
  { containers = {}, taskQueueId, workerGroup, workerId }: WorkerOptions,
  { workDir, directory, log }: Pick<EngineNeeds, 'workDir' | 'directory' | 'log'>,
): ContainerOptions => ({
  log,
  settings: { ...defaultContainerSettings, ...containers },
  imageRecord: join(workDir, 'images.json'),
  workerName: `${taskQueueId}/${workerGroup}/${workerId}`,
  directoryId: directory.id,
});

const openDiskGuard = async (
  { freeDiskMiBMin }: WorkerOptions,
  { tools, workDir }: { tools: WorkerTools; workDir: string },
): Promise<DiskGuard> =>
  diskGuard({
    log: tools.log,
    freeBytesMin: await freeBytesMinAt(workDir, freeDiskMiBMin),
    freeBytes: () => freeBytesAt(workDir),
    evictable: async () => [
      ...(await tools.mounts.caches.evictable()),
      ...tools.mounts.downloads.evictable(),
    ],
    evictImages: async (bytes) => tools.engine.containers?.images.evict(bytes),
  });

const openMountSources = async (
  options: WorkerOptions,
  {
    directory,
    clock,
    log,
    allowsPrivateUrls,
  }: { directory: WorkDirectory; clock: Clock; log: WorkerLog; allowsPrivateUrls: boolean },
): Promise<MountSources> => {
  const caches = await openCaches(directory.caches, clock);
  const rules = {
    allowsPrivate: allowsPrivateUrls,
    servers: [options.rootUrl, ...(options.otherServers ?? [])],
  };
  const downloads = await openDownloads(directory.downloads, { clock, rules });
  return {
    caches,
    downloads,
    relieve: async () => {
      const [oldest] = oldestFirst([...(await caches.evictable()), ...downloads.evictable()]);
      await oldest?.remove();
      return oldest !== undefined;
    },
    purgeRequests: followPurgeRequests({ clock, log, caches, ask: askForPurgeRequests(options) }),
  };
};
