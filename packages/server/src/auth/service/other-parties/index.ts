import { createHmac } from 'node:crypto';
import { hours, later, minutes, RequestError } from '../../../base/index.ts';
import type { Caller } from '../../../http/index.ts';
import type { Context } from '../../context.ts';
import type { WebsocktunnelToken } from '../../schema/index.ts';
import type { Asking } from '../changes.ts';
import { awsVerbs } from './aws.ts';
import { gcpVerbs } from './gcp.ts';
import { githubVerbs } from './github.ts';
import { notConfigured } from './not-configured.ts';
import { SentryKeys } from './sentry.ts';

export { projectsPerPage } from './sentry.ts';

/** The verbs that give out credentials of other services. */
export const otherPartyVerbs = ({ clock, ...parties }: Context) => ({
  ...awsVerbs(clock, parties.aws),
  ...gcpVerbs(parties.gcp),
  ...githubVerbs(clock, parties.github),
  ...sentryVerbs(new SentryKeys(clock, parties.sentry)),
  ...azureVerbs,

  /** A token by which a worker can be reached through a websocktunnel, for 96 hours. */
  websocktunnelToken: (
    wanted: { wstAudience: string; wstClient: string },
    { clientId }: Caller,
  ): WebsocktunnelToken => {
    const secret =
      parties.websocktunnelSecret ?? notConfigured('tokens for a websocktunnel', 'websocktunnelSecret');
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
});

const sentryVerbs = (keys: SentryKeys) => ({
  sentryDSN: (project: string) => keys.dsnOf(project),
  purgeSentryKeys: () => keys.purge(),
});

const noAzure = (): never => {
  throw new RequestError(
    'ResourceExpired',
    'Azure storage is no longer supported: there are no credentials for tables and containers.',
  );
};

const noAzureAtLevel = ({ authorize }: Asking, { level }: { readonly level: string }): never => {
  authorize({ levelIsReadOnly: level === 'read-only' });
  return noAzure();
};

const azureVerbs = {
  azureAccounts: noAzure,
  azureTables: noAzure,
  azureTableSAS: noAzureAtLevel,
  azureContainers: noAzure,
  azureContainerSAS: noAzureAtLevel,
};

const tokenLifeMs = hours(96);
const tokenSkewMs = minutes(15);

const unixSeconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const signToken = (claims: object, secret: string): string => {
  const signed = `${base64url({ alg: 'HS256', typ: 'JWT' })}.${base64url(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
};
