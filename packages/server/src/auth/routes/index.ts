import type { Route } from '../../http/index.ts';
import { clientRoutes } from './clients.ts';
import type { AuthServices } from './endpoint.ts';
import { otherPartyRoutes } from './other-parties.ts';
import { roleRoutes } from './roles.ts';
import { scopeRoutes } from './scopes.ts';

export type { AuthServices } from './endpoint.ts';

/** Every method of this service. */
export const routes: readonly Route<AuthServices>[] = [
  ...clientRoutes,
  ...roleRoutes,
  ...scopeRoutes,
  ...otherPartyRoutes,
];
