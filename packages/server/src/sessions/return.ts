import type { IncomingHttpHeaders } from 'node:http';
import { type Batched, later, minutes, RequestError } from '../base/index.ts';
import { Reply } from '../http/index.ts';
import type { Context } from './context.ts';
import { attemptCookie, attemptIn, forgottenAttempt, forgottenAttempts, keptCookie } from './cookie.ts';
import { type Attempt, type IdentityProvider, NotProven } from './identity-providers/index.ts';
import type { Visitor } from './people.ts';
import { type BegunSession, lifetimeSeconds, newSecret } from './session.ts';

/** A person may take this long at their identity provider. */
const attemptLastsMs = minutes(10);

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

/** Where a browser wants to go, and what it brings. */
interface Departure {
  readonly provider: string;
  readonly next: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** Sends a browser to an identity provider, and back to a page of ours later. */
export const beginForeignSignIn = async (
  context: Context,
  { provider: name, next, headers }: Departure,
): Promise<Reply> => {
  const provider = providerNamed(context, name);
  const attempt = { state: newSecret(), nonce: newSecret(), codeVerifier: newSecret() };
  const kept: KeptAttempt = {
    ...attempt,
    provider: name,
    next: context.pageOf(next),
    expiresMs: later(context.clock.now(), attemptLastsMs).getTime(),
  };
  const url = await provider.begin(callbackOf(context, name), attempt).catch((err: unknown) => {
    context.log.error({ err, provider: name }, 'an identity provider cannot be reached');
    return undefined;
  });
  if (!url) return sentTo(failurePage(context, 'unreachable', kept.next));
  const rootUrl = context.rootUrl();
  const value = context.encryption.encrypt(JSON.stringify(kept));
  return sentTo(url.href, [
    ...forgottenAttempts(headers, rootUrl),
    attemptCookie(rootUrl, { state: attempt.state, value, seconds: attemptLastsMs / 1000 }),
  ]);
};

type Failure = 'denied' | 'expired' | 'unreachable';

/** The page to sign in, which says what went wrong, and from where one still comes to the page that was wanted. */
const failurePage = ({ rootUrl }: Context, failure: Failure, next = '/'): string =>
  `${rootUrl()}/sign-in?failed=${failure}${next === '/' ? '' : `&next=${encodeURIComponent(next)}`}`;

const sentTo = (url: string, cookies: readonly string[] = []): Reply =>
  new Reply(303, `See ${url}\n`, { location: url }, cookies);

const keptBy = (context: Context, headers: IncomingHttpHeaders, state: string): KeptAttempt | undefined => {
  try {
    const value = attemptIn(headers, context.rootUrl(), state) ?? '';
    const kept = JSON.parse(context.encryption.decrypt(value)) as KeptAttempt;
    return kept.state === state ? kept : undefined;
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
  admitPeople: Batched<Visitor, BegunSession>,
  { provider: name, url, headers }: Returned,
): Promise<Reply> => {
  const provider = providerNamed(context, name);
  const returned = new URL(callbackOf(context, name));
  returned.search = url.slice(url.indexOf('?'));
  const state = returned.searchParams.get('state') ?? '';
  const kept = keptBy(context, headers, state);
  if (kept?.provider !== name) return sentTo(failurePage(context, 'expired'));
  const forgotten = forgottenAttempt(context.rootUrl(), state);
  const fail = (failure: Failure): Reply => sentTo(failurePage(context, failure, kept.next), [forgotten]);
  if (kept.expiresMs <= context.clock.now().getTime()) return fail('expired');
  if (returned.searchParams.has('error')) {
    context.log.warn({ provider: name, error: returned.searchParams.get('error') }, 'a sign-in was denied');
    return fail('denied');
  }
  try {
    const person = await provider.finish(returned, kept);
    const { token, session } = await admitPeople.one({ ...person, provider: name });
    const cookie = keptCookie(context.rootUrl(), token, lifetimeSeconds(session));
    return sentTo(context.rootUrl() + kept.next, [forgotten, cookie]);
  } catch (err) {
    context.log.warn({ err, provider: name }, 'a sign-in could not be finished');
    return fail(err instanceof NotProven ? 'expired' : 'unreachable');
  }
};
