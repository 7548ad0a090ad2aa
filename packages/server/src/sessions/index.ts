import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { sessionLoops } from './loops.ts';
import { routes, type SessionServices } from './routes.ts';
import { type SessionVerbs, sessionVerbs } from './service.ts';

export { identityProviders } from './identity-providers/index.ts';

/** The door of sessions. */
export type Sessions = Domain<SessionVerbs>;

/** Opens sessions on a database. */
export const createSessions = (context: Context): Sessions => ({
  verbs: sessionVerbs(context),
  routes,
  loops: sessionLoops(context),
});

/** What this service publishes. */
export const sessionsDeclaration: ServiceDeclaration<SessionServices> = {
  service: {
    serviceName: 'sessions',
    title: 'Sessions',
    description: 'Signs browsers in, and hands them the credentials that they sign their requests with.',
  },
  routes,
};
