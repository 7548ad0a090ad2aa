import { join } from 'node:path';
import type { OtherParties } from './auth/index.ts';
import type { Config } from './config/index.ts';
import type { SenderSettings } from './notify/index.ts';
import type { Backends } from './objects/index.ts';
import { type QueueSettings, readAgeing } from './queue/index.ts';

// The settings of each domain, from the configuration.

/** The settings of the queue. */
export const queueSettingsOf = (config: Config): QueueSettings => ({
  claimTimeoutSeconds: config.claimTimeoutSeconds,
  deadlineDelaySeconds: config.deadlineDelaySeconds,
  deadlineDaysMax: config.taskDeadlineDaysMax,
  dependenciesMax: config.taskDependenciesMax,
  longPollSeconds: 20,
  ageing: readAgeing(config.ageing),
});

/** The host and port for which clients sign their requests, even if a proxy changes them. */
export const originsOf = ({ rootUrl }: Config) => {
  if (!rootUrl) return [];
  const { hostname, port, protocol } = new URL(rootUrl);
  return [{ host: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) }];
};

/** The configured senders of notifications. */
export const sendersOf = ({ notify }: Config): SenderSettings => {
  const { smtpUrl, emailFrom: from, matrixUrl, matrixAccessToken, slackUrl, slackAccessToken } = notify;
  return {
    email: smtpUrl && from ? { smtpUrl, from } : undefined,
    matrix: matrixUrl && matrixAccessToken ? { url: matrixUrl, accessToken: matrixAccessToken } : undefined,
    slack: slackAccessToken ? { url: slackUrl, accessToken: slackAccessToken } : undefined,
  };
};

/** The other services whose credentials may be given out. */
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

/** The backends of objects: a bucket if there is one, else the disk, and further configured ones. */
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
