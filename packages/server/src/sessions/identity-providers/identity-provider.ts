/** A person, as an identity provider identifies them. */
export interface Identity {
  /** The client id of their requests: `<provider>/<id>|<name>`. */
  readonly id: string;
  /** Scopes of the form `assume:<role>`. The operator's roles define what they allow. */
  readonly scopes: readonly string[];
}

/** Random values that only the browser that began the sign-in has when it returns. */
export interface Attempt {
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
}

/** A service by which people sign in. */
export interface IdentityProvider {
  /** Part of URLs, and the prefix of identities. */
  readonly name: string;
  /** The name for people. */
  readonly title: string;
  /** The URL to which a browser is sent, from where it returns to `callback`. */
  begin(callback: string, attempt: Attempt): Promise<URL>;
  /** The person who has returned, by the URL of their return. Throws when that proves nothing. */
  finish(returned: URL, attempt: Attempt): Promise<Identity>;
}

/**
 * A text as a part of a clientId or of a scope: invalid characters become `!` and two digits, as in the original. No part
 * ends in a star, so that no name can match others.
 */
export const asPart = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[~'()*!]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '!');

/** An identity with a readable name. An id never moves to another person, but a name may. */
export const identityOf = (
  provider: string,
  { id, name, roles }: { id: string; name?: string | undefined; roles: readonly string[] },
): Identity => {
  const identity = `${provider}/${asPart(id)}${name ? `|${asPart(name)}` : ''}`;
  return { id: identity, scopes: [`login-identity:${identity}`, ...roles].map((role) => `assume:${role}`) };
};
