import type { Clock, Database, Encryption, Logger, Loop, Signal, Transaction } from '../base/index.ts';
import type { Caller, ServiceDeclaration } from '../http/index.ts';
import { callerWith } from './authenticate.ts';
import { type Credentials, createTemporaryCredentials } from './certificate.ts';
import { createDirectory } from './directory.ts';
import { exchanges } from './events.ts';
import { authLoops } from './loops.ts';
import { type AuthServices, routes } from './routes/index.ts';
import { ownClients } from './schema/index.ts';
import { scopeSet } from './scopes/index.ts';
import {
  type AuthOptions,
  type AuthVerbs,
  authVerbs,
  type Outbox,
  type StaticClient,
} from './service/index.ts';
import * as store from './store.ts';

export type { Credentials } from './certificate.ts';
export { signedUrl } from './hawk.ts';
export {
  GcpProjects,
  GithubApps,
  mistakesInStaticClients,
  ownClients,
  S3Access,
  StaticClients,
} from './schema/index.ts';
export { fillTemplate, scopeSet } from './scopes/index.ts';
export type { OtherParties, StaticClient } from './service/index.ts';
export type { AuditEntry } from './store.ts';

export interface AuthDeps extends AuthOptions {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  readonly outbox: Outbox;
  /** Woken after changes of clients and roles; shared between processes, it makes them known everywhere at once. */
  readonly changed?: Signal | undefined;
  /** Called after commits that left messages in the outbox. */
  readonly published?: () => void;
  /** Clients of the configuration; `static/taskcluster/queue` must be among them. */
  readonly staticClients: readonly StaticClient[];
}

/** What temporary credentials are wanted for. */
export interface CredentialsWanted {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly start: Date;
  readonly expiry: Date;
}

/** The door of auth. */
export interface Auth extends AuthVerbs {
  /** Writes the static clients and reads the roles; to be awaited before anything else. */
  start(): Promise<void>;
  /** Temporary credentials that the queue's static client signs; no database is asked. */
  issueCredentials(wanted: CredentialsWanted): Required<Credentials>;
  /** Temporary credentials of a client itself, with all of its scopes; undefined when it may do nothing now. */
  credentialsOf(
    clientId: string,
    wanted: Pick<CredentialsWanted, 'start' | 'expiry'>,
  ): Promise<Required<Credentials> | undefined>;
  /** What a static client signs with, as it is stored since the start. */
  staticCredentials(clientId: string): Credentials;
  /** A caller of the platform itself, with just these scopes; roles are not resolved. */
  callerFor(scopes: readonly string[], clientId?: string): Caller;
  /** Whoever holds these stored scopes, with all that roles add to them and to anybody. */
  callerWithRoles(scopes: readonly string[]): Promise<Caller>;
  /** Records changes to entities of any service, in the transaction that makes them. */
  recordAudit(tx: Transaction, entries: readonly store.AuditEntry[]): Promise<void>;
  /** Resolves when nothing is left to write in the background; call it before the database is closed. */
  idle(): Promise<void>;
  readonly loops: readonly Loop[];
}

/** The client that issues the credentials of tasks. */
const issuerId = ownClients.queue;

/** What this service publishes. */
export const authDeclaration: ServiceDeclaration<AuthServices> = {
  service: {
    serviceName: 'auth',
    title: 'Auth',
    description: 'Keeps clients and roles, and says who a signed request comes from and what it may do.',
  },
  routes,
  exchanges,
};

/** Opens auth on a database. */
export const createAuth = (deps: AuthDeps): Auth => {
  const { db, clock, log, encryption, outbox, staticClients, published = () => {} } = deps;
  const directory = createDirectory({ db, clock, log, encryption, changed: deps.changed });
  const verbs = authVerbs({ db, clock, log, encryption, outbox, directory, published }, deps);
  let clients = staticClients;
  const staticCredentials = (clientId: string): Credentials => {
    const client = clients.find((one) => one.clientId === clientId);
    if (!client) throw new Error(`There is no static client '${clientId}'.`);
    return { clientId, accessToken: client.accessToken };
  };
  return {
    ...verbs,
    start: async () => {
      clients = await verbs.ensureStaticClients(staticClients);
    },
    staticCredentials,
    issueCredentials: (wanted) =>
      createTemporaryCredentials({ ...wanted, issuer: staticCredentials(issuerId) }),
    credentialsOf: async (clientId, { start, expiry }) => {
      await directory.prepare();
      const client = await directory.findClient(clientId);
      if (!client || client.disabled || client.expires <= start) return undefined;
      const ends = new Date(Math.min(expiry.getTime(), client.expires.getTime()));
      return createTemporaryCredentials({ issuer: client, scopes: client.scopes, start, expiry: ends });
    },
    callerFor: (scopes, clientId: string = issuerId) =>
      callerWith(scopeSet(scopes), { clientId, expires: farAway }),
    callerWithRoles: async (scopes) => {
      await directory.prepare();
      const held = directory.expand([...scopes, 'assume:anonymous']);
      return callerWith(held, { clientId: issuerId, expires: farAway });
    },
    recordAudit: async (tx, entries) => {
      await store.addAuditEntries(tx, entries);
    },
    idle: directory.idle,
    loops: authLoops(verbs),
  };
};

const farAway = new Date(8.64e15);
