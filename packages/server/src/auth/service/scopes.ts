import { days, later, RequestError } from '../../base/index.ts';
import type { SignedRequest } from '../../http/index.ts';
import {
  type Authenticator,
  createAuthenticator,
  type Identified,
  isAuthenticationFailure,
} from '../authenticate.ts';
import type { KnownClient } from '../directory.ts';
import { type Origin, originOf, requirePayload, type SignedParts } from '../hawk.ts';
import type {
  AuthenticateHawkRequest,
  AuthenticateHawkResponse,
  ScopeList,
  TestAuthenticateRequest,
  TestAuthenticateResponse,
} from '../schema/index.ts';
import { scopeSet } from '../scopes/index.ts';
import type { AuthOptions } from './index.ts';
import type { Room } from './room.ts';

export type ScopeVerbs = ReturnType<typeof scopeVerbs>;

/** The verbs that find out who somebody is and what they may do. `origins`: other names of this server. */
export const scopeVerbs = (
  room: Room,
  { origins = [], isRevoked }: Pick<AuthOptions, 'origins' | 'isRevoked'>,
) => {
  const { directory, clock } = room;
  const authenticator = createAuthenticator({ ...directory, ...(isRevoked ? { isRevoked } : {}) });

  /** A refusal may come of what is out of date in memory: when something has changed, it is thought over. */
  const identify = async (parts: SignedParts): Promise<Identified> => {
    await directory.prepare();
    try {
      return await authenticator(parts, clock.now());
    } catch (error) {
      if (!isAuthenticationFailure(error) || !(await directory.refresh())) throw error;
      return authenticator(parts, clock.now());
    }
  };

  const proven = async (request: SignedRequest, finder: (parts: SignedParts) => Promise<Identified>) => {
    const { caller, signature } = await finder(partsOf(request, origins));
    if (signature?.hash) requirePayload(signature, request.payload, request.headers['content-type'] ?? '');
    return caller;
  };

  return {
    /** Who sends a request: nobody is an answer, a signature that does not hold an AuthenticationFailed. */
    authenticate: (request: SignedRequest) => proven(request, identify),

    /** The scopes, and all that the roles add to them. */
    expandScopes: async ({ scopes }: ScopeList): Promise<ScopeList> => {
      await directory.prepare();
      return { scopes: [...directory.expand(scopes).scopes] };
    },

    /** Examines the signature of a request that was sent to somebody else. */
    authenticateHawk: async ({
      method,
      ...request
    }: AuthenticateHawkRequest): Promise<AuthenticateHawkResponse> => {
      const { resource, authorization, host, port } = request;
      const parts = { method: method.toUpperCase(), resource, authorization, origins: [{ host, port }] };
      try {
        return answerOf(await identify(parts));
      } catch (error) {
        if (!isAuthenticationFailure(error)) throw error;
        return { status: 'auth-failed', message: error.message };
      }
    },

    /** Lets a client try its authentication: no real client, role or scope takes part. */
    testAuthenticate: async (
      request: SignedRequest,
      { clientScopes, requiredScopes }: TestAuthenticateRequest,
    ): Promise<TestAuthenticateResponse> => {
      const tester = testAuthenticator(clientScopes, clock.now());
      const caller = await proven(request, (parts) => tester(parts, clock.now()));
      if (!caller.satisfies({ AllOf: requiredScopes })) {
        throw new RequestError(
          'InsufficientScopes',
          `This call needs all of the scopes [${requiredScopes.join(', ')}].`,
        );
      }
      return { clientId: caller.clientId, scopes: [...caller.scopes] };
    },
  };
};

const partsOf = ({ method, url, headers }: SignedRequest, origins: readonly Origin[]): SignedParts => ({
  method,
  resource: url,
  authorization: headers.authorization,
  origins: [originOf(headers), ...origins],
});

const answerOf = ({ caller, signature }: Identified): AuthenticateHawkResponse => {
  const { clientId, scopes, expires } = caller;
  const known = { scopes: [...scopes], expires: expires.toJSON() };
  if (!signature) return { status: 'no-auth', scheme: 'none', ...known };
  const hash = signature.hash ? { hash: signature.hash } : {};
  return { status: 'auth-success', scheme: 'hawk', clientId, ...known, ...hash };
};

/** The credentials that every implementation of a client may try itself with. */
const tester = { clientId: 'tester', accessToken: 'no-secret' };

/** What {@link ScopeVerbs.testAuthenticate} assumes when it is asked by GET, which has no body. */
export const testByGet: TestAuthenticateRequest = {
  clientScopes: ['test:*', 'auth:create-client:test:*'],
  requiredScopes: ['test:authenticate-get'],
};

const testAuthenticator = (scopes: readonly string[], now: Date): Authenticator => {
  const client: KnownClient = {
    ...tester,
    scopes,
    expires: later(now, days(31)),
    disabled: false,
    lastDateUsed: now,
  };
  return createAuthenticator({
    findClient: async (clientId) => (clientId === client.clientId ? client : undefined),
    expand: scopeSet,
    generation: () => 0,
    noteUse: () => {},
  });
};
