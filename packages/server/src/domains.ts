import { pageOf } from '@taskyard/ui';
import { type Artifacts, createArtifacts } from './artifacts/index.ts';
import { type Auth, type AuthVerbs, createAuth, type StaticClient, signedUrl } from './auth/index.ts';
import type { BaseContext, Database, Encryption, Signal } from './base/index.ts';
import { createBuiltInWorkers } from './built-in-workers/index.ts';
import type { Config } from './config/index.ts';
import { declarations } from './declarations.ts';
import {
  backendsOf,
  githubAppOf,
  namesOfOrganizations,
  originsOf,
  otherPartiesOf,
  queueSettingsOf,
  sendersOf,
} from './domain-settings.ts';
import { createEvents, type Events, outbox, type RelaySettings } from './events/index.ts';
import { createGithub, type Github } from './github/index.ts';
import { createHooks, type Hooks } from './hooks/index.ts';
import { type Domain, exchangeNames } from './http/index.ts';
import { createIndex, type Index } from './index/index.ts';
import { createNotify, type Notify } from './notify/index.ts';
import { createObjects, type Objects } from './objects/index.ts';
import { createPurgeCache } from './purge-cache/index.ts';
import {
  createQueue,
  holdSettled,
  type Queue,
  type QueueContext,
  readDefinitions,
  readStatuses,
  settledAmong,
  shareStatuses,
} from './queue/index.ts';
import { createSecrets } from './secrets/index.ts';
import { createSessions, identityProviders, type Sessions } from './sessions/index.ts';
import { createTaskGraphs, type TaskGraphs } from './task-graphs/index.ts';
import { createThirdParties, type ThirdParties } from './third-parties/index.ts';
import { createTunnels, type Tunnels } from './tunnels/index.ts';
import { createUpstream, type Upstream } from './upstream/index.ts';
import { createViews, type Views } from './views/index.ts';
import { createWorkerManager, type LocalSettings, type WorkerManager } from './worker-manager/index.ts';
import { createWorkers, type Workers } from './workers/index.ts';

/** Names of the wake-ups between the domains of a deployment. */
export const signalNames = [
  'events',
  'pending',
  'placesTaken',
  'runsLost',
  'releases',
  'quarantines',
  'credentials',
  'notifications',
  'hooks',
  'workers',
  'workerPools',
  'poolsTouched',
  'purges',
  'githubEvents',
  'githubReports',
] as const;
export type Signals = Readonly<Record<(typeof signalNames)[number], Signal>>;

/** What all domains are opened with. */
export interface DomainDeps extends BaseContext {
  readonly config: Config;
  /** The same database with connections whose commits wake nothing, if messages are published to a broker. */
  readonly relayDb?: Database | undefined;
  readonly encryption: Encryption;
  readonly staticClients: readonly StaticClient[];
  readonly signals: Signals;
  /** Called with the seconds that each claimed run has waited. */
  readonly observeClaim?: QueueContext['observeClaim'];
  /** Called with each run that has ended. */
  readonly observeEnd?: QueueContext['observeEnd'];
  /** How workers on this machine are started, if that is known. */
  readonly local?: LocalSettings | undefined;
  /** Whether other processes serve the same deployment. */
  readonly hasPeers?: boolean | undefined;
  rootUrl(): string;
}

/** The lowest domains. */
interface Ground {
  readonly auth: Auth;
  readonly events: Events;
  readonly objects: Objects;
  readonly workers: Workers;
}

/** The domains of tasks. */
interface Tasks {
  readonly queue: Queue;
  readonly artifacts: Artifacts;
  readonly taskGraphs: TaskGraphs;
}

/** All other services. */
interface Services {
  readonly notify: Notify;
  readonly index: Index;
  readonly upstream: Upstream;
  readonly secrets: Domain;
  readonly purgeCache: Domain;
  readonly workerManager: WorkerManager;
  readonly hooks: Hooks;
  readonly builtInWorkers: Domain;
  readonly sessions: Sessions;
  readonly thirdParties: ThirdParties;
  readonly tunnels: Tunnels;
  readonly views: Views;
}

/** What acts for other parties by all of these. */
interface Bridges {
  readonly github: Github;
}

/** All domains, lowest first, by the names by which handlers get their verbs. */
export type Domains = Ground & Tasks & Services & Bridges;

