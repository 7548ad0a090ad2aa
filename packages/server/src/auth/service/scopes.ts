import { days, later, RequestError } from '../../base/index.ts';
import type { Caller, RequestHead, SignedRequest } from '../../http/index.ts';
import {
  type Authenticator,
  createAuthenticator,
  type Identified,
  isAuthenticationFailure,
} from '../authenticate.ts';
import type { KnownClient } from '../directory.ts';
import { claimedId, originOf, requirePayload, type SignedParts, signatureOf } from '../hawk.ts';
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
  {
    origins = [],
    trustsProxy = false,
    isRevoked,
  }: Pick<AuthOptions, 'origins' | 'trustsProxy' | 'isRevoked'>,
) => {
  const { directory, clock } = room;
  const authenticator = createAuthenticator({ ...directory, ...(isRevoked ? { isRevoked } : {}) });

  /** A refusal may come of what is out of date in memory: when something has changed, it is thought over. */
  const identify = async (parts: SignedParts, since?: Date): Promise<Identified> => {
    await directory.prepare();
    try {
      return await authenticator(parts, clock.now(), since);
    } catch (error) {
      if (!isAuthenticationFailure(error) || !(await directory.refresh())) throw error;
      return authenticator(parts, clock.now(), since);
    }
  };

  const partsOf = ({ method, url, headers }: RequestHead): SignedParts => ({
    method,
    resource: url,
    authorization: headers.authorization,
    origins: [originOf(headers, { trustsProxy }), ...origins],
  });

  return {
    /** Who sends a request: nobody is an answer, a signature that does not hold an AuthenticationFailed. */
    authenticate: async (head: RequestHead, since?: Date): Promise<Caller> =>
      (await identify(partsOf(head), since)).caller,
    /** Refuses a body other than the one whose hash was signed; the signature itself was examined before. */
    requirePayload: (request: SignedRequest): Promise<void> =>
      requireSignedPayload(partsOf(request), request),
    /** Whom a request claims to come from, proven or not. */
    claimedId: (head: RequestHead): string | undefined => claimedId(partsOf(head)),

    /** The scopes, and all that the roles add to them. */
    expandScopes: async ({ scopes }: ScopeList): Promise<ScopeList> => {
      await directory.prepare();
      return { scopes: [...directory.expandOnce(scopes).scopes] };
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
      const { caller } = await tester(partsOf(request), clock.now());
      await requireSignedPayload(partsOf(request), request);
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

const requireSignedPayload = async (
  parts: SignedParts,
  { payload, headers }: SignedRequest,
): Promise<void> => {
  // Most clients sign no hash, and need not be read twice.
  if (!parts.authorization?.includes('hash=')) return;
  const signature = signatureOf(parts);
  if (signature) await requirePayload(signature, payload, headers['content-type'] ?? '');
};

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
