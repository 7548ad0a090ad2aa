import { createHmac } from 'node:crypto';
import { hours, later, minutes, RequestError } from '../../base/index.ts';
import type { Authorize, Caller } from '../../http/index.ts';
import type { GithubRepoTokenRequest, WebsocktunnelToken } from '../schema/index.ts';
import type { Room } from './room.ts';

export type OtherPartyVerbs = ReturnType<typeof otherPartyVerbs>;

export interface OtherParties {
  /** The secret that this server shares with a websocktunnel. */
  readonly websocktunnelSecret?: string | undefined;
}

/** Whatever goes with a call to one of these methods. */
export interface Asking {
  readonly authorize: Authorize;
}

const tokenLifeMs = hours(96);
const tokenSkewMs = minutes(15);

/** The verbs that hand out credentials of other parties. */
export const otherPartyVerbs = ({ clock }: Room, { websocktunnelSecret }: OtherParties) => ({
  /** A token with which a worker may be reached through a websocktunnel, for 96 hours. */
  websocktunnelToken: (
    wanted: { wstAudience: string; wstClient: string },
    { clientId }: Caller,
  ): WebsocktunnelToken => {
    const secret = websocktunnelSecret ?? notConfigured('a secret that it shares with a websocktunnel');
    const now = clock.now();
    const expires = later(now, tokenLifeMs);
    const claims = {
      tid: wanted.wstClient,
      sub: clientId,
      iat: unixSeconds(now),
      nbf: unixSeconds(later(now, -tokenSkewMs)),
      exp: unixSeconds(expires),
      iss: 'taskcluster-auth',
      aud: wanted.wstAudience,
    };
    return { ...wanted, token: signToken(claims, secret), expires: expires.toJSON() };
  },

  awsS3Credentials: ({ authorize }: Asking, { level }: { level: string }): never => {
    authorize({ levelIsReadOnly: level === 'read-only' });
    return notConfigured('an AWS account, and the S3 buckets to give access to');
  },
  azureAccounts: (): never => notConfigured('an Azure storage account'),
  azureTables: (): never => notConfigured('an Azure storage account'),
  azureTableSAS: ({ authorize }: Asking, { level }: { level: string }): never => {
    authorize({ levelIsReadOnly: level === 'read-only' });
    return notConfigured('an Azure storage account');
  },
  azureContainers: (): never => notConfigured('an Azure storage account'),
  azureContainerSAS: ({ authorize }: Asking, { level }: { level: string }): never => {
    authorize({ levelIsReadOnly: level === 'read-only' });
    return notConfigured('an Azure storage account');
  },
  sentryDSN: (): never => notConfigured('a Sentry organization, and a token for its API'),
  gcpCredentials: (): never => notConfigured('a GCP project, and the service accounts to give access to'),
  githubRepoToken: ({ authorize }: Asking, wanted: GithubRepoTokenRequest & { owner: string }): never => {
    authorize({ owner: wanted.owner.toLowerCase(), repoPerms: repoPermissions(wanted) });
    return notConfigured('a GitHub app, and its private key');
  },
});

const notConfigured = (needed: string): never => {
  throw new RequestError(
    'NotConfigured',
    `This server cannot give out such credentials: an operator has to configure ${needed}.`,
  );
};

// Every permission is wanted for every repository; scopes name owners and repositories in lower case.
const repoPermissions = ({ repositories, permissions }: GithubRepoTokenRequest): string[] =>
  repositories.flatMap((repository) =>
    Object.entries(permissions).map(([name, level]) => `${repository.toLowerCase()}:${name}:${level}`),
  );

const unixSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const signToken = (claims: object, secret: string): string => {
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};
