import { routeFor } from '../../http/index.ts';
import type { AuthVerbs } from '../service/index.ts';

/** What the handlers of auth are given. */
export interface AuthServices {
  readonly auth: AuthVerbs;
}

export const endpoint = routeFor<AuthServices>();
