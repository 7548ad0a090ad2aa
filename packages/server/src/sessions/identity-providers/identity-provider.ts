/** An organization at an identity provider. Its name can be changed, and then be taken by others. */
export interface Organization {
  readonly id: string;
  readonly name: string;
}

/** A role that somebody has at an identity provider. */
export interface PersonRole {
  readonly roleId: string;
  /** The organization that the role is named for. */
  readonly organization?: Organization | undefined;
}

/** Who an identity provider says that somebody is. */
export interface Person {
  /** It is never given to somebody else; a name may be. */
  readonly id: string;
  /** For people to read. */
  readonly name?: string | undefined;
  readonly roles: readonly PersonRole[];
}

/** What only the browser that began to sign in can show at its return; new each time. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** What comes back proves nothing: its code was used, is too old, or is of another attempt. */
export class NotProven extends Error {}

/** Where people are known. */
export interface IdentityProvider {
  /** In addresses, and what identities begin with. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Where a browser is sent to, to return to `callback`. */
  begin(callback: string, attempt: Attempt): Promise<URL>;
  /**
   * Who has returned, by the address that they were sent back to. Throws {@link NotProven}, or what went wrong between the
   * server and the provider.
   */
  finish(returned: URL, attempt: Attempt): Promise<Person>;
}

/**
 * A text as a part of a clientId or of a scope: what may not stand there becomes `!` and two digits, as in the original.
 * No part ends in a star, so that nobody's name stands for those of others.
 */
export const asPart = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[~'()*!]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '!');

/** What requests of somebody are made as: `<provider>/<id>|<name>`. */
export const identityOf = (provider: string, { id, name }: Pick<Person, 'id' | 'name'>): string =>
  `${provider}/${asPart(id)}${name ? `|${asPart(name)}` : ''}`;
