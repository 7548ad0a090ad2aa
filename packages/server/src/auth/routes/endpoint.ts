import { routeFor } from '../../http/index.ts';
import type { AuthVerbs } from '../service/index.ts';

/** The services that the handlers of auth use. */
export interface AuthServices {
  readonly auth: AuthVerbs;
}

export const endpoint = routeFor<AuthServices>();
