import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import { startPage } from '@taskyard/ui';
import { type FastifyInstance, fastify } from 'fastify';
import { type App, createApp, localSignals, sharedSignals } from './app.ts';
import {
  connect,
  createLog,
  type Database,
  type EmbeddedPostgres,
  type Logger,
  localSignal,
  migrate,
  runLoops,
  startEmbeddedPostgres,
  systemClock,
} from './base/index.ts';
import type { Config } from './config.ts';
import { readSecrets, type Secrets } from './secrets.ts';

/** A running platform. */
export interface RunningServer {
  readonly rootUrl: string;
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
  const log = createLog({ level: config.logLevel });
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const postgres = config.databaseUrl
    ? undefined
    : await startEmbeddedPostgres({ dataDir: config.data, log });
  try {
    return await startOn(config, { log, postgres });
  } catch (error) {
    await postgres?.stop();
    throw error;
  }
};

interface Ground {
  readonly log: Logger;
  readonly postgres: EmbeddedPostgres | undefined;
}

const startOn = async (config: Config, { log, postgres }: Ground): Promise<RunningServer> => {
  const url = config.databaseUrl ?? (postgres as EmbeddedPostgres).url;
  await migrate(url);
  const secrets = await readSecrets(config);
  const committed = localSignal();
  const db = connect({
    url,
    poolSizeMax: config.databasePoolSizeMax,
    onError: (err) => log.warn({ err }, 'a connection to the database broke'),
    onCommit: () => committed.wake(),
  });
  const relayDb = connectRelay(config, { url, log });
  const signals = postgres ? localSignals() : await sharedSignals(db, log);
  committed.each(() => signals.events.wake());
  const address = { rootUrl: config.rootUrl ?? '' };
  const app = createApp({
    config,
    db,
    relayDb,
    clock: systemClock,
    log,
    signals,
    encryption: secrets.encryption,
    staticClients: secrets.staticClients,
    process: { uptimeSeconds: () => process.uptime(), version: await version() },
    rootUrl: () => address.rootUrl,
  });
  await app.start();
  const isOurs = postgres !== undefined && config.worker.enabled && config.role === 'all';
  // Nobody but our own worker has this name here, and it is not running yet: what it held is lost.
  if (isOurs) await app.queue.loseWorker(builtInWorker);
  const http = config.role === 'background' ? undefined : await listen(app, config);
  address.rootUrl ||= http?.url ?? '';
  const loops = runLoops(
    [...(config.role === 'api' ? [] : app.loops), ...(http ? app.loopsOfEachProcess : [])],
    { clock: systemClock, log },
  );
  await announce(config, secrets, { rootUrl: address.rootUrl });
  return {
    rootUrl: address.rootUrl,
    credentials: credentialsOf(secrets),
    locateFile: app.locateFile,
    close: async () => {
      await rm(announcement(config), { force: true });
      const closed = http?.server.close();
      await app.drain();
      if (http && closed) await closeAsTheyRest(http, closed);
      await loops.stop();
      await app.settle();
      await Promise.all([db.close(), relayDb?.close()]);
      await postgres?.stop();
    },
  };
};

/** The connections of the relay to the broker, where this process is to run one. */
const connectRelay = (config: Config, { url, log }: { url: string; log: Logger }): Database | undefined => {
  if (!config.amqpUrl || config.role === 'api') return undefined;
  const onError = (err: Error) => log.warn({ err }, 'a connection of the relay to the database broke');
  return connect({ url, poolSizeMax: 2, onError });
};

const version = async (): Promise<string> => {
  const text = await readFile(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
};

interface Listening {
  readonly server: FastifyInstance;
  readonly url: string;
  readonly fresh: ReadonlySet<Socket>;
}

const listen = async (app: App, config: Config): Promise<Listening> => {
  const server = fastify({
    logger: false,
    trustProxy: config.trustProxy,
    // Idle connections end with the server; those with a request under way are answered first.
    forceCloseConnections: 'idle',
    keepAliveTimeout: 75_000,
    // Requests that arrive while the server closes are answered like all others.
    return503OnClosing: false,
    routerOptions: { maxParamLength: 8192, caseSensitive: true },
  });
  for (const path of ['/', '/tasks/*']) {
    server.get(path, async (request, reply) =>
      reply.headers(pageHeaders).send(startPage({ version: await version(), path: request.url })),
    );
  }
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'Not found' }));
  app.register(server);
  const fresh = freshConnections(server);
  await server.listen({ port: config.port, host: config.host });
  return { server, url: urlOf(server, config.host), fresh };
};

/** Connections that have carried no request yet: Node does not count them as idle. */
const freshConnections = (server: FastifyInstance): Set<Socket> => {
  const fresh = new Set<Socket>();
  server.server.on('connection', (socket) => {
    fresh.add(socket);
    socket.once('close', () => fresh.delete(socket));
  });
  server.server.on('request', (request) => fresh.delete(request.socket));
  return fresh;
};

/** Ends connections as soon as what was under way on them is answered. */
const closeAsTheyRest = async ({ server, fresh }: Listening, closed: Promise<unknown>): Promise<void> => {
  const done = new AbortController();
  void closed.finally(() => done.abort());
  while (!done.signal.aborted) {
    server.server.closeIdleConnections();
    for (const socket of fresh) socket.destroy();
    await systemClock.sleep(20, done.signal);
  }
  await closed;
};

/** Pages may show their own style, and do nothing else. */
const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};

const urlOf = (server: FastifyInstance, host: string): string => {
  const address = server.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  // An address that stands for every one of this machine is no address to be reached at.
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : isIP(host) === 6 ? `[${host}]` : host;
  return `http://${name}:${port}`;
};

const credentialsOf = ({ rootClient }: Secrets) => ({
  clientId: rootClient.clientId,
  accessToken: rootClient.accessToken,
});

const announcement = (config: Config): string => join(config.data, 'server.json');

/** Writes where the platform is and how to be its operator, for clients on this machine. */
const announce = async (
  config: Config,
  secrets: Secrets,
  { rootUrl }: { rootUrl: string },
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
    await writeFile(announcement(config), JSON.stringify({ url: rootUrl, pid: process.pid }));
  }
};
