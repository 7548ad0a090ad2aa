import { fromNow } from '@taskyard/client/browser';

/** What the address of the page for a new client says. */
export interface NewClientSearch {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly scope?: string | readonly string[] | undefined;
  readonly expires?: string | undefined;
  readonly callback_url?: string | undefined;
}

/** The id of a new client of a user: below their own, since that is what people are allowed to make. */
export const newClientId = (own: string, name: string): string =>
  // Static clients come from the configuration, and no call can make others.
  `${own.startsWith('static/') ? (own.split('/').at(-1) ?? own) : own}/${name}`;

/** Scopes that a new client is to have, unless others are named: those of its maker. */
export const ownScopes = (own: string, held: readonly string[]): string[] => {
  const identity = `assume:login-identity:${own}`;
  return held.includes(identity) ? [identity] : held.filter((scope) => scope !== 'assume:anonymous');
};

/** A time that is written as a date, or as a time from now; undefined where it is neither. */
export const moment = (text: string): Date | undefined => {
  try {
    const date = /^\d{4}-/.test(text) ? new Date(text) : fromNow(text);
    return Number.isNaN(date.getTime()) ? undefined : date;
  } catch {
    return undefined;
  }
};

/** Where the credentials are brought to: a program on the machine of the browser, and nowhere else. */
export const callbackFor = (
  callback: string | undefined,
  created: { readonly clientId: string; readonly accessToken: string },
): string | undefined => {
  if (!callback || !URL.canParse(callback)) return undefined;
  const url = new URL(callback);
  const isHere = url.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (!isHere) return undefined;
  url.searchParams.set('clientId', created.clientId);
  url.searchParams.set('accessToken', created.accessToken);
  return url.href;
};