/** The arguments of every function here. `all` may be called once all domains are open. */
interface Opening extends DomainDeps {
  readonly base: BaseContext;
  all(): Domains;
}

/** Opens all domains. Only here a domain gets something of a higher one. */
export const openDomains = (deps: DomainDeps): Domains => {
  const { db, clock, log, observeBatch, tracing, turns } = deps;
  const base = { db, clock, log, observeBatch, tracing, turns };
  const opening: Opening = { ...deps, base, all: () => domains };
  const ground = openGround(opening);
  const queueContext = queueContextOf(opening, ground);
  const tasks = openTasks(opening, ground, queueContext);
  const services = openServices(opening, { ...ground, ...tasks }, queueContext);
  const below = { ...ground, ...tasks, ...services };
  const domains = { ...below, github: openGithub(opening, below, queueContext) };
  return domains;
};

const openGround = ({ base, config, signals, all, ...deps }: Opening): Ground => ({
  auth: createAuth({
    ...base,
    encryption: deps.encryption,
    outbox,
    staticClients: deps.staticClients,
    origins: originsOf(config),
    trustsProxy: config.trustProxy,
    auditRetentionDays: config.auditRetentionDays,
    ...otherPartiesOf(config),
    changed: signals.credentials,
    isRevoked: (clientId) => all().workerManager.verbs.isRevoked(clientId),
  }),
  events: createEvents({
    ...base,
    changed: signals.events,
    retentionSeconds: config.eventRetentionSeconds,
    relay: relayOf({ ...deps, config }),
  }),
  objects: createObjects({
    ...base,
    rootUrl: deps.rootUrl,
    ...backendsOf(config),
    replacing: (key, replace) => all().artifacts.verbs.replaceBytes(key, replace),
    contents: {
      secret: deps.encryption.derive('URLs of the contents of artifacts'),
      read: (key) => all().artifacts.verbs.readContent(key),
    },
  }),
  workers: createWorkers({ ...base, quarantinesChanged: signals.quarantines }),
});

const queueContextOf = (
  { base, config, signals, observeClaim, observeEnd, all }: Opening,
  { auth, workers: { verbs: workers } }: Ground,
): QueueContext => ({
  ...base,
  settings: queueSettingsOf(config),
  pendingChanged: signals.pending,
  placesTaken: signals.placesTaken,
  runsLost: signals.runsLost,
  releaseStarted: signals.releases,
  observeClaim,
  observeEnd,
  workMoved: (taskQueueIds) => all().workerManager.verbs.touchPools(taskQueueIds),
  onResolved: (tx, changes, now) => all().taskGraphs.onResolved(tx, changes, now),
  onDeleted: (tx, taskIds, now) => all().artifacts.verbs.expireArtifactsOf(tx, taskIds, now),
  issueCredentials: auth.verbs.issueCredentials,
  authenticate: auth.verbs.authenticate,
  isQuarantined: (...worker) =>
    workers.quarantinedUntil(...worker) !== undefined || all().workerManager.verbs.isBarred(...worker),
  quarantinesKnown: workers.quarantinesKnown,
  seeWorkers: workers.seeWorkers,
});

const openTasks = (
  { base }: Opening,
  { auth: { verbs: auth }, objects }: Ground,
  queueContext: QueueContext,
): Tasks => ({
  queue: createQueue(queueContext),
  artifacts: createArtifacts({
    ...base,
    objects: objects.verbs,
    readStatuses,
    shareStatuses,
    settledAmong,
    holdSettled,
    issueCredentials: auth.issueCredentials,
  }),
  taskGraphs: createTaskGraphs({ ...base, queue: queueContext, callerFor: auth.callerWithRoles }),
});

