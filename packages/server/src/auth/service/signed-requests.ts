import { days, later, RequestError } from '../../base/index.ts';
import type { Caller, RequestHead, SignedRequest } from '../../http/index.ts';
import {
  type Authenticator,
  createAuthenticator,
  type Identified,
  isAuthenticationFailure,
} from '../authenticate.ts';
import type { Context } from '../context.ts';
import type { KnownClient } from '../directory.ts';
import { claimedId, originOf, requirePayload, type SignedParts, signatureOf } from '../hawk.ts';
import type {
  AuthenticateHawkRequest,
  AuthenticateHawkResponse,
  TestAuthenticateRequest,
  TestAuthenticateResponse,
} from '../schema/index.ts';
import { scopeSet } from '../scopes/index.ts';

/** Checks who signed a request. */
export class SignedRequests {
  readonly #context: Context;
  readonly #authenticator: Authenticator;

  constructor(context: Context) {
    this.#context = context;
    this.#authenticator = createAuthenticator(context.directory, context.isRevoked);
  }

  /** The sender of a request: anonymous without a signature. An invalid signature is an AuthenticationFailed. */
  async authenticate(head: RequestHead, since?: Date): Promise<Caller> {
    return (await this.#identify(this.#partsOf(head), since)).caller;
  }

  /** Refuses a body other than the one whose hash was signed. The signature itself was checked before. */
  async requirePayload(request: SignedRequest): Promise<void> {
    await requireSignedPayload(this.#partsOf(request), request);
  }

  /** The client that a request claims to come from, proven or not. */
  claimedId(head: RequestHead): string | undefined {
    return claimedId(this.#partsOf(head));
  }

  /** Checks the signature of a request that was sent to another service. */
  async authenticateHawk({ method, ...request }: AuthenticateHawkRequest): Promise<AuthenticateHawkResponse> {
    const { resource, authorization, host, port } = request;
    const parts = { method: method.toUpperCase(), resource, authorization, origins: [{ host, port }] };
    try {
      return answerOf(await this.#identify(parts));
    } catch (error) {
      if (!isAuthenticationFailure(error)) throw error;
      return { status: 'auth-failed', message: error.message };
    }
  }

  /** Lets a client test its authentication, without real clients, roles or scopes. */
  async testAuthenticate(
    request: SignedRequest,
    { clientScopes, requiredScopes }: TestAuthenticateRequest,
  ): Promise<TestAuthenticateResponse> {
    const now = this.#context.clock.now();
    const parts = this.#partsOf(request);
    const { caller } = await testAuthenticator(clientScopes, now)(parts, now);
    await requireSignedPayload(parts, request);
    if (!caller.satisfies({ AllOf: requiredScopes })) {
      throw new RequestError(
        'InsufficientScopes',
        `This call needs all of the scopes [${requiredScopes.join(', ')}].`,
      );
    }
    return { clientId: caller.clientId, scopes: [...caller.scopes] };
  }

  /** A refusal may be due to outdated memory, so the check is repeated when something has changed. */
  async #identify(parts: SignedParts, since?: Date): Promise<Identified> {
    const { directory, clock } = this.#context;
    await directory.prepare();
    try {
      return await this.#authenticator(parts, clock.now(), since);
    } catch (error) {
      if (!isAuthenticationFailure(error) || !(await directory.refresh())) throw error;
      return this.#authenticator(parts, clock.now(), since);
    }
  }

  #partsOf({ method, url, headers }: RequestHead): SignedParts {
    const { origins = [], trustsProxy = false } = this.#context;
    return {
      method,
      resource: url,
      authorization: headers.authorization,
      origins: [originOf(headers, { trustsProxy }), ...origins],
    };
  }
}

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

/** The credentials with which every implementation of a client can test itself. */
const tester = { clientId: 'tester', accessToken: 'no-secret' };

/** What {@link SignedRequests.testAuthenticate} assumes when it is asked by GET, which has no body. */
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
