import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { inSlices, later, minutes, RequestError } from '../base/index.ts';
import { headerBytesMax } from '../http/index.ts';

/** The parts of a request that its signature covers. */
export interface SignedParts {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly resource: string;
  readonly authorization?: string | undefined;
  /** The names by which the server may have been called. A signature for any of them is accepted. */
  readonly origins: readonly Origin[];
}

export interface Origin {
  readonly host: string;
  readonly port: number;
}

/** What a header or a bewit claims. Nothing of it is proven before {@link requireSignature}. */
export interface Signature {
  readonly kind: 'header' | 'bewit';
  readonly clientId: string;
  /** Unix seconds: when a header was made, or when a bewit ends. */
  readonly ts: string;
  readonly nonce: string;
  readonly mac: string;
  readonly ext: string;
  readonly hash: string;
  readonly method: string;
  /** Without the bewit. */
  readonly resource: string;
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** The largest tolerated difference between the clock of a caller and ours. */
const skewMs = minutes(15);

export const refuse = (message: string): never => {
  throw new RequestError('AuthenticationFailed', message);
};

const bewitIn = /^(.*)([?&])bewit=([^&]*)(?:&(.*))?$/s;

/** The size limit of headers, also for a signature that is passed on in a body. */
const charactersMax = headerBytesMax;

/** The signature of a request; undefined when it has none. */
export const signatureOf = (request: SignedParts): Signature | undefined => {
  const { authorization, resource } = request;
  if ((authorization?.length ?? 0) > charactersMax || resource.length > charactersMax)
    return refuse(`The Authorization header and the URL may hold ${charactersMax} characters each.`);
  const bewit = resource.includes('bewit=') ? bewitIn.exec(resource) : null;
  if (authorization && bewit)
    return refuse('The request uses two authentication schemes: a header and a bewit.');
  if (authorization) return readHeader(authorization, request);
  return bewit ? readBewit(bewit, request) : undefined;
};

const attributeNames = new Set(['id', 'ts', 'nonce', 'hash', 'ext', 'mac']);
const attribute = /([a-z]+)="([^"\\]*)"\s*(?:,\s*|$)/y;

const readHeader = (header: string, { method, resource }: SignedParts): Signature => {
  const scheme =
    /^hawk\s+/i.exec(header)?.[0] ?? refuse('The Authorization header must use the scheme Hawk.');
  const { id, ts, nonce, mac, ext = '', hash = '' } = readAttributes(header, scheme.length);
  if (!id || !ts || !nonce || !mac) return refuse('The Hawk header must have id, ts, nonce and mac.');
  return { kind: 'header', clientId: id, ts, nonce, mac, ext, hash, method, resource };
};

const readAttributes = (header: string, start: number): Record<string, string> => {
  const values: Record<string, string> = {};
  attribute.lastIndex = start;
  for (let at = start; at < header.length; at = attribute.lastIndex) {
    const [, name = '', value = ''] = attribute.exec(header) ?? refuse('The Hawk header is malformed.');
    if (!attributeNames.has(name) || name in values) refuse('The Hawk header has an attribute too many.');
    values[name] = value;
  }
  return values;
};

const readBewit = (
  [, before = '', separator, bewit = '', after]: RegExpExecArray,
  { method }: SignedParts,
): Signature => {
  if (method !== 'GET' && method !== 'HEAD') return refuse('A bewit signs only GET and HEAD requests.');
  const [clientId, ts, mac, ext, ...more] = Buffer.from(bewit, 'base64url').toString().split('\\');
  if (!clientId || !ts || !mac || ext === undefined || more.length > 0)
    return refuse('The bewit is malformed.');
  const resource = after ? `${before}${separator}${after}` : before;
  return { kind: 'bewit', clientId, ts, nonce: '', mac, ext, hash: '', method: 'GET', resource };
};

/** Refuses a signature that was not made with this key for this request. */
export const requireSignature = (
  signature: Signature,
  { key, origins }: { key: string; origins: readonly Origin[] },
): void => {
  if (!origins.flatMap(spellings).some((origin) => isEqual(macOf(signature, origin, key), signature.mac))) {
    refuse('Bad mac: the signature does not fit the request, its host and port, or the access token.');
  }
};

/** Refuses a signature that is out of date. */
export const requireTimely = (signature: Signature, now: Date): void => {
  const at = Number(signature.ts) * 1000;
  if (signature.kind === 'bewit') {
    if (!(at > now.getTime())) refuse('Access expired: the bewit has come to its end.');
  } else if (!(Math.abs(at - now.getTime()) <= skewMs)) {
    refuse(
      `Stale timestamp: the request was signed more than 15 minutes from ${now.toJSON()}, the time here.`,
    );
  }
};

