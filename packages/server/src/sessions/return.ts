import type { IncomingHttpHeaders } from 'node:http';
import { days, later, minutes, RequestError } from '../base/index.ts';
import { Reply } from '../http/index.ts';
import { attemptCookie, attemptIn, forgottenAttempt, keptCookie } from './cookie.ts';
import type { Attempt, IdentityProvider } from './identity-providers/index.ts';
import type { Room } from './service.ts';
import { beginSession, newSecret, secondsLeft } from './session.ts';

/** How long somebody may take at their identity provider. */
const attemptLastsMs = minutes(10);
/** Groups are read when somebody signs in: who has left one is without it a day later at most. */
const sessionLastsMs = days(1);

/** What a browser keeps, encrypted, while it is at an identity provider. */
interface KeptAttempt extends Attempt {
  readonly provider: string;
  /** The page that is wanted. */
  readonly next: string;
  readonly expiresMs: number;
}

const providerNamed = ({ identityProviders }: Room, name: string): IdentityProvider => {
  const provider = identityProviders.find((each) => each.name === name);
  if (!provider) throw new RequestError('ResourceNotFound', `There is no identity provider '${name}' here.`);
  return provider;
};

const callbackOf = ({ rootUrl }: Room, provider: string): string =>
  `${rootUrl()}/api/sessions/v1/callback/${provider}`;

/** A page of our own; whatever else is asked for is the first one. */
const pageOf = (next: string | undefined): string =>
  next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/';

/** Sends a browser to an identity provider. */
export const beginForeignSignIn = async (
  room: Room,
  name: string,
  next: string | undefined,
): Promise<Reply> => {
  const provider = providerNamed(room, name);
  const attempt = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
  const url = await provider.begin(callbackOf(room, name), attempt).catch((err: unknown) => {
    room.log.error({ err, provider: name }, 'an identity provider cannot be reached');
    return new URL(failurePage(room, 'unreachable'));
  });
  const kept: KeptAttempt = {
    ...attempt,
    provider: name,
    next: pageOf(next),
    expiresMs: later(room.clock.now(), attemptLastsMs).getTime(),
  };
  const value = room.encryption.encrypt(JSON.stringify(kept));
  return sentTo(url.href, [attemptCookie(room.rootUrl(), value, attemptLastsMs / 1000)]);
};

type Failure = 'denied' | 'expired' | 'unreachable';

const failurePage = ({ rootUrl }: Room, failure: Failure): string => `${rootUrl()}/sign-in?failed=${failure}`;

const sentTo = (url: string, cookies: readonly string[]): Reply =>
  new Reply(303, `See ${url}\n`, { location: url }, cookies);

const keptBy = (room: Room, headers: IncomingHttpHeaders): KeptAttempt | undefined => {
  try {
    return JSON.parse(room.encryption.decrypt(attemptIn(headers, room.rootUrl()) ?? '')) as KeptAttempt;
  } catch {
    return undefined;
  }
};

/** Begins the session of somebody who returns from an identity provider, in the browser that they left with. */
export const finishForeignSignIn = async (
  room: Room,
  name: string,
  { url, headers }: { readonly url: string; readonly headers: IncomingHttpHeaders },
): Promise<Reply> => {
  const provider = providerNamed(room, name);
  const forgotten = forgottenAttempt(room.rootUrl());
  const kept = keptBy(room, headers);
  if (kept?.provider !== name || kept.expiresMs <= room.clock.now().getTime()) {
    return sentTo(failurePage(room, 'expired'), [forgotten]);
  }
  const returned = new URL(callbackOf(room, name));
  returned.search = url.slice(url.indexOf('?'));
  if (returned.searchParams.has('error')) {
    room.log.warn({ provider: name, error: returned.searchParams.get('error') }, 'a sign-in was denied');
    return sentTo(failurePage(room, 'denied'), [forgotten]);
  }
  try {
    const identity = await provider.finish(returned, kept);
    const now = room.clock.now();
    const { token, session } = await beginSession(room.db, {
      clientId: identity.id,
      scopes: identity.scopes,
      created: now,
      expires: later(now, sessionLastsMs),
    });
    const cookie = keptCookie(room.rootUrl(), token, secondsLeft(session, now));
    return sentTo(room.rootUrl() + kept.next, [forgotten, cookie]);
  } catch (err) {
    room.log.warn({ err, provider: name }, 'a sign-in could not be finished');
    return sentTo(failurePage(room, 'unreachable'), [forgotten]);
  }
};
