import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createArtifacts } from './artifacts/index.ts';
import { type Auth, createAuth, fillTemplate, type StaticClient } from './auth/index.ts';
import {
  type Clock,
  type Database,
  type Encryption,
  type Logger,
  type Loop,
  localSignal,
  type Metrics,
  type Signal,
  sharedSignals as sharedSignalsOn,
  systemClock,
} from './base/index.ts';
import type { Config } from './config.ts';
import { declarations } from './declarations.ts';
import { createEvents, outbox, type RelaySettings } from './events/index.ts';
import { exchangeNames, type ProcessFacts, serve, serveDocuments } from './http/index.ts';
import { measureDeployment, measureProcess, observers } from './measures.ts';
import { createObjects } from './objects/index.ts';
import { createQueue, type Queue, type QueueDeps, readAgeing, readStatuses } from './queue/index.ts';
import { createTaskGraphs } from './task-graphs/index.ts';
import { createWorkers } from './workers/index.ts';

/** What the whole application needs from the program around it. */
export interface AppDeps {
  readonly config: Config;
  readonly db: Database;
  /** The same database; its commits wake nobody. It is there where messages are to be published to a broker. */
  readonly relayDb?: Database | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  readonly staticClients: readonly StaticClient[];
  readonly signals: Signals;
  readonly process: ProcessFacts;
  readonly metrics: Metrics;
  rootUrl(): string;
}

/** Wake-ups between the parts of the application. */
export type Signals = Readonly<Record<(typeof signalNames)[number], Signal>>;
const signalNames = ['events', 'pending', 'releases', 'quarantines', 'credentials'] as const;

/** Wake-ups for one process that has the database for itself. */
export const localSignals = (): Signals => ({
  events: localSignal(),
  pending: localSignal(),
  releases: localSignal(),
  quarantines: localSignal(),
  credentials: localSignal(),
});

/** Wake-ups between all processes that share a database. */
export const sharedSignals = (db: Database, onError: (error: unknown) => void): Promise<Signals> =>
  sharedSignalsOn(db, signalNames, { channel: 'taskyard', clock: systemClock, onError });

/** The platform, joined from its domains. */
export interface App {
  readonly auth: Auth;
  readonly queue: Queue;
  /** Background work of a deployment: any number of processes may do it. */
  readonly loops: readonly Loop[];
  /** Background work of each process that serves the API. */
  readonly loopsOfEachProcess: readonly Loop[];
  /** Adds what concerns the whole deployment to the metrics; one process tells it for all. */
  measureDeployment(): void;
  /** To be awaited before the first request. */
  start(): Promise<void>;
  /** Registers all that is served over HTTP. */
  register(server: FastifyInstance): void;
  /** The file that holds an artifact's bytes, when they lie on this machine's disk. */
  locateFile(artifact: { taskId: string; runId: number; name: string }): Promise<string | undefined>;
  /** Answers all who wait; nobody is kept waiting from then on. */
  drain(): Promise<void>;
  /** Writes what is left to write. */
  settle(): Promise<void>;
}

