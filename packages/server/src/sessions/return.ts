import type { IncomingHttpHeaders } from 'node:http';
import { type Batched, days, later, minutes, RequestError } from '../base/index.ts';
import { Reply } from '../http/index.ts';
import type { Context } from './context.ts';
import { attemptCookie, attemptIn, forgottenAttempt, keptCookie } from './cookie.ts';
import type { Attempt, IdentityProvider } from './identity-providers/index.ts';
import { type BegunSession, lifetimeSeconds, newSecret, type SessionToBegin } from './session.ts';

/** A person may take this long at their identity provider. */
const attemptLastsMs = minutes(10);
/** Groups are read at sign-in, so a person who leaves one loses its scopes within a day. */
const sessionLastsMs = days(1);

/** The encrypted content of the attempt cookie. */
interface KeptAttempt extends Attempt {
  readonly provider: string;
  /** The page to show after the sign-in. */
  readonly next: string;
  readonly expiresMs: number;
}

const providerNamed = ({ identityProviders }: Context, name: string): IdentityProvider => {
  const provider = identityProviders.find((each) => each.name === name);
  if (!provider) throw new RequestError('ResourceNotFound', `There is no identity provider '${name}' here.`);
  return provider;
};

const callbackOf = ({ rootUrl }: Context, provider: string): string =>
  `${rootUrl()}/api/sessions/v1/callback/${provider}`;

/** The page that is asked for if it is one of ours, else the first page. */
const pageOf = (next: string | undefined): string =>
  next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/';

/** Sends a browser to an identity provider. */
export const beginForeignSignIn = async (
  context: Context,
  name: string,
  next: string | undefined,
): Promise<Reply> => {
  const provider = providerNamed(context, name);
  const attempt = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
  const url = await provider.begin(callbackOf(context, name), attempt).catch((err: unknown) => {
    context.log.error({ err, provider: name }, 'an identity provider cannot be reached');
    return new URL(failurePage(context, 'unreachable'));
  });
  const kept: KeptAttempt = {
    ...attempt,
    provider: name,
    next: pageOf(next),
    expiresMs: later(context.clock.now(), attemptLastsMs).getTime(),
  };
  const value = context.encryption.encrypt(JSON.stringify(kept));
  return sentTo(url.href, [attemptCookie(context.rootUrl(), value, attemptLastsMs / 1000)]);
};

type Failure = 'denied' | 'expired' | 'unreachable';

const failurePage = ({ rootUrl }: Context, failure: Failure): string =>
  `${rootUrl()}/sign-in?failed=${failure}`;

const sentTo = (url: string, cookies: readonly string[]): Reply =>
  new Reply(303, `See ${url}\n`, { location: url }, cookies);

const keptBy = (context: Context, headers: IncomingHttpHeaders): KeptAttempt | undefined => {
  try {
    return JSON.parse(context.encryption.decrypt(attemptIn(headers, context.rootUrl()) ?? '')) as KeptAttempt;
  } catch {
    return undefined;
  }
};

/** A browser that comes back from an identity provider. */
interface Returned {
  readonly provider: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** Begins a session for a browser that returns from an identity provider with its own attempt. */
export const finishForeignSignIn = async (
  context: Context,
  beginSessions: Batched<SessionToBegin, BegunSession>,
  { provider: name, url, headers }: Returned,
): Promise<Reply> => {
  const provider = providerNamed(context, name);
  const forgotten = forgottenAttempt(context.rootUrl());
  const kept = keptBy(context, headers);
  if (kept?.provider !== name || kept.expiresMs <= context.clock.now().getTime()) {
    return sentTo(failurePage(context, 'expired'), [forgotten]);
  }
  const returned = new URL(callbackOf(context, name));
  returned.search = url.slice(url.indexOf('?'));
  if (returned.searchParams.has('error')) {
    context.log.warn({ provider: name, error: returned.searchParams.get('error') }, 'a sign-in was denied');
    return sentTo(failurePage(context, 'denied'), [forgotten]);
  }
  try {
    const identity = await provider.finish(returned, kept);
    const { token, session } = await beginSessions.one({
      clientId: identity.id,
      scopes: identity.scopes,
      expires: later(context.clock.now(), sessionLastsMs),
    });
    const cookie = keptCookie(context.rootUrl(), token, lifetimeSeconds(session));
    return sentTo(context.rootUrl() + kept.next, [forgotten, cookie]);
  } catch (err) {
    context.log.warn({ err, provider: name }, 'a sign-in could not be finished');
    return sentTo(failurePage(context, 'unreachable'), [forgotten]);
  }
};
