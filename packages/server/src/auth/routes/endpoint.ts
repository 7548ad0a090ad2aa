import { routeFor, type SignedRequest } from '../../http/index.ts';
import type { AuthVerbs } from '../service/index.ts';

/** What the handlers of auth are given. */
export interface AuthServices {
  readonly auth: AuthVerbs;
}

export const endpoint = routeFor<AuthServices>();

/** The request itself, for methods that examine its signature in their own way. */
export const requestOf = (call: object): SignedRequest => (call as { request: SignedRequest }).request;
