import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { profileRoutes, routes, type ViewServices } from './routes.ts';
import { type ViewVerbs, viewVerbs } from './service/index.ts';

export { profileRoutes } from './routes.ts';
export type { ViewVerbs } from './service/index.ts';

/** The door of views. */
export type Views = Domain<ViewVerbs>;

/** Opens views. */
export const createViews = (context: Context): Views => ({
  verbs: viewVerbs(context),
  routes: [...routes, ...profileRoutes],
  loops: [],
});

/** What this service publishes. */
export const viewsDeclaration: ServiceDeclaration<ViewServices> = {
  service: {
    serviceName: 'views',
    title: 'Views',
    description: 'What people are shown that no single service knows: the pages and the command line use it.',
  },
  routes,
};
