import type { Domain } from '../http/index.ts';
import type { Context } from './context.ts';
import { thirdPartyLoops } from './loops.ts';
import { loginRoutes, thirdPartyRoutes } from './routes.ts';
import { type ThirdPartyVerbs, thirdPartyVerbs } from './service.ts';

export { loginRoutes, thirdPartyRoutes } from './routes.ts';
export { type RegisteredClient, RegisteredClients } from './schema.ts';

/** The door of third parties. */
export type ThirdParties = Domain<ThirdPartyVerbs>;

/** Opens what other sites may do for people who are signed in. */
export const createThirdParties = (context: Context): ThirdParties => ({
  verbs: thirdPartyVerbs(context),
  routes: [...thirdPartyRoutes, ...loginRoutes],
  loops: thirdPartyLoops(context),
});
