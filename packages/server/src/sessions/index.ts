import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { sessionLoops } from './loops.ts';
import { routes, type SessionServices } from './routes.ts';
import { type SessionVerbs, sessionVerbs } from './service.ts';

export { identityProviders } from './identity-providers/index.ts';
export type { SessionVerbs } from './service.ts';
export { digestOf, newSecret } from './session.ts';
export type { SessionRow as Session } from './store.ts';

/** The door of sessions. */
export type Sessions = Domain<SessionVerbs>;

/** Opens sessions on a database. */
export const createSessions = (context: Context): Sessions => ({
  verbs: sessionVerbs(context),
  routes,
  loops: sessionLoops(context),
});

/** The service `sessions`, without the methods that the floors above add to it. */
export const sessionsDeclaration: ServiceDeclaration<SessionServices> = {
  service: {
    serviceName: 'sessions',
    title: 'Sessions',
    description: 'Signs browsers in, and hands them the credentials that they sign their requests with.',
  },
  routes,
};
