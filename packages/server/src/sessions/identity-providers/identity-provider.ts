/** Who an identity provider says that somebody is. */
export interface Identity {
  /** What requests are made as: `<provider>/<id>|<name>`. */
  readonly id: string;
  /** Scopes of the form `assume:<role>`: what they come to is for the operator's roles to say. */
  readonly scopes: readonly string[];
}

/** What only the browser that began to sign in can show at its return; made anew each time. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** Where people are known. */
export interface IdentityProvider {
  /** In addresses, and what identities begin with. */
  readonly name: string;
  /** What people call it. */
  readonly title: string;
  /** Where a browser is sent to, to return to `callback`. */
  begin(callback: string, attempt: Attempt): Promise<URL>;
  /** Who has returned, by the address that they were sent back to. Throws where that proves nothing. */
  finish(returned: URL, attempt: Attempt): Promise<Identity>;
}

/**
 * A text as a part of a clientId or of a scope: what may not stand there becomes `!` and two digits, as in the original.
 * No part ends in a star, so that nobody's name stands for those of others.
 */
export const asPart = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[~'()*!]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '!');

/** The identity of somebody, with a name for people to read; an id is never given to somebody else, a name may be. */
export const identityOf = (
  provider: string,
  { id, name, roles }: { id: string; name?: string | undefined; roles: readonly string[] },
): Identity => {
  const identity = `${provider}/${asPart(id)}${name ? `|${asPart(name)}` : ''}`;
  return { id: identity, scopes: [`login-identity:${identity}`, ...roles].map((role) => `assume:${role}`) };
};
