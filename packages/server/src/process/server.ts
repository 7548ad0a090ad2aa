import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Domains } from '../app.ts';
import { type Credentials, ownClients } from '../auth/index.ts';
import {
  createLog,
  type EmbeddedPostgres,
  type Logger,
  type MetricValues,
  runLoops,
  seconds,
  startEmbeddedPostgres,
  systemClock,
} from '../base/index.ts';
import { type Config, plainEnvironment } from '../config/index.ts';
import type { DemoCloud } from '../demo-cloud/index.ts';
import type { LocalSettings } from '../worker-manager/index.ts';
import { startApiProcesses } from './api-processes.ts';
import { builtInWorker } from './built-in-worker.ts';
import { cleaningLoop } from './clean.ts';
import { causeOfLoss, prepareDataFolder, watchDataFolder } from './data-folder.ts';
import { ensureDemoPool, startDemo, withDemoProvider } from './demo-pool.ts';
import { openEntrance } from './entrance.ts';
import { createHttpServer } from './http-server.ts';
import { settleLocalPool } from './local-pool.ts';
import { measureDeployment } from './measures.ts';
import { serveMetrics } from './metrics-server.ts';
import { type OpenedApp, openApp } from './open-app.ts';
import { readSecrets } from './own-secrets.ts';
import { prepareDatabase } from './prepare-database.ts';

/** A running platform. */
export interface RunningServer {
  readonly rootUrl: string;
  /** Other addresses of this machine at which the API listens. */
  readonly otherUrls: readonly string[];
  /** The URL of the metrics for Prometheus, if they are enabled. */
  readonly metricsUrl: string | undefined;
  /** The root client, with scope `*`. */
  readonly credentials: { readonly clientId: string; readonly accessToken: string };
  /** The built-in worker of the platform: its name, and its client, which may do nothing else. */
  readonly builtInWorker: typeof builtInWorker & {
    readonly credentials: { readonly clientId: string; readonly accessToken: string };
  };
  /** A link that signs a browser in as root, once; only with an embedded database, as on a laptop. */
  readonly signInUrl: string | undefined;
  readonly locateFile: Domains['artifacts']['verbs']['locateFile'];
  /** Resolves with the reason when the platform cannot continue because its own database is gone. */
  readonly broken: Promise<Error>;
  /** Replies to requests in progress, then ends everything that was started. */
  close(): Promise<void>;
}

/** What the program that starts a platform provides. */
export interface ServerSurroundings {
  /** The command of a worker process: program and arguments, without its settings file. */
  readonly workerCommand?: readonly string[] | undefined;
  /** A folder that tasks of workers on this machine may read. */
  readonly project?: string | undefined;
  /** Whether to start a demo cloud on this machine, with a worker pool that shows how pools grow and shrink. */
  readonly demoCloud?: boolean | undefined;
}

/** Starts the platform: the database unless one is configured, the API and the background loops, by role. */
export const startServer = async (
  config: Config,
  surroundings: ServerSurroundings = {},
): Promise<RunningServer> => {
  const endings = createEndings();
  const { demoCloud = false, workerCommand, project } = surroundings;
  try {
    const demo = demoCloud && workerCommand && (await startDemo(config, { workerCommand, project }));
    if (demo) endings.add(demo.close);
    const local = localSettingsOf(config, surroundings);
    return await start(demo ? withDemoProvider(config, demo) : config, {
      endings,
      local,
      demo: demo || undefined,
      project,
    });
  } catch (error) {
    await endings.runAll();
    throw error;
  }
};

/** Functions that end what was started, called in reverse order. */
const createEndings = () => {
  const endings: (() => Promise<unknown> | undefined)[] = [];
  return {
    add: (end: () => Promise<unknown> | undefined): void => void endings.push(end),
    runAll: async (): Promise<void> => {
      for (let end = endings.pop(); end; end = endings.pop()) await end();
    },
  };
};

type Endings = ReturnType<typeof createEndings>;

/** How workers on this machine are started. Their tasks can see neither our data nor our configuration. */
const localSettingsOf = (
  { data, worker, otlpEndpoint, otlpTracesEndpoint }: Config,
  { workerCommand, project }: ServerSurroundings,
): LocalSettings | undefined =>
  workerCommand && {
    command: workerCommand,
    environment: plainEnvironment(),
    folder: join(data, 'local-workers'),
    workerSettings: {
      engine: worker.engine,
      readOnlyPaths: project === undefined ? [] : [project],
      hiddenPaths: [data],
      isolateNetwork: worker.isolateNetwork,
      otlpEndpoint,
      otlpTracesEndpoint,
    },
  };

interface StartContext {
  readonly endings: Endings;
  readonly local: LocalSettings | undefined;
  readonly demo: DemoCloud | undefined;
  readonly project: string | undefined;
}

