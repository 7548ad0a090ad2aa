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

const attemptName = (rootUrl: string): string => `${cookieName(rootUrl)}-attempt`;

// Browsers send it when another site sends them back to us, which `Strict` would forbid.
const attemptAttributes = (rootUrl: string): string =>
  attributesFor(rootUrl).replace('SameSite=Strict', 'SameSite=Lax');

/** The header that makes a browser keep what it needs when it comes back from an identity provider. */
export const attemptCookie = (rootUrl: string, value: string, seconds: number): string =>
  `${attemptName(rootUrl)}=${value}; Max-Age=${seconds}${attemptAttributes(rootUrl)}`;

/** The header that makes a browser forget that. */
export const forgottenAttempt = (rootUrl: string): string =>
  `${attemptName(rootUrl)}=; Max-Age=0${attemptAttributes(rootUrl)}`;

/** What a browser that comes back has kept, if anything. */
export const attemptIn = (headers: IncomingHttpHeaders, rootUrl: string): string | undefined =>
  cookieIn(headers, attemptName(rootUrl));

/** The token in the cookies of a request, if there is one. */
export const tokenIn = (headers: IncomingHttpHeaders, rootUrl: string): string | undefined =>
  cookieIn(headers, cookieName(rootUrl));

const cookieIn = ({ cookie = '' }: IncomingHttpHeaders, name: string): string | undefined => {
  const start = `${name}=`;
  const found = cookie.split(/;\s*/).find((part) => part.startsWith(start));
  return found?.slice(start.length) || undefined;
};
