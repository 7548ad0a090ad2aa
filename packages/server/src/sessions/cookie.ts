import type { IncomingHttpHeaders } from 'node:http';

/** The name contains the port: browsers distinguish cookies of a host by name and path only. */
export const cookieName = (rootUrl: string): string => `taskyard-${portOf(new URL(rootUrl))}`;

const portOf = ({ port, protocol }: URL): string => port || (protocol === 'https:' ? '443' : '80');

/** Browsers send the cookie only to the methods of this service. */
export const cookiePath = '/api/sessions/';

const attributesFor = (rootUrl: string): string =>
  `; Path=${cookiePath}; HttpOnly; SameSite=Strict${rootUrl.startsWith('https:') ? '; Secure' : ''}`;

/** The header that sets the cookie of a session. */
export const keptCookie = (rootUrl: string, token: string, seconds: number): string =>
  `${cookieName(rootUrl)}=${token}; Max-Age=${seconds}${attributesFor(rootUrl)}`;

/** The header that removes it. */
export const forgottenCookie = (rootUrl: string): string =>
  `${cookieName(rootUrl)}=; Max-Age=0${attributesFor(rootUrl)}`;

const attemptName = (rootUrl: string): string => `${cookieName(rootUrl)}-attempt`;

// Browsers must send it when another site redirects them back to us, which `Strict` would prevent.
const attemptAttributes = (rootUrl: string): string =>
  attributesFor(rootUrl).replace('SameSite=Strict', 'SameSite=Lax');

/** The header that stores a sign-in attempt in the browser until it returns from an identity provider. */
export const attemptCookie = (rootUrl: string, value: string, seconds: number): string =>
  `${attemptName(rootUrl)}=${value}; Max-Age=${seconds}${attemptAttributes(rootUrl)}`;

/** The header that removes the attempt. */
export const forgottenAttempt = (rootUrl: string): string =>
  `${attemptName(rootUrl)}=; Max-Age=0${attemptAttributes(rootUrl)}`;

/** The attempt in the cookies of a request, if there is one. */
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
