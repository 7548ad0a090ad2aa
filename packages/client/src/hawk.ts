import type { Credentials } from './credentials.ts';
import { hmacSha256, toBase64, toBase64Url, toBytes } from './encoding.ts';

/** The parts of a URL that are signed. A `URL` has them; callers pass other objects for paths that `URL` would rewrite. */
export type SignedUrl = Pick<URL, 'protocol' | 'hostname' | 'port' | 'pathname' | 'search'>;

/** Signs requests of one client. */
export interface Signer {
  /** The value of the Authorization header of this request. */
  header(method: string, url: SignedUrl): Promise<string>;
  /** The same URL, good for GET by anyone who has it, until it expires. */
  signedUrl(url: URL, expires: Date): Promise<string>;
}

interface Signed {
  readonly type: 'header' | 'bewit';
  readonly ts: number;
  readonly nonce: string;
  readonly method: string;
  readonly url: SignedUrl;
  readonly ext: string;
}

const portOf = (url: SignedUrl): string => url.port || (url.protocol === 'https:' ? '443' : '80');

// The text that Hawk signs. The empty line stands for the hash of a payload, which callers may leave out.
const normalised = ({ type, ts, nonce, method, url, ext }: Signed): string =>
  [
    `hawk.1.${type}`,
    ts,
    nonce,
    method,
    url.pathname + url.search,
    url.hostname.toLowerCase(),
    portOf(url),
    '',
    ext.replaceAll('\\', '\\\\').replaceAll('\n', '\\n'),
    '',
  ].join('\n');

const extOf = ({ certificate }: Credentials, authorizedScopes: readonly string[] | undefined): string => {
  if (!certificate && !authorizedScopes) return '';
  const parts = {
    ...(certificate
      ? { certificate: typeof certificate === 'string' ? JSON.parse(certificate) : certificate }
      : {}),
    ...(authorizedScopes ? { authorizedScopes } : {}),
  };
  return toBase64(toBytes(JSON.stringify(parts)));
};

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const nonce = (): string => toBase64Url(crypto.getRandomValues(new Uint8Array(6)));

/** Signs by Hawk (SHA-256); the certificate and the authorized scopes travel in the `ext` field. */
export const createSigner = (credentials: Credentials, authorizedScopes?: readonly string[]): Signer => {
  const { clientId } = credentials;
  const ext = extOf(credentials, authorizedScopes);
  let key: ReturnType<typeof hmacSha256> | undefined;
  const mac = async (signed: Signed): Promise<string> => {
    key ??= hmacSha256(credentials.accessToken);
    return toBase64(await (await key)(normalised(signed)));
  };
  return {
    header: async (method, url) => {
      const once = { ts: seconds(new Date()), nonce: nonce() };
      const signature = await mac({ type: 'header', ...once, method: method.toUpperCase(), url, ext });
      const fields = {
        id: clientId,
        ts: once.ts,
        nonce: once.nonce,
        ...(ext ? { ext } : {}),
        mac: signature,
      };
      const written = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
      return `Hawk ${written.join(', ')}`;
    },
    signedUrl: async (url, expires) => {
      const ts = seconds(expires);
      const signature = await mac({ type: 'bewit', ts, nonce: '', method: 'GET', url, ext });
      const bewit = toBase64Url(toBytes([clientId, ts, signature, ext].join('\\')));
      return `${url.href}${url.search ? '&' : '?'}bewit=${bewit}`;
    },
  };
};
