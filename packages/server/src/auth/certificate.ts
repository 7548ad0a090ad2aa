import { createHmac } from 'node:crypto';
import { days, minutes, slugid } from '../base/index.ts';
import { isEqual, refuse } from './hawk.ts';
import { type ScopeSet, scopePattern } from './scopes/index.ts';

/** A client's signed permission to act with some of its scopes for some time. */
export interface Certificate {
  readonly version: 1;
  readonly scopes: readonly string[];
  /** Unix milliseconds. */
  readonly start: number;
  readonly expiry: number;
  readonly seed: string;
  readonly signature: string;
  /** The client that signed; only when the credentials have a name of their own. */
  readonly issuer?: string;
}

export interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
  /** JSON text. */
  readonly certificate?: string;
}

/** The largest tolerated difference between the clock of an issuer and ours. */
const skewMs = minutes(5);
const lifetimeMaxMs = days(31);
const seedLength = 44;

const isScope = (value: unknown): boolean => typeof value === 'string' && scopePattern.test(value);

/** Whether this is a list of scopes. */
export const isScopes = (value: unknown): value is string[] => Array.isArray(value) && value.every(isScope);

/** The certificate in a request's `ext`. Refuses a malformed one; the signature is checked elsewhere. */
export const readCertificate = (value: unknown): Certificate => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuse('ext.certificate must be an object.');
  }
  const { version, scopes, start, expiry, seed, signature, issuer } = value as Record<string, unknown>;
  if (version !== 1) return refuse('ext.certificate.version must be 1.');
  if (typeof seed !== 'string') return refuse('ext.certificate.seed must be a string.');
  if (seed.length !== seedLength)
    return refuse(`ext.certificate.seed must be ${seedLength} characters long.`);
  if (typeof start !== 'number') return refuse('ext.certificate.start must be a number.');
  if (typeof expiry !== 'number') return refuse('ext.certificate.expiry must be a number.');
  if (!isScopes(scopes)) return refuse('ext.certificate.scopes must be a list of valid scopes.');
  if (expiry - start > lifetimeMaxMs) return refuse('ext.certificate lasts more than 31 days.');
  if (typeof signature !== 'string') return refuse('ext.certificate.signature must be a string.');
  if (issuer === undefined) {
    if ('clientId' in value) return refuse('ext.certificate has a clientId but no issuer.');
    return { version, scopes, start, expiry, seed, signature };
  }
  if (typeof issuer !== 'string') return refuse('ext.certificate.issuer must be a string.');
  return { version, scopes, start, expiry, seed, signature, issuer };
};

/** Refuses a certificate before its start and after its expiry. */
export const requireCurrent = ({ start, expiry }: Certificate, now: Date): void => {
  if (start > now.getTime() + skewMs)
    refuse('ext.certificate.start > now: the credentials are not valid yet.');
  if (expiry < now.getTime() - skewMs) refuse('ext.certificate.expiry < now: the credentials have expired.');
};

/** Refuses a certificate that its issuer did not sign for this name. */
export const requireSigned = (
  certificate: Certificate,
  { clientId, issuer }: { clientId: string; issuer: Credentials },
): void => {
  if (!isEqual(sign(certificate, clientId, issuer.accessToken), certificate.signature))
    refuse('ext.certificate.signature is not valid, or belongs to another clientId.');
};

/** Refuses a certificate whose issuer was not allowed to sign it. */
export const requireIssued = (
  certificate: Certificate,
  { clientId, issuer, held }: { clientId: string; issuer: Credentials; held: ScopeSet },
): void => {
  const { scopes, issuer: issuerId } = certificate;
  if (issuerId !== undefined) {
    const needed = `auth:create-client:${clientId}`;
    if (!held.has(needed)) refuse(`The issuer of ext.certificate, '${issuerId}', lacks the scope ${needed}.`);
  }
  if (!held.satisfies({ AllOf: scopes })) {
    refuse(`The issuer '${issuer.clientId}' doesn't satisfy all certificate scopes [${scopes.join(', ')}].`);
  }
};

const hmac = (key: string, text: string) => createHmac('sha256', key).update(text);

const sign = (certificate: Omit<Certificate, 'signature'>, clientId: string, key: string): string => {
  const { issuer, seed, start, expiry, scopes } = certificate;
  const named = issuer === undefined ? [] : [`clientId:${clientId}`, `issuer:${issuer}`];
  const lines = [
    'version:1',
    ...named,
    `seed:${seed}`,
    `start:${start}`,
    `expiry:${expiry}`,
    'scopes:',
    ...scopes,
  ];
  return hmac(key, lines.join('\n')).digest('base64');
};

/** The access token of temporary credentials, derived from the issuer's. */
export const temporaryKey = (seed: string, issuerKey: string): string =>
  hmac(issuerKey, seed).digest('base64url');

export interface TemporaryCredentials {
  /** Without it the credentials have the issuer's name. */
  readonly clientId?: string;
  readonly issuer: Pick<Credentials, 'clientId' | 'accessToken'>;
  readonly scopes: readonly string[];
  readonly start: Date;
  readonly expiry: Date;
}

/** Temporary credentials for at most 31 days. They need no database, only the issuer's signature. */
export const createTemporaryCredentials = (wanted: TemporaryCredentials): Required<Credentials> => {
  const { issuer, scopes, start, expiry, clientId = issuer.clientId } = wanted;
  const unsigned = {
    version: 1 as const,
    scopes,
    start: start.getTime(),
    expiry: expiry.getTime(),
    seed: slugid() + slugid(),
    ...(wanted.clientId === undefined ? {} : { issuer: issuer.clientId }),
  };
  const certificate: Certificate = { ...unsigned, signature: sign(unsigned, clientId, issuer.accessToken) };
  return {
    clientId,
    accessToken: temporaryKey(unsigned.seed, issuer.accessToken),
    certificate: JSON.stringify(certificate),
  };
};
