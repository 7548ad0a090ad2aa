import type { Loop } from '../base/index.ts';
import type { ServiceDeclaration } from '../http/index.ts';
import { secretLoops } from './loops.ts';
import { routes, type SecretServices } from './routes.ts';
import { bindVerbs, type Room, type SecretVerbs } from './service.ts';

/** The door of secrets. */
export interface Secrets extends SecretVerbs {
  readonly loops: readonly Loop[];
}

/** Opens secrets. */
export const createSecrets = (room: Room): Secrets => ({ ...bindVerbs(room), loops: secretLoops(room) });

/** What this service publishes. */
export const secretsDeclaration: ServiceDeclaration<SecretServices> = {
  service: {
    serviceName: 'secrets',
    title: 'Secrets',
    description: 'Keeps small secrets by their names, encrypted, until they expire.',
  },
  routes,
};