/** Joins the domains. This is the only place where a floor is handed what lies above it. */
export const createApp = (deps: AppDeps): App => {
  const { config, db, clock, log, signals, encryption, staticClients, rootUrl } = deps;
  const { observeBatch, observeClaim, watchMethod } = observers(deps.metrics);
  const room = { db, clock, log, observeBatch };
  const closing = new AbortController();
  const auth = createAuth({
    ...room,
    encryption,
    outbox,
    staticClients,
    origins: originsOf(config),
    websocktunnelSecret: config.websocktunnelSecret,
    changed: signals.credentials,
  });
  const events = createEvents({
    ...room,
    changed: signals.events,
    retentionSeconds: config.eventRetentionSeconds,
    closing: closing.signal,
    relay: relayOf(deps),
  });
  const objects = createObjects({ ...room, rootUrl, backends: backendsOf(config) });
  const workers = createWorkers({ ...room, quarantinesChanged: signals.quarantines });
  const artifacts = createArtifacts({
    ...room,
    objects,
    readStatuses,
    issueCredentials: auth.issueCredentials,
  });
  const queueDeps: QueueDeps = {
    ...room,
    settings: {
      claimTimeoutSeconds: config.claimTimeoutSeconds,
      deadlineDelaySeconds: config.deadlineDelaySeconds,
      deadlineDaysMax: config.taskDeadlineDaysMax,
      dependenciesMax: config.taskDependenciesMax,
      longPollSeconds: 20,
      ageing: readAgeing(config.ageing),
    },
    pendingChanged: signals.pending,
    releaseStarted: signals.releases,
    observeClaim,
    onResolved: (tx, moves, now) => taskGraphs.onResolved(tx, moves, now),
    onDeleted: (tx, taskIds, now) => artifacts.expireArtifactsOf(tx, taskIds, now),
    issueCredentials: auth.issueCredentials,
    isQuarantined: (...worker) => workers.quarantinedUntil(...worker) !== undefined,
    seeWorkers: workers.seeWorkers,
  };
  const queue = createQueue(queueDeps);
  const taskGraphs = createTaskGraphs({ ...room, queue: queueDeps, callerFor: callerWithRoles(auth) });
  measureProcess(deps.metrics, { db, relayDb: deps.relayDb, queue, events });
  const services = { auth, events, objects, workers, queue, artifacts, taskGraphs };
  return {
    auth,
    queue,
    loops: [
      ...auth.loops,
      ...events.loops,
      ...objects.loops,
      ...workers.loops,
      ...queue.loops,
      ...artifacts.loops,
      ...taskGraphs.loops,
    ],
    loopsOfEachProcess: workers.loopsOfEachProcess,
    measureDeployment: () => measureDeployment(deps.metrics, { clock, queue, events }),
    start: async () => {
      await events.start();
      await auth.start();
      await workers.loadQuarantines();
    },
    register: (server) => {
      serveDocuments(server, declarations);
      objects.byteRoutes(server);
      serve(
        server,
        {
          clock,
          log,
          process: deps.process,
          authenticate: auth.authenticate,
          fillScopes: fillTemplate,
          watchMethod,
        },
        { declarations, services },
      );
    },
    locateFile: artifacts.locateFile,
    drain: async () => {
      closing.abort();
      await queue.close();
    },
    settle: async () => {
      await Promise.all([workers.settle(), auth.idle(), events.close()]);
    },
  };
};

/** Whoever has these scopes, as if they came with a request: what roles add to them is theirs too. */
const callerWithRoles = (auth: Auth) => async (scopes: readonly string[]) =>
  auth.callerFor((await auth.expandScopes({ scopes: [...scopes, 'assume:anonymous'] })).scopes);

/** The name under which clients sign their requests, whatever a proxy in between makes of it. */
const originsOf = ({ rootUrl }: Config) => {
  if (!rootUrl) return [];
  const { hostname, port, protocol } = new URL(rootUrl);
  return [{ host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) }];
};

/** The broker that messages are published to, if there is one. */
const relayOf = ({ config, relayDb, log }: AppDeps): RelaySettings | undefined => {
  const { amqpUrl, exchangePrefix } = config;
  return amqpUrl && relayDb
    ? { url: amqpUrl, exchangePrefix, exchanges: exchangeNames(declarations), db: relayDb, log }
    : undefined;
};

/** Where bytes lie: in a bucket when there is one, on disk otherwise. */
const backendsOf = ({ s3, data }: Config): Parameters<typeof createObjects>[0]['backends'] => {
  const { bucket, ...options } = s3;
  if (bucket) return { s3: { type: 's3', bucket, ...options } };
  return { disk: { type: 'disk', folder: join(data, 'objects') } };
};