const start = async (
  config: Config,
  { endings, local, demo, project }: StartContext,
): Promise<RunningServer> => {
  const isMany = config.role !== 'background' && config.processes > 1;
  const log = createLog({ level: config.logLevel, processName: isMany ? 'main' : undefined });
  warnOfShortClaims(config, log);
  await prepareDataFolder(config.data);
  const { broken, breakDown } = breakable();
  const postgres = await startDatabase(config, { log, onLost: breakDown });
  endings.add(() => postgres?.stop());
  if (postgres) endings.add(await watched(config.data, breakDown));
  const databaseUrl = await prepareDatabase(config, postgres?.url);
  const secrets = await readSecrets(config);
  const address = { rootUrl: config.rootUrl ?? '' };
  const pools = poolSizes(config, { isEmbedded: postgres !== undefined });
  const opened = await openApp(
    { ...config, databasePoolSizeMax: isMany ? pools.main : config.databasePoolSizeMax },
    {
      databaseUrl,
      log,
      secrets,
      isAlone: postgres !== undefined && !isMany,
      processName: isMany ? 'main' : undefined,
      local,
      rootUrl: () => address.rootUrl,
    },
  );
  endings.add(opened.close);
  const { app } = opened;
  const auth = app.domains.auth.verbs;
  const credentials = auth.staticCredentials(ownClients.root);
  const isOurs = postgres !== undefined && config.worker.enabled && config.role === 'all';
  // Only our own worker has this name, and it is not running yet, so its earlier claims are lost.
  if (isOurs) await app.domains.queue.verbs.loseWorkers.one(builtInWorker);
  const processes: ReadMetrics[] = [async () => [await opened.metrics.read()]];
  const metricsUrl = await startMetrics(config, { opened, processes, endings });
  startLoops(config, { opened, log, isMany, endings });
  const api = await startApi(config, { opened, databaseUrl, log, poolSizeMax: pools.api, local });
  if (api) {
    endings.add(api.close);
    processes.push(api.readMetrics);
    address.rootUrl ||= api.url;
  }
  // They end first, since they still have to report how their tasks ended.
  endings.add(app.domains.workerManager.endMachines);
  if (demo) endings.add(demo.close);
  if (postgres) await settleLocalPool(app.domains.workerManager.verbs, config);
  if (demo) await ensureDemoPool(app.domains.workerManager.verbs);
  await announce(config, credentials, { rootUrl: address.rootUrl, metricsUrl, project });
  endings.add(() => rm(announcement(config), { force: true }));
  endings.add(() => api && leave(api, config));
  // A server for many people prints to logs, so a link must be requested there.
  const signIn = api && postgres && (await app.domains.sessions.verbs.createSignInCodeFor(ownClients.root));
  return {
    rootUrl: address.rootUrl,
    otherUrls: (api?.urls ?? []).filter((url) => url !== address.rootUrl),
    metricsUrl,
    credentials,
    builtInWorker: { ...builtInWorker, credentials: auth.staticCredentials(ownClients.worker) },
    signInUrl: signIn?.url,
    locateFile: app.domains.artifacts.verbs.locateFile,
    broken,
    close: endings.runAll,
  };
};

/** Connections of the embedded PostgreSQL for all processes that serve the API together. */
const embeddedConnections = 45;
/** Connections of this process, when others serve the API. */
const mainPoolSizeMax = 5;

/** The most connections of each process. Each listens on one more. */
const poolSizes = (
  { databasePoolSizeMax, processes }: Config,
  { isEmbedded }: { isEmbedded: boolean },
): { main: number; api: number } => {
  const share = isEmbedded
    ? Math.max(2, Math.floor(embeddedConnections / processes) - 1)
    : databasePoolSizeMax;
  return {
    main: Math.min(databasePoolSizeMax, mainPoolSizeMax),
    api: Math.min(databasePoolSizeMax, share),
  };
};

/** A warning is logged for shorter claims: the original's generic-worker would never reclaim them. */
const claimSecondsMin = 210;

const warnOfShortClaims = ({ claimTimeoutSeconds }: Config, log: Logger): void => {
  if (claimTimeoutSeconds >= claimSecondsMin) return;
  log.warn(
    { claimTimeoutSeconds },
    `TASK_CLAIM_TIMEOUT is below ${claimSecondsMin} seconds: the original's generic-worker never reclaims such claims`,
  );
};

/** Stops watching the data folder. */
const watched = async (data: string, breakDown: (error: Error) => void) => {
  const stop = await watchDataFolder(data, breakDown);
  return async () => stop();
};

const breakable = () => {
  let breakDown = (_: Error): void => {};
  const broken = new Promise<Error>((resolve) => {
    breakDown = resolve;
  });
  return { broken, breakDown };
};

