import type { IncomingHttpHeaders } from 'node:http';
import {
  alone,
  bindQueries,
  bindVerbs,
  days,
  hours,
  later,
  minutes,
  oneByOne,
  RequestError,
  type Sql,
  type Work,
} from '../base/index.ts';
import { type Caller, Reply, type SignedRequest } from '../http/index.ts';
import type { Context } from './context.ts';
import { forgottenCookie, keptCookie, tokenIn } from './cookie.ts';
import { admitPeople } from './people.ts';
import { beginForeignSignIn, finishForeignSignIn } from './return.ts';
import {
  type BegunSession,
  beginSessions,
  digestOf,
  lifetimeSeconds,
  newSecret,
  tokenOf,
} from './session.ts';
import * as store from './store.ts';

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
// Longer than a browser's client repeats a request that got no reply.
const repeatableMs = minutes(2);

const earlier = (one: Date, other: Date): Date => (one < other ? one : other);

/** A client that gets a code. */
interface CodeToCreate {
  readonly clientId: string;
  /** The session that the code begins ends by then. */
  readonly sessionExpires?: Date;
}

/** Creates codes to sign in with. Whether the caller may have them is checked before. */
const createCodes = oneByOne(
  async (
    tx,
    { clientId, sessionExpires }: CodeToCreate,
    { now, context }: Work<Context>,
  ): Promise<SignInCode> => {
    const code = newSecret();
    const expires = later(now, codeLastsMs);
    await store.insertCode(tx, {
      digest: digestOf(code),
      clientId,
      expires,
      sessionExpires: sessionExpires ?? later(expires, sessionLastsMs),
    });
    // Browsers send no server what follows the `#`, so the code appears in no log.
    return { code, url: `${context.rootUrl()}/sign-in#${code}`, clientId, expires: expires.toJSON() };
  },
);

interface SignIn {
  readonly code: string;
  /** Made up by the browser, which sends it again when it repeats the request. */
  readonly attempt?: string | undefined;
}

const usedUp = (): RequestError =>
  new RequestError(
    'AuthenticationFailed',
    'This code has been used, or is too old. `tyard signin` makes another link.',
  );

/** Begins the session of a code, which works once; the attempt that has used it gets its session again while that lasts. */
const takeCodes = oneByOne(
  async (tx, { code, attempt }: SignIn, work: Work<Context>): Promise<BegunSession> => {
    const { now } = work;
    const found = await store.lockCode(tx, digestOf(code));
    if (!found || found.expires <= now) throw usedUp();
    const { digest, clientId, sessionExpires } = found;
    const token = attempt === undefined ? undefined : tokenOf(code, attempt);
    if (found.attempt !== null) {
      // One that was signed out of meanwhile does not come back.
      const isSame = attempt !== undefined && found.attempt === digestOf(attempt);
      const session = isSame && token ? await store.findSession(tx, digestOf(token), now) : undefined;
      if (!session || !token) throw usedUp();
      return { token, session };
    }
    if (attempt === undefined) await store.deleteCode(tx, digest);
    else {
      const expires = earlier(found.expires, later(now, repeatableMs));
      await store.noteAttempt(tx, { digest, attempt: digestOf(attempt), expires });
    }
    const expires = earlier(later(now, sessionLastsMs), sessionExpires);
    const [begun] = await beginSessions(tx, [{ clientId, scopes: null, expires, token }], work);
    return begun as BegunSession;
  },
);

/** Ends the sessions of these tokens. Safe to repeat. */
const endSessions = oneByOne(async (tx, token: string): Promise<undefined> => {
  await store.deleteSession(tx, digestOf(token));
});

/** The session whose cookie a request carries. */
const requireSession = async (
  sql: Sql,
  headers: IncomingHttpHeaders,
  { now, context }: Work<Context>,
): Promise<store.SessionRow> => {
  const token = tokenIn(headers, context.rootUrl());
  const session = token && (await store.findSession(sql, digestOf(token), now));
  if (!session) throw new RequestError('AuthenticationFailed', 'Nobody is signed in here.');
  return session;
};

/** Fresh credentials for the session whose cookie the request carries. */
const renewCredentials = async (
  sql: Sql,
  headers: IncomingHttpHeaders,
  work: Work<Context>,
): Promise<Credentials> => credentialsOf(work.context, await requireSession(sql, headers, work));

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

/** Refuses callers that may not do everything that their client may. */
const requireWholeClient = async ({ auth }: Context, caller: Caller): Promise<void> => {
  if (caller.isAnonymous) {
    throw new RequestError('AuthenticationFailed', 'Sign in with credentials: an anonymous caller cannot.');
  }
  const { scopes } = await auth.client(caller.clientId);
  // Credentials that were narrowed must not become the whole client again.
  if (caller.satisfies({ AllOf: scopes })) return;
  throw new RequestError(
    'InsufficientScopes',
    `These credentials have fewer scopes than the client '${caller.clientId}': they cannot sign in as it.`,
  );
};

const verbs = {
  createCodes: alone(createCodes),
  takeCodes: alone(takeCodes),
  admitPeople: alone(admitPeople),
  endSessions: alone(endSessions),
};
const queries = { renewCredentials, session: requireSession };

/** The verbs of sessions, bound to what they were opened with. */
export const sessionVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const { rootUrl } = context;
  return {
    ...bindQueries(context, queries),
    /** A code for the client that asks, if it may do all that this client may. */
    createSignInCode: async (caller: Caller): Promise<SignInCode> => {
      await requireWholeClient(context, caller);
      return bound.createCodes.one({ clientId: caller.clientId, sessionExpires: caller.expires });
    },
    /** A code for a client. The caller has to know that it is right to give it out. */
    createSignInCodeFor: (clientId: string) => bound.createCodes.one({ clientId }),
    /** Begins a session, once for each code; the same attempt may be repeated for two minutes. */
    signIn: async (request: SignIn): Promise<Reply> => {
      const { token, session } = await bound.takeCodes.one(request);
      const credentials = await credentialsOf(context, session);
      return new Reply(200, credentials, {}, [keptCookie(rootUrl(), token, lifetimeSeconds(session))]);
    },
    /** Ends the session whose cookie the request carries, if it carries one. */
    signOut: async (headers: IncomingHttpHeaders): Promise<Reply> => {
      const token = tokenIn(headers, rootUrl());
      if (token) await bound.endSessions.one(token);
      return new Reply(200, {}, {}, [forgottenCookie(rootUrl())]);
    },
    /** The providers by which people can sign in without a client. */
    identityProviders: () => ({
      providers: context.identityProviders.map(({ name, title }) => ({ name, title })),
    }),
    /** Sends a browser to an identity provider, from where it comes back to a page of ours. */
    beginForeignSignIn: (
      provider: string,
      { next, headers }: { next: string | undefined; headers: IncomingHttpHeaders },
    ) => beginForeignSignIn(context, { provider, next, headers }),
    /** Begins a session for a browser that comes back. */
    finishForeignSignIn: (provider: string, { url, headers }: Pick<SignedRequest, 'url' | 'headers'>) =>
      finishForeignSignIn(context, bound.admitPeople, { provider, url, headers }),
  };
};

export type SessionVerbs = ReturnType<typeof sessionVerbs>;
