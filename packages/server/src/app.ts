import type { FastifyInstance } from 'fastify';
import { fillTemplate } from './auth/index.ts';
import {
  type Clock,
  createTurns,
  type Database,
  type Encryption,
  type Logger,
  type Loop,
  localSignal,
  sharedSignals as sharedSignalsOn,
  systemClock,
} from './base/index.ts';
import { declarations } from './declarations.ts';
import { type DomainDeps, type Domains, openDomains, type Signals, signalNames } from './domains.ts';
import {
  type CredentialsOutcome,
  type Domain,
  type ObserveCall,
  type ProcessFacts,
  serve,
  serveDocuments,
} from './http/index.ts';

export type { Domains, Signals } from './domains.ts';

/** What the whole application needs from the program around it. */
export interface AppDeps extends Omit<DomainDeps, 'turns'> {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  readonly process: ProcessFacts;
  /** Returns a function that is called after each call of a method. */
  readonly watchMethod?: ((service: string, method: string) => ObserveCall) | undefined;
  /** Called once for each request, with what became of its credentials. */
  readonly observeCredentials?: ((outcome: CredentialsOutcome) => void) | undefined;
}

/** Wake-ups within one process that uses the database alone. */
export const localSignals = (): Signals =>
  Object.fromEntries(signalNames.map((name) => [name, localSignal()])) as unknown as Signals;

/** Wake-ups between all processes that share a database. */
export const sharedSignals = (db: Database, onError: (error: unknown) => void): Promise<Signals> =>
  sharedSignalsOn(db, signalNames, { channel: 'taskyard', clock: systemClock, onError });

/** The platform, composed of its domains. */
export interface App {
  readonly domains: Domains;
  /** Background work of a deployment: any number of processes may do it. */
  readonly loops: readonly Loop[];
  /** Background work of each process that serves the API. */
  readonly loopsOfEachProcess: readonly Loop[];
  /** Registers everything that is served over HTTP. */
  register(server: FastifyInstance): void;
  /** To be awaited before the first request. */
  start(): Promise<void>;
  /** Replies to all waiting calls. From then on no call waits. */
  drain(): Promise<void>;
  /** Writes what is left to write, after the loops have ended and the last call has returned. */
  close(): Promise<void>;
}

/** Composes the domains: all of them start, work and close in the same way. */
export const createApp = (deps: AppDeps): App => {
  // When a transaction takes long, like that of a large graph, another one may start meanwhile.
  const domains = openDomains({ ...deps, turns: createTurns(systemClock, 10) });
  const all: readonly Domain[] = Object.values<Domain>({ ...domains });
  requireDeclared(all);
  const { events, notify, index, workerManager, hooks, github } = domains;
  const subscriptions = [
    ...[notify, index, workerManager, hooks].map(({ subscription }) => subscription),
    ...github.subscriptions,
  ];
  return {
    domains,
    loops: [...all.flatMap(({ loops }) => loops), ...subscriptions.map(events.subscribe)],
    loopsOfEachProcess: all.flatMap(({ loopsOfEachProcess = [] }) => loopsOfEachProcess),
    register: (server) => register(server, deps, domains),
    start: async () => {
      for (const { start } of all) await start?.();
    },
    drain: async () => {
      await Promise.all(all.map(({ drain }) => drain?.()));
    },
    close: async () => {
      await Promise.all(all.map(({ close }) => close?.()));
    },
  };
};

/** Throws when a domain was forgotten in `declarations.ts`. */
const requireDeclared = (domains: readonly Domain[]): void => {
  const declared = new Set(declarations.flatMap(({ routes }) => routes as readonly object[]));
  const missing = domains.flatMap(({ routes }) => routes).find((route) => !declared.has(route));
  if (missing) throw new Error(`The method ${missing.contract.name} is missing from declarations.ts.`);
};

const register = (server: FastifyInstance, deps: AppDeps, domains: Domains): void => {
  const { authenticate, requirePayload, claimedId } = domains.auth.verbs;
  const verbs = Object.entries<Domain>({ ...domains }).map(([name, domain]) => [name, domain.verbs]);
  serveDocuments(server, declarations, deps.process.version);
  domains.objects.byteRoutes(server);
  domains.tunnels.register(server);
  serve(
    server,
    {
      clock: deps.clock,
      log: deps.log,
      process: deps.process,
      authenticate,
      requirePayload,
      claimedId,
      fillScopes: fillTemplate,
      ...(deps.watchMethod ? { watchMethod: deps.watchMethod } : {}),
      ...(deps.observeCredentials ? { observeCredentials: deps.observeCredentials } : {}),
      tracing: deps.tracing,
    },
    { declarations, services: Object.fromEntries(verbs) as object },
  );
};