const openServices = (
  opening: Opening,
  { auth: { verbs: auth }, workers: { verbs: workers }, queue: { verbs: queue }, artifacts }: Ground & Tasks,
  queueContext: QueueContext,
): Services => {
  const { base, config, signals, encryption, rootUrl, local } = opening;
  const { issueCredentials, recordAudit, callerWithRoles: callerFor } = auth;
  const notify = openNotify(opening);
  const index = openIndex(opening, auth);
  const { email } = notify.verbs;
  return {
    notify,
    index,
    upstream: openUpstream(opening, { queue, artifacts, index }, queueContext),
    secrets: createSecrets({ ...base, encryption, recordAudit }),
    purgeCache: createPurgeCache({ ...base, changed: signals.purges }),
    workerManager: createWorkerManager({
      ...base,
      queue,
      workers,
      issueCredentials,
      recordAudit,
      email,
      configured: config.providers,
      local,
      changed: signals.workers,
      // Waiting claims of workers that get nothing any more end as those of workers in quarantine do.
      barredKnown: workers.quarantinesKnown,
      poolsChanged: signals.workerPools,
      poolsTouched: signals.poolsTouched,
      quarantinesChanged: signals.quarantines,
      pendingChanged: signals.pending,
      rootUrl,
    }),
    hooks: createHooks({
      ...base,
      encryption,
      queue: queueContext,
      exchangePrefix: config.exchangePrefix,
      amqpUrl: config.amqpUrl,
      changed: signals.hooks,
      callerFor,
      recordAudit,
      email,
    }),
    builtInWorkers: createBuiltInWorkers({ queue, pendingChanged: signals.pending }),
    ...openSignIn(opening, auth),
    tunnels: createTunnels({
      ...base,
      authenticate: auth.authenticate,
      rootUrl,
      hasPeers: opening.hasPeers ?? false,
      peerHost: config.peerHost,
    }),
    views: createViews({ ...base, queue, artifacts: artifacts.verbs, rootUrl }),
  };
};

const openSignIn = (
  { base, config, encryption, rootUrl }: Opening,
  auth: AuthVerbs,
): Pick<Services, 'sessions' | 'thirdParties'> => {
  const sessions = createSessions({
    ...base,
    encryption,
    auth,
    rootUrl,
    identityProviders: identityProviders(config),
    organizations: namesOfOrganizations(config),
    pageOf,
  });
  const registered = config.registeredClients ?? [];
  return {
    sessions,
    thirdParties: createThirdParties({ ...base, auth, sessions: sessions.verbs, registered, rootUrl }),
  };
};

const openGithub = (
  { base, config, signals, rootUrl }: Opening,
  { auth, queue, artifacts, hooks, views }: Omit<Domains, 'github'>,
  queueContext: QueueContext,
): Github =>
  createGithub({
    ...base,
    settings: githubAppOf(config),
    queueContext,
    queue: queue.verbs,
    artifacts: artifacts.verbs,
    hooks: hooks.verbs,
    views: views.verbs,
    arrived: signals.githubEvents,
    touched: signals.githubReports,
    rootUrl,
    callerFor: auth.verbs.callerWithRoles,
  });

const openNotify = ({ base, config, signals, rootUrl }: Opening): Notify =>
  createNotify({
    ...base,
    rootUrl,
    readDefinitions,
    settings: sendersOf(config),
    accepted: signals.notifications,
  });

const openIndex = ({ base, config, rootUrl, all }: Opening, auth: AuthVerbs): Index =>
  createIndex({
    ...base,
    rootUrl,
    findPublished:
      config.upstreamUrl === undefined
        ? undefined
        : async (looked) => all().upstream.verbs.findPublished?.(looked),
    readDefinitions,
    readStatuses,
    anonymous: () => auth.callerWithRoles([]),
    // Signs URLs of the platform with these scopes.
    signUrl: (url, wanted) => {
      const credentials = auth.issueCredentials({ ...wanted, clientId: 'index/signed-url' });
      return signedUrl(url, { ...credentials, expiry: wanted.expiry });
    },
  });

const openUpstream = (
  { base, config: { upstreamUrl } }: Opening,
  { queue, artifacts, index }: Pick<Domains, 'artifacts' | 'index'> & { readonly queue: Queue['verbs'] },
  queueContext: QueueContext,
): Upstream =>
  createUpstream({
    ...base,
    upstreamUrl,
    queue,
    queueContext,
    artifacts: artifacts.verbs,
    index: index.verbs,
  });

/** The broker to which messages are published, if there is one. */
const relayOf = ({
  config: { amqpUrl, exchangePrefix },
  relayDb,
  log,
}: Pick<DomainDeps, 'config' | 'relayDb' | 'log'>): RelaySettings | undefined =>
  amqpUrl && relayDb
    ? { url: amqpUrl, exchangePrefix, exchanges: exchangeNames(declarations), db: relayDb, log }
    : undefined;
