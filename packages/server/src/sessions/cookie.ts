import type { IncomingHttpHeaders } from 'node:http';

/** Browsers keep the cookies of one host apart by name and path, not by port. */
export const cookieName = (rootUrl: string): string => `taskyard-${portOf(new URL(rootUrl))}`;

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80');

/** The methods of this service, and nothing else, are sent the cookie. */
export const cookiePath = '/api/sessions/';

const attributesFor = (rootUrl: string): string =>
  `; Path=${cookiePath}; HttpOnly; SameSite=Strict${rootUrl.startsWith('https:') ? '; Secure' : ''}`;

/** The header that makes a browser keep a session. */
export const keptCookie = (rootUrl: string, token: string, seconds: number): string =>
  `${cookieName(rootUrl)}=${token}; Max-Age=${seconds}${attributesFor(rootUrl)}`;

/** The header that makes a browser forget it. */
export const forgottenCookie = (rootUrl: string): string =>
  `${cookieName(rootUrl)}=; Max-Age=0${attributesFor(rootUrl)}`;

/** Each attempt has a cookie of its own, since people begin in several tabs; its state tells which is meant. */
const attemptStart = (rootUrl: string): string => `${cookieName(rootUrl)}-attempt-`;
const attemptName = (rootUrl: string, state: string): string => attemptStart(rootUrl) + state.slice(0, 12);

// Browsers send it when another site sends them back to us, which `Strict` would forbid.
const attemptAttributes = (rootUrl: string): string =>
  attributesFor(rootUrl).replace('SameSite=Strict', 'SameSite=Lax');

/** An attempt to sign in, as a browser keeps it. */
export interface AttemptCookie {
  readonly state: string;
  readonly value: string;
  readonly seconds: number;
}

/** The header that makes a browser keep what it needs when it comes back from an identity provider. */
export const attemptCookie = (rootUrl: string, { state, value, seconds }: AttemptCookie): string =>
  `${attemptName(rootUrl, state)}=${value}; Max-Age=${seconds}${attemptAttributes(rootUrl)}`;

const forgotten = (rootUrl: string, name: string): string =>
  `${name}=; Max-Age=0${attemptAttributes(rootUrl)}`;

/** The header that makes a browser forget that. */
export const forgottenAttempt = (rootUrl: string, state: string): string =>
  forgotten(rootUrl, attemptName(rootUrl, state));

/** Attempts that a browser keeps at most: all of their cookies come with each request, whose headers have a limit. */
const attemptsMax = 8;

/** The headers that make a browser forget its oldest attempts, so that there is room for another one. */
export const forgottenAttempts = ({ cookie = '' }: IncomingHttpHeaders, rootUrl: string): string[] =>
  // Browsers send the cookies that they have had longest first.
  cookie
    .split(/;\s*/)
    .map((part) => part.slice(0, part.indexOf('=')))
    .filter((name) => name.startsWith(attemptStart(rootUrl)))
    .slice(0, 1 - attemptsMax)
    .map((name) => forgotten(rootUrl, name));

/** What a browser that comes back has kept of the attempt with this state, if anything. */
export const attemptIn = (headers: IncomingHttpHeaders, rootUrl: string, state: string): string | undefined =>
  cookieIn(headers, attemptName(rootUrl, state));

/** The token in the cookies of a request, if there is one. */
export const tokenIn = (headers: IncomingHttpHeaders, rootUrl: string): string | undefined =>
  cookieIn(headers, cookieName(rootUrl));

const cookieIn = ({ cookie = '' }: IncomingHttpHeaders, name: string): string | undefined => {
  const start = `${name}=`;
  const found = cookie.split(/;\s*/).find((part) => part.startsWith(start));
  return found?.slice(start.length) || undefined;
};
