import type { IncomingHttpHeaders } from 'node:http';
import { days, hours, later, minutes, RequestError, transact } from '../base/index.ts';
import { type Caller, Reply, type SignedRequest } from '../http/index.ts';
import type { Context } from './context.ts';
import { forgottenCookie, keptCookie, tokenIn } from './cookie.ts';
import { beginForeignSignIn, finishForeignSignIn } from './return.ts';
import { beginSession, digestOf, newSecret, secondsLeft } from './session.ts';
import * as store from './store.ts';

/** The verbs of sessions. */
export interface SessionVerbs {
  /** A code for the client that asks, if it may do all that this client may. */
  createSignInCode(caller: Caller): Promise<SignInCode>;
  /** A code for a client; who calls this has to know that it is right. */
  createSignInCodeFor(clientId: string): Promise<SignInCode>;
  /** Begins a session, once for each code. */
  signIn(code: string): Promise<Reply>;
  /** Fresh credentials for the session whose cookie the request carries. */
  renewCredentials(headers: IncomingHttpHeaders): Promise<Credentials>;
  /** Ends the session whose cookie the request carries, if it carries one. */
  signOut(headers: IncomingHttpHeaders): Promise<Reply>;
  /** Where people may sign in besides. */
  identityProviders(): { providers: { name: string; title: string }[] };
  /** Sends a browser to an identity provider, from where it comes back to a page of ours. */
  beginForeignSignIn(provider: string, next: string | undefined): Promise<Reply>;
  /** Begins a session for a browser that comes back. */
  finishForeignSignIn(provider: string, request: Pick<SignedRequest, 'url' | 'headers'>): Promise<Reply>;
}

export interface SignInCode {
  readonly code: string;
  readonly url: string;
  readonly clientId: string;
  readonly expires: string;
}

interface Credentials {
  readonly clientId: string;
  readonly credentials: object;
  readonly expires: string;
  readonly sessionExpires: string;
}

const codeLastsMs = hours(1);
const sessionLastsMs = days(7);
const credentialsLastMs = minutes(15);

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

export const sessionVerbs = (context: Context): SessionVerbs => ({
  createSignInCode: (caller) => createSignInCode(context, caller),
  createSignInCodeFor: (clientId) =>
    storeCode(context, clientId, later(context.clock.now(), codeLastsMs + sessionLastsMs)),
  signIn: (code) => signIn(context, code),
  renewCredentials: (headers) => renewCredentials(context, headers),
  signOut: (headers) => signOut(context, headers),
  identityProviders: () => ({
    providers: context.identityProviders.map(({ name, title }) => ({ name, title })),
  }),
  beginForeignSignIn: (provider, next) => beginForeignSignIn(context, provider, next),
  finishForeignSignIn: (provider, request) => finishForeignSignIn(context, provider, request),
});

const createSignInCode = async (context: Context, caller: Caller): Promise<SignInCode> => {
  if (caller.isAnonymous) {
    throw new RequestError('AuthenticationFailed', 'Sign in with credentials: an anonymous caller cannot.');
  }
  const { scopes } = await context.auth.client(caller.clientId);
  // Credentials that were narrowed must not become the whole client again.
  if (!caller.satisfies({ AllOf: scopes })) {
    throw new RequestError(
      'InsufficientScopes',
      `These credentials may do less than the client '${caller.clientId}': they cannot sign in as it.`,
    );
  }
  return storeCode(context, caller.clientId, caller.expires);
};

const storeCode = async (context: Context, clientId: string, sessionExpires: Date): Promise<SignInCode> => {
  const code = newSecret();
  const expires = later(context.clock.now(), codeLastsMs);
  await store.insertCode(context.db, { digest: digestOf(code), clientId, expires, sessionExpires });
  // What stands behind the hash is sent to no server, and stands in no log.
  return { code, url: `${context.rootUrl()}/sign-in#${code}`, clientId, expires: expires.toJSON() };
};

const signIn = async (context: Context, code: string): Promise<Reply> => {
  const { clock, rootUrl } = context;
  const now = clock.now();
  const { token, session } = await transact(context, async (tx) => {
    const taken = await store.takeCode(tx, digestOf(code), now);
    if (!taken) {
      throw new RequestError(
        'AuthenticationFailed',
        'This code has been used, or is too old. `taskyard signin` makes another link.',
      );
    }
    const expires = earlier(later(now, sessionLastsMs), taken.sessionExpires);
    return beginSession(tx, { clientId: taken.clientId, scopes: null, created: now, expires });
  });
  const credentials = await credentialsOf(context, session);
  const cookie = keptCookie(rootUrl(), token, secondsLeft(session, now));
  return new Reply(200, credentials, {}, [cookie]);
};

const renewCredentials = async (context: Context, headers: IncomingHttpHeaders): Promise<Credentials> => {
  const token = tokenIn(headers, context.rootUrl());
  const session = token && (await store.findSession(context.db, digestOf(token), context.clock.now()));
  if (!session) throw new RequestError('AuthenticationFailed', 'Nobody is signed in here.');
  return credentialsOf(context, session);
};

const credentialsOf = async (context: Context, session: store.SessionRow): Promise<Credentials> => {
  const now = context.clock.now();
  const expires = earlier(later(now, credentialsLastMs), session.expires);
  const span = { start: now, expiry: expires };
  const { clientId, scopes } = session;
  const credentials = scopes
    ? context.auth.issueCredentials({ clientId, scopes, ...span })
    : await context.auth.credentialsOf(clientId, span);
  if (!credentials) {
    throw new RequestError('AuthenticationFailed', `The client '${clientId}' is gone, disabled or expired.`);
  }
  return {
    clientId,
    credentials,
    expires: expires.toJSON(),
    sessionExpires: session.expires.toJSON(),
  };
};

const signOut = async (context: Context, headers: IncomingHttpHeaders): Promise<Reply> => {
  const token = tokenIn(headers, context.rootUrl());
  if (token) await store.deleteSession(context.db, digestOf(token));
  return new Reply(200, {}, {}, [forgottenCookie(context.rootUrl())]);
};
