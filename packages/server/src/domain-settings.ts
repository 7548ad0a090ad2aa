import { join } from 'node:path';
import type { OtherParties } from './auth/index.ts';
import type { Config } from './config/index.ts';
import type { GithubAppSettings } from './github/index.ts';
import type { SenderSettings } from './notify/index.ts';
import type { Backends } from './objects/index.ts';
import { type QueueSettings, readAgeing } from './queue/index.ts';

// What the configuration of an operator is to each domain.

/** What the queue goes by. */
export const queueSettingsOf = (config: Config): QueueSettings => ({
  claimTimeoutSeconds: config.claimTimeoutSeconds,
  deadlineDelaySeconds: config.deadlineDelaySeconds,
  deadlineDaysMax: config.taskDeadlineDaysMax,
  dependenciesMax: config.taskDependenciesMax,
  longPollSeconds: 20,
  claimLocking: config.claimLocking,
  ageing: readAgeing(config.ageing),
});

/** The name under which clients sign their requests, whatever a proxy in between makes of it. */
export const originsOf = ({ rootUrl }: Config) => {
  if (!rootUrl) return [];
  const { hostname, port, protocol } = new URL(rootUrl);
  return [{ host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) }];
};

/** The ways out of the platform that its operator has configured. */
export const sendersOf = ({ notify }: Config): SenderSettings => {
  const { smtpUrl, emailFrom: from, matrixUrl, matrixAccessToken, slackUrl, slackAccessToken } = notify;
  return {
    email: smtpUrl && from ? { smtpUrl, from } : undefined,
    matrix: matrixUrl && matrixAccessToken ? { url: matrixUrl, accessToken: matrixAccessToken } : undefined,
    slack: slackAccessToken ? { url: slackUrl, accessToken: slackAccessToken } : undefined,
  };
};

/** The parties whose credentials may be given out. */
export const otherPartiesOf = ({ websocktunnelSecret, aws, gcp, sentry, github }: Config): OtherParties => {
  const { organization, authToken, team, ...rest } = sentry;
  return {
    websocktunnelSecret,
    aws: aws.buckets && { buckets: aws.buckets, stsUrl: aws.stsUrl },
    gcp: gcp.projects && { projects: gcp.projects, url: gcp.iamCredentialsUrl },
    sentry: organization && authToken && team ? { ...rest, organization, authToken, team } : undefined,
    github: github.apps && { apps: github.apps, url: github.url },
  };
};

/** The organizations whose names an operator has settled, by name in small letters. */
export const namesOfOrganizations = ({ github }: Config): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(github.organizations ?? {}).map(([name, id]) => [name.toLowerCase(), id]),
  );

/** The app by which the service for GitHub speaks, if its operator has made one. */
export const githubAppOf = ({
  github: { appId, privateKey, webhookSecret, url, statusContext },
}: Config): GithubAppSettings | undefined =>
  appId && privateKey && webhookSecret
    ? {
        appId,
        privateKey,
        webhookSecrets: webhookSecret.split(/\s+/).filter((secret) => secret !== ''),
        apiUrl: url.replace(/\/+$/, ''),
        statusContext,
      }
    : undefined;

/** Where bytes lie: in a bucket when there is one, on disk otherwise, and wherever else the operator wants them. */
export const backendsOf = ({ s3, data, objects }: Config) => {
  const { bucket, ...options } = s3;
  const { backends, backendMap: placement, artifactBackend } = objects;
  const standard: Backends = bucket
    ? { s3: { type: 's3', bucket, ...options } }
    : { disk: { type: 'disk', folder: join(data, 'objects') } };
  return {
    backends: { ...standard, ...backends },
    ...(placement ? { placement } : {}),
    ...(artifactBackend ? { artifactBackend } : {}),
  };
};
