import type { IncomingHttpHeaders } from 'node:http';
import type { Auth } from '../auth/index.ts';
import {
  type Clock,
  type Database,
  days,
  type Encryption,
  hours,
  type Logger,
  later,
  minutes,
  RequestError,
} from '../base/index.ts';
import { type Caller, Reply, type SignedRequest } from '../http/index.ts';
import { forgottenCookie, keptCookie, tokenIn } from './cookie.ts';
import type { IdentityProvider } from './identity-providers/index.ts';
import { beginForeignSignIn, finishForeignSignIn } from './return.ts';
import { beginSession, digestOf, newSecret, secondsLeft } from './session.ts';
import * as store from './store.ts';

/** What sessions work with. */
export interface Room {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly encryption: Encryption;
  readonly auth: Pick<Auth, 'client' | 'credentialsOf' | 'issueCredentials'>;
  /** Where people are known, besides by clients. */
  readonly identityProviders: readonly IdentityProvider[];
  rootUrl(): string;
}

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

export const bindVerbs = (room: Room): SessionVerbs => ({
  createSignInCode: (caller) => createSignInCode(room, caller),
  createSignInCodeFor: (clientId) =>
    storeCode(room, clientId, later(room.clock.now(), codeLastsMs + sessionLastsMs)),
  signIn: (code) => signIn(room, code),
  renewCredentials: (headers) => renewCredentials(room, headers),
  signOut: (headers) => signOut(room, headers),
  identityProviders: () => ({
    providers: room.identityProviders.map(({ name, title }) => ({ name, title })),
  }),
  beginForeignSignIn: (provider, next) => beginForeignSignIn(room, provider, next),
  finishForeignSignIn: (provider, request) => finishForeignSignIn(room, provider, request),
});

const createSignInCode = async (room: Room, caller: Caller): Promise<SignInCode> => {
  if (caller.isAnonymous) {
    throw new RequestError('AuthenticationFailed', 'Whoever wants to sign in has to say who they are.');
  }
  const { scopes } = await room.auth.client(caller.clientId);
  // Credentials that were narrowed must not become the whole client again.
  if (!caller.satisfies({ AllOf: scopes })) {
    throw new RequestError(
      'InsufficientScopes',
      `These credentials may do less than the client '${caller.clientId}': they cannot sign in as it.`,
    );
  }
  return storeCode(room, caller.clientId, caller.expires);
};

const storeCode = async (room: Room, clientId: string, sessionExpires: Date): Promise<SignInCode> => {
  const code = newSecret();
  const expires = later(room.clock.now(), codeLastsMs);
  await store.insertCode(room.db, { digest: digestOf(code), clientId, expires, sessionExpires });
  // What stands behind the hash is sent to no server, and stands in no log.
  return { code, url: `${room.rootUrl()}/sign-in#${code}`, clientId, expires: expires.toJSON() };
};

const signIn = async (room: Room, code: string): Promise<Reply> => {
  const { db, clock, rootUrl } = room;
  const now = clock.now();
  const { token, session } = await db.transaction(async (tx) => {
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
  const credentials = await credentialsOf(room, session);
  const cookie = keptCookie(rootUrl(), token, secondsLeft(session, now));
  return new Reply(200, credentials, {}, [cookie]);
};

const renewCredentials = async (room: Room, headers: IncomingHttpHeaders): Promise<Credentials> => {
  const token = tokenIn(headers, room.rootUrl());
  const session = token && (await store.findSession(room.db, digestOf(token), room.clock.now()));
  if (!session) throw new RequestError('AuthenticationFailed', 'Nobody is signed in here.');
  return credentialsOf(room, session);
};

const credentialsOf = async (room: Room, session: store.SessionRow): Promise<Credentials> => {
  const now = room.clock.now();
  const expires = earlier(later(now, credentialsLastMs), session.expires);
  const span = { start: now, expiry: expires };
  const { clientId, scopes } = session;
  const credentials = scopes
    ? room.auth.issueCredentials({ clientId, scopes, ...span })
    : await room.auth.credentialsOf(clientId, span);
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

const signOut = async (room: Room, headers: IncomingHttpHeaders): Promise<Reply> => {
  const token = tokenIn(headers, room.rootUrl());
  if (token) await store.deleteSession(room.db, digestOf(token));
  return new Reply(200, {}, {}, [forgottenCookie(room.rootUrl())]);
};
