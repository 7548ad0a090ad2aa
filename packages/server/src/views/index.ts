import type { ServiceDeclaration } from '../http/index.ts';
import { routes, type ViewServices } from './routes.ts';

/** What this service publishes. */
export const viewsDeclaration: ServiceDeclaration<ViewServices> = {
  service: {
    serviceName: 'views',
    title: 'Views',
    description: 'What people are shown that no single service knows: the pages and the command line use it.',
  },
  routes,
};
