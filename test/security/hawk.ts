import { createHmac, randomBytes } from 'node:crypto';
import type { Credentials } from '../support/platform.ts';

/** Credentials that may be temporary, with the certificate as an object so that a test can spoil it. */
export interface Keys extends Credentials {
  readonly certificate?: unknown;
  readonly authorizedScopes?: unknown;
}

/** What a signature covers. */
export interface Signed {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
}

/** The attributes of a header, in the order in which they are written. */
export type Attributes = Readonly<Record<string, string>>;

/** The `ext` of some credentials; empty when they have neither a certificate nor narrowed scopes. */
export const extOf = ({ certificate, authorizedScopes }: Keys): string =>
  certificate === undefined && authorizedScopes === undefined
    ? ''
    : Buffer.from(JSON.stringify({ certificate, authorizedScopes })).toString('base64');

const macOf = (kind: string, signed: Signed, { key, ts, nonce, ext }: Record<string, string>): string =>
  createHmac('sha256', key ?? '')
    .update(
      [
        `hawk.1.${kind}`,
        ts,
        nonce,
        signed.method,
        signed.path,
        signed.host ?? '127.0.0.1',
        signed.port,
        '',
        ext,
        '',
      ].join('\n'),
    )
    .digest('base64');

const secondsNow = (): number => Math.floor(Date.now() / 1000);

/** Signs as a client would, with whatever `ext` it is told to use. */
export const attributesOf = (keys: Keys, signed: Signed, ext = extOf(keys)): Attributes => {
  const [ts, nonce] = [String(secondsNow()), randomBytes(6).toString('base64url')];
  const mac = macOf('header', signed, { key: keys.accessToken, ts, nonce, ext });
  return { id: keys.clientId, ts, nonce, ...(ext ? { ext } : {}), mac };
};

/** An Authorization header. */
export const headerOf = (attributes: Attributes): string =>
  `Hawk ${Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`;

/** The four parts of a bewit for a URL, good for this many seconds from now. */
export const bewitParts = (keys: Keys, signed: Signed, seconds = 60): readonly string[] => {
  const [ts, ext] = [String(secondsNow() + seconds), extOf(keys)];
  return [
    keys.clientId,
    ts,
    macOf('bewit', { ...signed, method: 'GET' }, { key: keys.accessToken, ts, nonce: '', ext }),
    ext,
  ];
};

/** A path with a bewit. */
export const withBewit = (path: string, parts: readonly string[]): string =>
  `${path}${path.includes('?') ? '&' : '?'}bewit=${Buffer.from(parts.join('\\')).toString('base64url')}`;
