import { openTracing, type Tracing } from '@taskyard/tracing';
import { type App, type AppDeps, createApp, localSignals, sharedSignals } from '../app.ts';
import {
  connect,
  createMetrics,
  type Database,
  type Logger,
  localSignal,
  type Metrics,
  noMetrics,
  type Signal,
  systemClock,
  transact,
} from '../base/index.ts';
import type { Config } from '../config/index.ts';
import type { LocalSettings } from '../worker-manager/index.ts';
import { measureProcess, measureRuntime, observers } from './measures.ts';
import type { Secrets } from './own-secrets.ts';
import { version } from './version.ts';

/** The surroundings of the application in a process. */
export interface Surroundings {
  readonly databaseUrl: string;
  readonly log: Logger;
  readonly secrets: Secrets;
  /** Whether no other process uses the database, so that none has to be woken. */
  readonly isAlone: boolean;
  /** A label of all metrics of the process, when there are several. */
  readonly processName?: string | undefined;
  /** How workers on this machine are started, if that is known. */
  readonly local?: LocalSettings | undefined;
  rootUrl(): string;
}

/** The application, connected to its database. */
export interface OpenedApp {
  readonly app: App;
  /** Woken when the database serves again after an outage. */
  readonly recovered: Signal;
  readonly metrics: Metrics;
  /** Says from now on that it is about to end. */
  leave(): void;
  /** Writes what is left to write, and disconnects from the database. */
  close(): Promise<void>;
}

/** Connects to the database and makes the application ready for its first request. */
export const openApp = async (config: Config, surroundings: Surroundings): Promise<OpenedApp> => {
  const { databaseUrl: url, log, secrets, isAlone, local, rootUrl } = surroundings;
  // What has news for others are messages.
  const appended = localSignal();
  const recovered = localSignal();
  const onBack = () => recovered.wake();
  const db = connect({
    ...connectionsOf(config, url),
    poolSizeMax: config.databasePoolSizeMax,
    onError: (err) => log.warn({ err }, 'a connection to the database broke'),
    onNews: () => appended.wake(),
    onBack,
  });
  const relayDb = connectRelay(config, { url, log, onBack });
  const tracing = await openTraces(config, log);
  let isClosing = false;
  let isLeaving = false;
  const closeAll = () => {
    isClosing = true;
    return Promise.all([db.close(), relayDb?.close(), tracing?.close()]);
  };
  // The last wake-ups may come too late, which periodic reads cover.
  const onError = (err: unknown) => isClosing || log.warn({ err }, 'a wake-up could not be sent');
  try {
    const signals = isAlone ? localSignals() : await sharedSignals(db, onError);
    appended.each(() => signals.events.wake());
    const metrics = metricsOf(config, surroundings);
    const app = createApp({
      config,
      db,
      relayDb,
      clock: systemClock,
      log,
      tracing,
      signals,
      ...observers(metrics),
      local,
      hasPeers: !isAlone,
      encryption: secrets.encryption,
      staticClients: secrets.staticClients,
      process: await factsOf(() => isLeaving, { db, log }),
      rootUrl,
    });
    measureProcess(metrics, { db, relayDb, domains: app.domains });
    await startOrEnd(app);
    return {
      app,
      recovered,
      metrics,
      leave: () => {
        isLeaving = true;
      },
      close: async () => {
        await app.close();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
};

/** What the process says of itself to those who watch it. */
const factsOf = async (
  isLeaving: () => boolean,
  { db, log }: { db: Database; log: Logger },
): Promise<AppDeps['process']> => ({
  uptimeSeconds: () => process.uptime(),
  version: await version(),
  isLeaving,
  reachDatabase: () => transact({ db, clock: systemClock, log }, async () => {}),
});

/** What exports traces, if the configuration wants any. */
const openTraces = (
  { otlpEndpoint: endpoint, otlpTracesEndpoint: tracesEndpoint }: Config,
  log: Logger,
): Promise<Tracing | undefined> =>
  openTracing(
    { endpoint, tracesEndpoint },
    { service: 'taskyard', onError: (reason) => log.warn({ reason }, 'traces are not exported') },
  );

/** Starts the application. When that fails, what has begun is ended: it would keep the process alive. */
const startOrEnd = async (app: App): Promise<void> => {
  try {
    await app.start();
  } catch (error) {
    // Without a database nothing can be written, and nothing has been done that is worth it.
    await app.drain().catch(() => {});
    await app.close().catch(() => {});
    throw error;
  }
};

/** An engine without `skip locked` lacks it in every statement, not only in those that claim. */
const connectionsOf = ({ databaseSessionUrl, claimLocking }: Config, url: string) => ({
  url,
  sessionUrl: databaseSessionUrl,
  locking: claimLocking === 'guarded-delete' ? ('wait' as const) : ('skip' as const),
});

/** The database connections of the relay, if this process runs one. */
const connectRelay = (
  config: Config,
  { url, log, onBack }: { url: string; log: Logger; onBack: () => void },
): Database | undefined => {
  if (!config.amqpUrl || config.role === 'api') return undefined;
  const onError = (err: Error) => log.warn({ err }, 'a connection of the relay to the database broke');
  return connect({ ...connectionsOf(config, url), poolSizeMax: 2, onError, onBack });
};

const metricsOf = ({ metricsPort }: Config, { processName, log }: Surroundings): Metrics => {
  if (metricsPort === undefined) return noMetrics;
  const metrics = createMetrics(
    { clock: systemClock, log },
    processName === undefined ? {} : { process: processName },
  );
  measureRuntime(metrics);
  return metrics;
};
