import type { IncomingMessage } from 'node:http';
import type { Credentials } from '@taskyard/client';

/** The credentials that a proxy signs with. */
export interface SigningCredentials {
  now(): Credentials;
  /** Uses others from now on, until those of the claim are renewed. */
  give(credentials: Credentials): void;
}

/** The credentials of a claim, in whose place a task may put others. The next renewal of the claim counts again. */
export const signingCredentials = (ofClaim: () => Credentials): SigningCredentials => {
  let given: { readonly credentials: Credentials; readonly instead: string } | undefined;
  return {
    now: () => {
      const renewed = ofClaim();
      return given?.instead === renewed.accessToken ? given.credentials : renewed;
    },
    give: (credentials) => {
      given = { credentials, instead: ofClaim().accessToken };
    },
  };
};

/** A body is larger than anything that this proxy itself reads. */
export class TooLarge extends Error {}

// A certificate with thousands of scopes is far below that.
const bytesMax = 1024 * 1024;

/** The body of a request for the proxy itself, as text. Throws TooLarge. */
export const textOf = async (request: IncomingMessage): Promise<string> => {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    // Read to its end all the same: the sender would not hear the reply before.
    if (bytes <= bytesMax) parts.push(part);
  }
  if (bytes > bytesMax) throw new TooLarge();
  return Buffer.concat(parts).toString();
};

/** Credentials as the original's workers wrote them: a certificate may be missing, or be empty. Undefined: they are none. */
export const readCredentials = (body: string): Credentials | undefined => {
  try {
    const { clientId, accessToken, certificate } = JSON.parse(body) as Record<string, unknown>;
    if (typeof clientId !== 'string' || typeof accessToken !== 'string') return undefined;
    const text = typeof certificate === 'object' ? JSON.stringify(certificate) : certificate;
    if (text !== undefined && typeof text !== 'string') return undefined;
    const isPermanent = text === undefined || text === '' || text === 'null';
    if (!isPermanent) JSON.parse(text);
    return { clientId, accessToken, ...(isPermanent ? {} : { certificate: text }) };
  } catch {
    return undefined;
  }
};