interface DatabaseContext {
  readonly log: Logger;
  readonly onLost: (error: Error) => void;
}

const startDatabase = async (
  config: Config,
  { log, onLost }: DatabaseContext,
): Promise<EmbeddedPostgres | undefined> => {
  if (config.databaseUrl) return undefined;
  // At least three for each process that serves the API, and some for everything else.
  const connections = Math.max(60, 15 + 3 * config.processes);
  return startEmbeddedPostgres({
    dataDir: config.data,
    log,
    settings: { max_connections: String(connections) },
    onLost: (error) => void causeOfLoss(config.data, error).then(onLost),
  });
};

type ReadMetrics = () => Promise<readonly (readonly MetricValues[])[]>;

interface Measured {
  readonly opened: OpenedApp;
  readonly processes: readonly ReadMetrics[];
  readonly endings: Endings;
}

const startMetrics = async (
  { host, metricsHost = host, metricsPort }: Config,
  { opened, processes, endings }: Measured,
): Promise<string | undefined> => {
  if (metricsPort === undefined) return undefined;
  measureDeployment(opened.metrics, { clock: systemClock, domains: opened.app.domains });
  const readAll: ReadMetrics = async () => (await Promise.all(processes.map((read) => read()))).flat();
  const server = await serveMetrics({ host: metricsHost, port: metricsPort }, readAll);
  endings.add(server.close);
  return server.url;
};

interface Background {
  readonly opened: OpenedApp;
  readonly log: Logger;
  readonly isMany: boolean;
  readonly endings: Endings;
}

const startLoops = (config: Config, { opened, log, isMany, endings }: Background): void => {
  const { app, recovered } = opened;
  const { role } = config;
  const isApi = role !== 'background' && !isMany;
  const background = [...app.loops, cleaningLoop(config, app.domains.artifacts.verbs)];
  const loops = runLoops([...(role === 'api' ? [] : background), ...(isApi ? app.loopsOfEachProcess : [])], {
    clock: systemClock,
    log,
    recovered,
  });
  endings.add(async () => {
    await app.drain();
    await loops.stop();
  });
};

interface Api {
  readonly url: string;
  readonly urls: readonly string[];
  readonly readMetrics: ReadMetrics;
  /** Says from now on that it is about to end. */
  leave(): void;
  close(): Promise<void>;
}

interface ApiContext {
  readonly opened: OpenedApp;
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly poolSizeMax: number;
  readonly local: LocalSettings | undefined;
}

/** Gives a balancer time to notice that no more connections are wanted, while they are still accepted. */
const leave = async (api: Api, { drainDelaySeconds }: Config): Promise<void> => {
  api.leave();
  await systemClock.sleep(seconds(drainDelaySeconds));
};

/** Serves the API, in this process or in several others. */
const startApi = async (config: Config, ground: ApiContext): Promise<Api | undefined> => {
  if (config.role === 'background') return undefined;
  const { databaseUrl, log, poolSizeMax, local } = ground;
  if (config.processes > 1) {
    return startApiProcesses({
      config: { ...config, databasePoolSizeMax: poolSizeMax },
      databaseUrl,
      log,
      local,
      count: config.processes,
      rootUrl: config.rootUrl,
    });
  }
  const { app } = ground.opened;
  const http = await createHttpServer(app, config);
  const entrance = await openEntrance(config, http.take);
  return {
    url: entrance.url,
    urls: entrance.urls,
    readMetrics: async () => [],
    leave: ground.opened.leave,
    close: async () => {
      await entrance.close();
      await app.drain();
      await http.drain();
    },
  };
};

const announcement = (config: Config): string => join(config.data, 'server.json');

interface Addresses {
  readonly rootUrl: string;
  readonly metricsUrl: string | undefined;
  /** The folder that tasks on this machine may read. */
  readonly project: string | undefined;
}

/** Writes the URL of the platform and the root credentials to a file, for clients on this machine. */
const announce = async (
  config: Config,
  { clientId, accessToken }: Credentials,
  { rootUrl, ...others }: Addresses,
): Promise<void> => {
  const lines = [
    `TASKCLUSTER_ROOT_URL=${rootUrl}`,
    `TASKCLUSTER_CLIENT_ID=${clientId}`,
    `TASKCLUSTER_ACCESS_TOKEN=${accessToken}`,
  ];
  const file = join(config.data, 'credentials.env');
  await rm(file, { force: true });
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  if (config.role !== 'background') {
    const { upstreamUrl } = config;
    const announced = { url: rootUrl, ...others, upstreamUrl, pid: process.pid };
    await writeFile(announcement(config), JSON.stringify(announced));
  }
};
