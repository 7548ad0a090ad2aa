import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApiProcesses } from './api-processes.ts';
import type { App } from './app.ts';
import {
  createLog,
  type EmbeddedPostgres,
  type Logger,
  type MetricValues,
  migrate,
  runLoops,
  startEmbeddedPostgres,
  systemClock,
} from './base/index.ts';
import type { Config } from './config.ts';
import { openEntrance } from './entrance.ts';
import { createHttpServer } from './http-server.ts';
import { serveMetrics } from './metrics-server.ts';
import { type OpenedApp, openApp } from './open-app.ts';
import { readSecrets, type Secrets } from './secrets.ts';

/** A running platform. */
export interface RunningServer {
  readonly rootUrl: string;
  /** Where Prometheus finds the metrics, when they are wanted. */
  readonly metricsUrl: string | undefined;
  /** The root client, with scope `*`. */
  readonly credentials: { readonly clientId: string; readonly accessToken: string };
  readonly locateFile: App['locateFile'];
  /** Answers what is under way, then ends everything that was started. */
  close(): Promise<void>;
}

/** The worker that runs beside the platform; the CLI starts it under this name. */
const builtInWorker = { workerGroup: 'local', workerId: 'built-in' };

/** Starts the platform: the database unless one is given, the API and the background loops, as the role says. */
export const startServer = async (config: Config): Promise<RunningServer> => {
  const endings = createEndings();
  try {
    return await start(config, endings);
  } catch (error) {
    await endings.runAll();
    throw error;
  }
};

/** How to end what was started; the last one goes first. */
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

const start = async (config: Config, endings: Endings): Promise<RunningServer> => {
  const isMany = config.role !== 'background' && config.processes > 1;
  const log = createLog({ level: config.logLevel, processName: isMany ? 'main' : undefined });
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const postgres = await startDatabase(config, log);
  endings.add(() => postgres?.stop());
  const databaseUrl = config.databaseUrl ?? (postgres as EmbeddedPostgres).url;
  await migrate(databaseUrl);
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
      rootUrl: () => address.rootUrl,
    },
  );
  endings.add(opened.close);
  const { app } = opened;
  const isOurs = postgres !== undefined && config.worker.enabled && config.role === 'all';
  // Nobody but our own worker has this name here, and it is not running yet: what it held is lost.
  if (isOurs) await app.queue.loseWorker(builtInWorker);
  const processes: ReadMetrics[] = [async () => [await opened.metrics.read()]];
  const metricsUrl = await startMetrics(config, { opened, processes, endings });
  startLoops(config, { app, log, isMany, endings });
  const api = await startApi(config, { opened, databaseUrl, log, poolSizeMax: pools.api });
  if (api) {
    endings.add(api.close);
    processes.push(api.readMetrics);
    address.rootUrl ||= api.url;
  }
  await announce(config, secrets, { rootUrl: address.rootUrl, metricsUrl });
  endings.add(() => rm(announcement(config), { force: true }));
  return {
    rootUrl: address.rootUrl,
    metricsUrl,
    credentials: credentialsOf(secrets),
    locateFile: app.locateFile,
    close: endings.runAll,
  };
};

/** Connections of the embedded PostgreSQL that are shared out between the processes that serve the API. */
const embeddedConnections = 45;
/** Those of this process, where others serve the API. */
const mainPoolSizeMax = 5;

/** How many connections each process may open at most. With its pool, each listens on one more. */
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

const startDatabase = async (config: Config, log: Logger): Promise<EmbeddedPostgres | undefined> => {
  if (config.databaseUrl) return undefined;
  // Three for each process that serves the API, where there are very many, and some for everybody else.
  const connections = Math.max(60, 15 + 3 * config.processes);
  return startEmbeddedPostgres({
    dataDir: config.data,
    log,
    settings: { max_connections: String(connections) },
  });
};

type ReadMetrics = () => Promise<readonly (readonly MetricValues[])[]>;

interface Measured {
  readonly opened: OpenedApp;
  readonly processes: readonly ReadMetrics[];
  readonly endings: Endings;
}

const startMetrics = async (
  { host, metricsPort }: Config,
  { opened, processes, endings }: Measured,
): Promise<string | undefined> => {
  if (metricsPort === undefined) return undefined;
  opened.app.measureDeployment();
  const readAll: ReadMetrics = async () => (await Promise.all(processes.map((read) => read()))).flat();
  const server = await serveMetrics({ host, port: metricsPort }, readAll);
  endings.add(server.close);
  return server.url;
};

interface Background {
  readonly app: App;
  readonly log: Logger;
  readonly isMany: boolean;
  readonly endings: Endings;
}

const startLoops = ({ role }: Config, { app, log, isMany, endings }: Background): void => {
  const isApi = role !== 'background' && !isMany;
  const loops = runLoops([...(role === 'api' ? [] : app.loops), ...(isApi ? app.loopsOfEachProcess : [])], {
    clock: systemClock,
    log,
  });
  endings.add(async () => {
    await app.drain();
    await loops.stop();
  });
};

interface Api {
  readonly url: string;
  readonly readMetrics: ReadMetrics;
  close(): Promise<void>;
}

interface ApiGround {
  readonly opened: OpenedApp;
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly poolSizeMax: number;
}

/** Serves the API, in this process or in several others. */
const startApi = async (config: Config, ground: ApiGround): Promise<Api | undefined> => {
  if (config.role === 'background') return undefined;
  const { databaseUrl, log, poolSizeMax } = ground;
  if (config.processes > 1) {
    return startApiProcesses({
      config: { ...config, databasePoolSizeMax: poolSizeMax },
      databaseUrl,
      log,
      count: config.processes,
      rootUrl: config.rootUrl,
    });
  }
  const { app } = ground.opened;
  const http = await createHttpServer(app, config);
  const entrance = await openEntrance(config, http.take);
  return {
    url: entrance.url,
    readMetrics: async () => [],
    close: async () => {
      await entrance.close();
      await app.drain();
      await http.drain();
    },
  };
};

const credentialsOf = ({ rootClient }: Secrets) => ({
  clientId: rootClient.clientId,
  accessToken: rootClient.accessToken,
});

const announcement = (config: Config): string => join(config.data, 'server.json');

interface Addresses {
  readonly rootUrl: string;
  readonly metricsUrl: string | undefined;
}

/** Writes where the platform is and how to be its operator, for clients on this machine. */
const announce = async (
  config: Config,
  secrets: Secrets,
  { rootUrl, metricsUrl }: Addresses,
): Promise<void> => {
  const { clientId, accessToken } = credentialsOf(secrets);
  const lines = [
    `TASKCLUSTER_ROOT_URL=${rootUrl}`,
    `TASKCLUSTER_CLIENT_ID=${clientId}`,
    `TASKCLUSTER_ACCESS_TOKEN=${accessToken}`,
  ];
  const file = join(config.data, 'credentials.env');
  await rm(file, { force: true });
  await writeFile(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  if (config.role !== 'background') {
    await writeFile(announcement(config), JSON.stringify({ url: rootUrl, metricsUrl, pid: process.pid }));
  }
};
