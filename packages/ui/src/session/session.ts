import { type Credentials, Sessions, slugid } from '@taskyard/client/browser';

/** Who is signed in. Credentials are kept in memory only: no storage of the browser holds any. */
export type Session =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'nobody' }
  | {
      readonly kind: 'somebody';
      readonly clientId: string;
      readonly credentials: Credentials;
      readonly renewAt: number;
    };

interface Granted {
  readonly clientId: string;
  readonly credentials: Credentials;
  readonly expires: string;
}

export const rootUrl = window.location.origin;
const sessions = new Sessions({ rootUrl, retries: 2 });
const listeners = new Set<() => void>();
let session: Session = { kind: 'unknown' };
let renewal: { readonly of: Session; readonly done: Promise<Session> } | undefined;

const put = (next: Session): Session => {
  session = next;
  for (const listener of listeners) listener();
  return next;
};

/** Credentials are renewed when two thirds of their time are over, or when they are wanted after that. */
const grantedSession = ({ clientId, credentials, expires }: Granted): Session => ({
  kind: 'somebody',
  clientId,
  credentials,
  renewAt: Date.now() + ((new Date(expires).getTime() - Date.now()) * 2) / 3,
});

/** What the server says now of a session whose credentials end. */
const renewed = async (old: Session): Promise<Session> => {
  try {
    return grantedSession(await sessions.renewCredentials());
  } catch (error) {
    const isRefused = (error as { statusCode?: number }).statusCode === 401;
    // A server that cannot be reached now ends no session.
    return isRefused || old.kind === 'unknown' ? { kind: 'nobody' } : old;
  }
};

/** Whoever has signed in or out meanwhile is not undone: the answer speaks of the session that was before. */
const renew = async (old: Session): Promise<Session> => {
  const next = await renewed(old);
  if (renewal?.of === old) renewal = undefined;
  return session === old && next !== old ? put(next) : session;
};

/** The session as it stands, for React's `useSyncExternalStore`. */
export const sessionStore = {
  subscribe: (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
  snapshot: (): Session => session,
};

/** The session with credentials that hold for a while. */
export const currentSession = async (): Promise<Session> => {
  if (session.kind === 'nobody') return session;
  if (session.kind === 'somebody' && (session.renewAt === 0 || Date.now() < session.renewAt)) return session;
  if (renewal?.of !== session) renewal = { of: session, done: renew(session) };
  return renewal.done;
};

/** Signs in with a code, which works once; a reply that was lost is asked for again in the name of the same attempt. */
export const signInByCode = async (code: string): Promise<void> => {
  put(grantedSession(await sessions.signIn({ code, attempt: slugid() })));
};

/**
 * Signs in with credentials that somebody has typed. Permanent ones are exchanged for a session, so that they need not
 * be kept; temporary ones serve until the page is left.
 */
export const signInByCredentials = async (credentials: Credentials): Promise<void> => {
  if (credentials.certificate) {
    put({ kind: 'somebody', clientId: credentials.clientId, credentials, renewAt: 0 });
    return;
  }
  const { code } = await new Sessions({ rootUrl, credentials, retries: 1 }).createSignInCode();
  await signInByCode(code);
};

export const signOut = async (): Promise<void> => {
  await sessions.signOut();
  put({ kind: 'nobody' });
};