/** Some clients sign IPv6 addresses with brackets, others without. */
const spellings = (origin: Origin): Origin[] => {
  const bare = origin.host.replace(/^\[|\]$/g, '');
  return bare.includes(':')
    ? [
        { ...origin, host: `[${bare}]` },
        { ...origin, host: bare },
      ]
    : [origin];
};

const macOf = (signature: Signature, { host, port }: Origin, key: string): string => {
  const { kind, ts, nonce, method, resource, hash, ext } = signature;
  const escaped = ext.includes('\\') || ext.includes('\n') ? escapeExt(ext) : ext;
  const when = `hawk.1.${kind}\n${ts}\n${nonce}\n`;
  const what = `${method.toUpperCase()}\n${resource}\n${host.toLowerCase()}\n${port}\n${hash}\n${escaped}\n`;
  return createHmac('sha256', key)
    .update(when + what)
    .digest('base64');
};

/** The client that a request claims to come from, if that can be parsed. It is not proven, and it is truncated. */
export const claimedId = (request: SignedParts): string | undefined => {
  try {
    return signatureOf(request)?.clientId.slice(0, 200);
  } catch {
    return undefined;
  }
};

const escapeExt = (ext: string): string => ext.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/** Temporary credentials, and the expiry of a URL that they sign. */
export interface UrlSigner {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate: string;
  readonly expiry: Date;
}

/** A URL of this platform with a signature. Anyone who has it may GET it as these credentials allow. */
export const signedUrl = (
  address: string,
  { clientId, accessToken, certificate, expiry }: UrlSigner,
): string => {
  const url = new URL(address);
  const ext = Buffer.from(JSON.stringify({ certificate: JSON.parse(certificate) })).toString('base64');
  const ts = String(Math.floor(expiry.getTime() / 1000));
  const claimed = { kind: 'bewit', clientId, ts, nonce: '', ext, hash: '', method: 'GET' } as const;
  const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
  const resource = url.pathname + url.search;
  const mac = macOf({ ...claimed, mac: '', resource }, { host: url.hostname, port }, accessToken);
  const bewit = Buffer.from([clientId, ts, mac, ext].join('\\')).toString('base64url');
  return `${url.href}${url.search ? '&' : '?'}bewit=${bewit}`;
};

/** Compares two secrets in a time that does not depend on where they differ. */
export const isEqual = (a: string, b: string): boolean => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const pieceCharacters = 2 ** 20;

/** Splits a text into pieces whose bytes together are those of the text: no surrogate pair is split. */
const piecesOf = (text: string): string[] => {
  const pieces: string[] = [];
  for (let from = 0; from < text.length; ) {
    const isSplit = /[\udc00-\udfff]/.test(text[from + pieceCharacters] ?? '');
    const to = from + pieceCharacters + (isSplit ? 1 : 0);
    pieces.push(text.slice(from, to));
    from = to;
  }
  return pieces;
};

/** Refuses a body other than the one whose hash was signed. A request that signed none passes. */
export const requirePayload = async (
  signature: Signature,
  payload: string,
  contentType: string,
): Promise<void> => {
  if (!signature.hash) return;
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase();
  const hash = createHash('sha256').update(`hawk.1.payload\n${type}\n`);
  await inSlices(piecesOf(payload), (piece) => hash.update(piece));
  if (!isEqual(hash.update('\n').digest('base64'), signature.hash))
    refuse('Invalid payload hash: the body is not the one that was signed.');
};

const single = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value.split(',', 1)[0]?.trim() : value?.[0];

/** The name by which a request called this server, as a trusted proxy reports it if there is one. */
export const originOf = (headers: Headers, { trustsProxy }: { trustsProxy: boolean }): Origin => {
  const [, host = '', given] = /^(.*?)(?::(\d+))?$/.exec(single(headers.host) ?? '') ?? [];
  if (!trustsProxy) return { host, port: Number(given ?? 80) };
  const isHttps = single(headers['x-forwarded-proto'])?.toLowerCase() === 'https';
  const forwarded = single(headers['x-forwarded-port']);
  return { host, port: Number(forwarded ?? (isHttps ? 443 : (given ?? 80))) };
};

/** The expiry that callers without credentials are given. */
export const anonymousUntil = (now: Date): Date => later(now, minutes(15));
