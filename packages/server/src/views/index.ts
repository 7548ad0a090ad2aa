import type { ServiceDeclaration } from '../http/index.ts';
import { routes, type ViewServices } from './routes.ts';

export type { Context as Views } from './context.ts';

/** What this service publishes. */
export const viewsDeclaration: ServiceDeclaration<ViewServices> = {
  service: {
    serviceName: 'views',
    title: 'Views',
    description: 'What people are shown that no single service knows: the pages and the command line use it.',
  },
  routes,
};
