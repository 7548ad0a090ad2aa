import { type Credentials, Sessions, slugid } from '@taskyard/client/browser';

/** Who is signed in. Credentials are kept in memory only: no storage of the browser holds any. */
export type Session =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'nobody' }
  /** The session is over though the user has not signed out: what is shown and typed stays until a user signs in again. */
  | { readonly kind: 'ended'; readonly clientId: string }
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

/** What was to be done needs a user who is signed in, as there was until now. */
export class SessionEnded extends Error {
  constructor() {
    super('Your session has ended. Sign in again beside this page: what you have typed stays here.');
    this.name = 'SessionEnded';
  }
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
    if (old.kind === 'unknown') return { kind: 'nobody' };
    // A server that cannot be reached now ends no session.
    const isRefused = (error as { statusCode?: number }).statusCode === 401;
    return isRefused && old.kind === 'somebody' ? { kind: 'ended', clientId: old.clientId } : old;
  }
};

/** A sign-in or sign-out in the meantime is not undone: the answer speaks of the session that was before. */
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
  if (session.kind === 'nobody' || session.kind === 'ended') return session;
  if (session.kind === 'somebody' && (session.renewAt === 0 || Date.now() < session.renewAt)) return session;
  return renewedOnce();
};

const renewedOnce = (): Promise<Session> => {
  if (renewal?.of !== session) renewal = { of: session, done: renew(session) };
  return renewal.done;
};

// A session is the browser's, so other tabs hear when a user signs in or out.
const tabs = new BroadcastChannel('taskyard-session');
tabs.onmessage = ({ data }: MessageEvent<'in' | 'out'>) => {
  const isBySession = session.kind === 'somebody' && session.renewAt !== 0;
  if (data === 'out' && (isBySession || session.kind === 'ended')) put({ kind: 'nobody' });
  // Another user may have signed in. The session of the browser is theirs then, so no tab goes on as the one before.
  if (data === 'in' && (isBySession || session.kind === 'nobody' || session.kind === 'ended'))
    void renewedOnce();
};

/** Signs in with a code, which works once; a reply that was lost is asked for again in the name of the same attempt. */
export const signInByCode = async (code: string): Promise<void> => {
  put(grantedSession(await sessions.signIn({ code, attempt: slugid() })));
  tabs.postMessage('in');
};

/** Tells other tabs of a session that did not begin by a code: an identity provider leads back to a page of ours. */
export const tellTabs = (): void => tabs.postMessage('in');

/**
 * Signs in with credentials that the user has typed. Permanent ones are exchanged for a session, so that they need not
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
  tabs.postMessage('out');
};
