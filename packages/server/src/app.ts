import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { createArtifacts } from './artifacts/index.ts';
import {
  type Auth,
  createAuth,
  fillTemplate,
  type OtherParties,
  type StaticClient,
  signedUrl,
} from './auth/index.ts';
import {
  type Clock,
  createTurns,
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
import { createBuiltInWorkers } from './built-in-workers/index.ts';
import type { Config } from './config.ts';
import { declarations } from './declarations.ts';
import { createEvents, outbox, type RelaySettings } from './events/index.ts';
import { createHooks } from './hooks/index.ts';
import { exchangeNames, type ProcessFacts, serve, serveDocuments } from './http/index.ts';
import { createIndex } from './index/index.ts';
import { measureDeployment, measureProcess, observers } from './measures.ts';
import { createNotify, type SenderSettings } from './notify/index.ts';
import { createObjects } from './objects/index.ts';
import { createPurgeCache } from './purge-cache/index.ts';
import {
  createQueue,
  type Queue,
  type QueueContext,
  readAgeing,
  readDefinitions,
  readStatuses,
  shareStatuses,
} from './queue/index.ts';
import { createSecrets } from './secrets/index.ts';
import { createSessions, identityProviders, type Sessions } from './sessions/index.ts';
import { createTaskGraphs } from './task-graphs/index.ts';
import { createTunnels } from './tunnels/index.ts';
import { createWorkerManager, type LocalSettings, type OpenedWorkerManager } from './worker-manager/index.ts';
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
  /** How workers on this machine are started, where that is known. */
  readonly local?: LocalSettings | undefined;
  /** Other processes serve the same deployment. */
  readonly hasPeers?: boolean | undefined;
  rootUrl(): string;
}

/** Wake-ups between the parts of the application. */
export type Signals = Readonly<Record<(typeof signalNames)[number], Signal>>;
const signalNames = [
  'events',
  'pending',
  'releases',
  'quarantines',
  'credentials',
  'notifications',
  'hooks',
  'workers',
  'workerPools',
  'purges',
] as const;

/** Wake-ups for one process that has the database for itself. */
export const localSignals = (): Signals => ({
  events: localSignal(),
  pending: localSignal(),
  releases: localSignal(),
  quarantines: localSignal(),
  credentials: localSignal(),
  notifications: localSignal(),
  hooks: localSignal(),
  workers: localSignal(),
  workerPools: localSignal(),
  purges: localSignal(),
});

/** Wake-ups between all processes that share a database. */
export const sharedSignals = (db: Database, onError: (error: unknown) => void): Promise<Signals> =>
  sharedSignalsOn(db, signalNames, { channel: 'taskyard', clock: systemClock, onError });

