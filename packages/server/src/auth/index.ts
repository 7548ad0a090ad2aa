import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context, GivenAuthContext } from './context.ts';
import { Directory } from './directory.ts';
import { exchanges } from './events.ts';
import { authLoops } from './loops.ts';
import { type AuthServices, routes } from './routes/index.ts';
import { type AuthVerbs, authVerbs } from './service/index.ts';

export type { Credentials } from './certificate.ts';
export { signedUrl } from './hawk.ts';
export {
  expiration,
  GcpProjects,
  GithubApps,
  mistakesInStaticClients,
  type OtherParties,
  ownClients,
  S3Access,
  type StaticClient,
  StaticClients,
} from './schema/index.ts';
export { fillTemplate, scopeSet } from './scopes/index.ts';
export type { AuthVerbs, CredentialsWanted } from './service/index.ts';
export type { AuditEntry } from './store.ts';

/** The door of auth. */
export interface Auth extends Domain<AuthVerbs> {
  /** Writes the static clients and reads the roles; to be awaited before anything else. */
  start(): Promise<void>;
  /** Resolves when nothing is left to write in the background. */
  close(): Promise<void>;
}

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

/** Opens auth. */
export const createAuth = (given: GivenAuthContext): Auth => {
  const directory = new Directory(given);
  const context: Context = { ...given, directory };
  const verbs = authVerbs(context);
  return {
    verbs,
    routes,
    loops: authLoops(verbs),
    start: async () => verbs.useStaticClients(await verbs.ensureStaticClients(given.staticClients)),
    close: () => directory.idle(),
  };
};
