import { hmacSha256, toBase64, toBase64Url } from './encoding.ts';
import { slugid } from './slugid.ts';

/** A certificate states what temporary credentials may do, and is signed by those who issued them. */
export interface Certificate {
  readonly version: number;
  readonly scopes: readonly string[];
  readonly start: number;
  readonly expiry: number;
  readonly seed: string;
  readonly signature: string;
  readonly issuer?: string;
}

/** What a request is signed with. The certificate is there for temporary credentials only. */
export interface Credentials {
  readonly clientId: string;
  readonly accessToken: string;
  readonly certificate?: string | Certificate | undefined;
}

export interface TemporaryCredentialsRequest {
  /** The permanent credentials that issue and sign. */
  readonly credentials: Credentials;
  readonly scopes: readonly string[];
  readonly start: Date;
  readonly expiry: Date;
  /** The name of the new credentials; without it they go by the name of their issuer. */
  readonly clientId?: string | undefined;
}

const longestLifeMs = 31 * 24 * 3600 * 1000;

const checkRequest = ({ credentials, start, expiry, clientId }: TemporaryCredentialsRequest): void => {
  if (credentials.certificate) throw new Error('Temporary credentials cannot issue further credentials.');
  if (clientId === credentials.clientId) {
    throw new Error('Named temporary credentials need another clientId than their issuer.');
  }
  if (!(expiry.getTime() >= start.getTime())) throw new Error('The expiry is before the start.');
  if (expiry.getTime() - start.getTime() > longestLifeMs) {
    throw new Error('Temporary credentials live for 31 days at most.');
  }
};

const statement = (certificate: Omit<Certificate, 'signature'>, clientId: string | undefined): string =>
  [
    `version:${certificate.version}`,
    ...(clientId ? [`clientId:${clientId}`, `issuer:${certificate.issuer}`] : []),
    `seed:${certificate.seed}`,
    `start:${certificate.start}`,
    `expiry:${certificate.expiry}`,
    'scopes:',
    ...certificate.scopes,
  ].join('\n');

/** Issues temporary credentials out of permanent ones, without asking a server. They live 31 days at most. */
export const createTemporaryCredentials = async (
  request: TemporaryCredentialsRequest,
): Promise<{ clientId: string; accessToken: string; certificate: string }> => {
  checkRequest(request);
  const { credentials, scopes, start, expiry, clientId } = request;
  const unsigned = {
    version: 1,
    scopes: [...scopes],
    start: start.getTime(),
    expiry: expiry.getTime(),
    seed: slugid() + slugid(),
    ...(clientId ? { issuer: credentials.clientId } : {}),
  };
  const sign = await hmacSha256(credentials.accessToken);
  const certificate = { ...unsigned, signature: toBase64(await sign(statement(unsigned, clientId))) };
  return {
    clientId: clientId ?? credentials.clientId,
    accessToken: toBase64Url(await sign(unsigned.seed)),
    certificate: JSON.stringify(certificate),
  };
};