/** The platform, joined from its domains. */
export interface App {
  readonly auth: Auth;
  readonly queue: Queue;
  readonly workerManager: OpenedWorkerManager;
  readonly sessions: Sessions;
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
  // Another transaction may start beside one that takes long, like that of a large graph.
  const turns = createTurns(systemClock, 10);
  const room = { db, clock, log, observeBatch, turns };
  const auth = createAuth({
    ...room,
    encryption,
    outbox,
    staticClients,
    origins: originsOf(config),
    trustsProxy: config.trustProxy,
    auditRetentionDays: config.auditRetentionDays,
    ...otherPartiesOf(config),
    changed: signals.credentials,
    isRevoked: (clientId) => workerManager.isRevoked(clientId),
  });
  const events = createEvents({
    ...room,
    changed: signals.events,
    retentionSeconds: config.eventRetentionSeconds,
    relay: relayOf(deps),
  });
  const objects = createObjects({
    ...room,
    rootUrl,
    ...backendsOf(config),
    replacing: (key, replace) => artifacts.replaceBytes(key, replace),
  });
  const workers = createWorkers({ ...room, quarantinesChanged: signals.quarantines });
  const artifacts = createArtifacts({
    ...room,
    objects,
    readStatuses,
    shareStatuses,
    issueCredentials: auth.issueCredentials,
  });
  const queueDeps: QueueContext = {
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
    onResolved: (tx, changes, now) => taskGraphs.onResolved(tx, changes, now),
    onDeleted: (tx, taskIds, now) => artifacts.expireArtifactsOf(tx, taskIds, now),
    issueCredentials: auth.issueCredentials,
    isQuarantined: (...worker) =>
      workers.quarantinedUntil(...worker) !== undefined || workerManager.isBarred(...worker),
    quarantinesKnown: workers.quarantinesKnown,
    seeWorkers: workers.seeWorkers,
  };
  const queue = createQueue(queueDeps);
  const taskGraphs = createTaskGraphs({ ...room, queue: queueDeps, callerFor: auth.callerWithRoles });
  const notify = createNotify({
    ...room,
    rootUrl,
    readDefinitions,
    settings: sendersOf(config),
    accepted: signals.notifications,
  });
  const index = createIndex({
    ...room,
    rootUrl,
    readDefinitions,
    anonymous: () => auth.callerWithRoles([]),
    signUrl: signerOf(auth),
  });
  const secrets = createSecrets({ ...room, encryption, recordAudit: auth.recordAudit });
  const purgeCache = createPurgeCache({ ...room, changed: signals.purges });
  const workerManager = createWorkerManager({
    ...room,
    queue,
    workers,
    issueCredentials: auth.issueCredentials,
    recordAudit: auth.recordAudit,
    email: notify.email,
    configured: config.providers,
    local: deps.local,
    changed: signals.workers,
    poolsChanged: signals.workerPools,
    pendingChanged: signals.pending,
    rootUrl,
  });
  const hooks = createHooks({
    ...room,
    encryption,
    queue: queueDeps,
    exchangePrefix: config.exchangePrefix,
    amqpUrl: config.amqpUrl,
    changed: signals.hooks,
    callerFor: auth.callerWithRoles,
    recordAudit: auth.recordAudit,
    email: notify.email,
  });
  const tunnels = createTunnels({
    ...room,
    authenticate: auth.authenticate,
    rootUrl,
    hasPeers: deps.hasPeers ?? false,
    peerHost: config.peerHost,
  });
  const builtInWorkers = createBuiltInWorkers({ queue, pendingChanged: signals.pending });
  const sessions = createSessions({
    db,
    clock,
    log,
    encryption,
    auth,
    rootUrl,
    identityProviders: identityProviders(config),
  });
  measureProcess(deps.metrics, { db, relayDb: deps.relayDb, queue, events: events.verbs, notify });
  const services = {
    auth,
    events: events.verbs,
    objects,
    workers,
    queue,
    artifacts,
    taskGraphs,
    notify,
    index,
    secrets,
    purgeCache,
    workerManager,
    hooks,
    sessions,
    views: { db, clock, queue },
  };
  return {
    auth,
    queue,
    workerManager,
    sessions,
    loops: [
      ...auth.loops,
      ...events.loops,
      ...objects.loops,
      ...workers.loops,
      ...queue.loops,
      ...artifacts.loops,
      ...taskGraphs.loops,
      ...notify.loops,
      ...index.loops,
      ...secrets.loops,
      ...purgeCache.loops,
      ...workerManager.loops,
      ...hooks.loops,
      ...builtInWorkers.loops,
      ...sessions.loops,
      ...tunnels.loops,
      ...[notify.subscription, index.subscription, workerManager.subscription, hooks.subscription].map(
        events.subscribe,
      ),
    ],
    loopsOfEachProcess: [
      ...workers.loopsOfEachProcess,
      ...workerManager.loopsOfEachProcess,
      ...tunnels.loopsOfEachProcess,
    ],
    measureDeployment: () =>
      measureDeployment(deps.metrics, { clock, queue, events: events.verbs, workerManager }),
    start: async () => {
      await hooks.start();
      await events.start();
      await auth.start();
      await workers.loadQuarantines();
      await workerManager.start();
    },
    register: (server) => {
      serveDocuments(server, declarations, deps.process.version);
      objects.byteRoutes(server);
      tunnels.register(server);
      serve(
        server,
        {
          clock,
          log,
          process: deps.process,
          authenticate: auth.authenticate,
          requirePayload: auth.requirePayload,
          claimedId: auth.claimedId,
          fillScopes: fillTemplate,
          watchMethod,
        },
        { declarations, services },
      );
    },
    locateFile: artifacts.locateFile,
    drain: async () => {
      await events.drain();
      await Promise.all([queue.close(), tunnels.close()]);
    },
    settle: async () => {
      await Promise.all([workers.settle(), auth.idle(), events.close(), hooks.close()]);
    },
  };
};

/** Signs URLs of the platform for somebody who may do what these scopes allow. */
const signerOf =
  (auth: Auth): Parameters<typeof createIndex>[0]['signUrl'] =>
  (url, wanted) => {
    const credentials = auth.issueCredentials({ ...wanted, clientId: 'index/signed-url' });
    return signedUrl(url, { ...credentials, expiry: wanted.expiry });
  };

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

/** The ways out of the platform that its operator has configured. */
const sendersOf = ({ notify }: Config): SenderSettings => {
  const { smtpUrl, emailFrom: from, matrixUrl, matrixAccessToken, slackUrl, slackAccessToken } = notify;
  return {
    email: smtpUrl && from ? { smtpUrl, from } : undefined,
    matrix: matrixUrl && matrixAccessToken ? { url: matrixUrl, accessToken: matrixAccessToken } : undefined,
    slack: slackAccessToken ? { url: slackUrl, accessToken: slackAccessToken } : undefined,
  };
};

/** The parties whose credentials may be given out. */
const otherPartiesOf = ({ websocktunnelSecret, aws, gcp, sentry, github }: Config): OtherParties => {
  const { organization, authToken, team, ...rest } = sentry;
  return {
    websocktunnelSecret,
    aws: aws.buckets && { buckets: aws.buckets, stsUrl: aws.stsUrl },
    gcp: gcp.projects && { projects: gcp.projects, url: gcp.iamCredentialsUrl },
    sentry: organization && authToken && team ? { ...rest, organization, authToken, team } : undefined,
    github: github.apps && { apps: github.apps, url: github.url },
  };
};

/** Where bytes lie: in a bucket when there is one, on disk otherwise, and wherever else the operator wants them. */
const backendsOf = ({ s3, data, objects }: Config) => {
  const { bucket, ...options } = s3;
  const { backends, backendMap: placement, artifactBackend } = objects;
  const standard: Parameters<typeof createObjects>[0]['backends'] = bucket
    ? { s3: { type: 's3', bucket, ...options } }
    : { disk: { type: 'disk', folder: join(data, 'objects') } };
  return {
    backends: { ...standard, ...backends },
    ...(placement ? { placement } : {}),
    ...(artifactBackend ? { artifactBackend } : {}),
  };
};
