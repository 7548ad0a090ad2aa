import { type FastifyInstance, fastify } from 'fastify';
import { fillTemplate, scopeSet } from '../auth/index.ts';
import type { ManualClock } from '../base/index.ts';
import { type Caller, type RequestHead, type ServiceDeclaration, serve } from '../http/index.ts';
import { servedOn, tester } from './floors.ts';

/** A caller with these scopes, and with those of the roles that they name as `assume:…`. */
export const callerWith = (
  scopes: readonly string[],
  roles: ReadonlyMap<string, readonly string[]> = new Map(),
): Caller => ({
  ...tester,
  ...scopeSet(scopes.flatMap((scope) => [scope, ...(roles.get(scope) ?? [])])),
});

interface Api<Services> {
  readonly declarations: readonly ServiceDeclaration<Services>[];
  readonly services: Services;
}

interface Serving {
  readonly clock: ManualClock;
  /** Who sends a request. By default, its header `scopes` is a JSON list of what the caller has. */
  readonly callerOf?: (headers: RequestHead['headers']) => Caller;
}

/** Serves methods to calls that are injected, or over a port once it listens. Signatures are not checked. */
export const served = <Services extends object>(
  api: Api<Services>,
  { clock, callerOf = ({ scopes }) => callerWith(JSON.parse(String(scopes)) as string[]) }: Serving,
): FastifyInstance => {
  // As long as the program's own, since names of tasks and caches are parts of paths.
  const app = fastify({ routerOptions: { maxParamLength: 8192 } });
  const authenticate = async ({ headers }: RequestHead) => callerOf(headers);
  serve(app, { ...servedOn(clock), authenticate, fillScopes: fillTemplate }, api);
  return app;
};
