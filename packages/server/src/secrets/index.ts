import type { Domain, ServiceDeclaration } from '../http/index.ts';
import type { Context } from './context.ts';
import { secretLoops } from './loops.ts';
import { routes, type SecretServices } from './routes.ts';
import { type SecretVerbs, secretVerbs } from './service.ts';

/** The door of secrets. */
export type Secrets = Domain<SecretVerbs>;

/** Opens secrets. */
export const createSecrets = (context: Context): Secrets => ({
  verbs: secretVerbs(context),
  routes,
  loops: secretLoops(context),
});

/** What this service publishes. */
export const secretsDeclaration: ServiceDeclaration<SecretServices> = {
  service: {
    serviceName: 'secrets',
    title: 'Secrets',
    description: 'Keeps small secrets by their names, encrypted, until they expire.',
  },
  routes,
};
