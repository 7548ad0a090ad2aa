import { type Static, Type } from 'typebox';
import { anyObject, ContinuationToken, distinct, exactly, oneOf, publish } from '../../http/index.ts';
import { when } from './words.ts';

const { Array: List, Optional, String: Text } = Type;

/** The level of access that credentials of another service give. */
export const accessLevels = ['read-write', 'read-only'] as const;
export const websocktunnelAudiencePattern = /^[a-zA-Z0-9_-]{1,38}$/;
export const websocktunnelClientPattern = /^[a-zA-Z0-9_~.%-]+$/;

export const WebsocktunnelToken = exactly(
  {
    wstClient: Text({ pattern: websocktunnelClientPattern.source, description: 'As asked for.' }),
    wstAudience: Text({ pattern: websocktunnelAudiencePattern.source, description: 'As asked for.' }),
    token: Text({ description: 'A JSON web token, for the header `Authorization: Bearer`.' }),
    expires: when('The token ends at this time.'),
  },
  { title: 'Token for a websocktunnel' },
);
export type WebsocktunnelToken = Static<typeof WebsocktunnelToken>;
export const websocktunnelTokenResponse = publish('auth', 'websocktunnel-token-response', WebsocktunnelToken);

const expires = when('The credentials end at this time, or soon after.');

export const AwsS3Credentials = exactly(
  {
    credentials: exactly({
      accessKeyId: Text({ description: 'Names the temporary key.' }),
      secretAccessKey: Text({ description: 'Signs requests to S3.' }),
      sessionToken: Text({ description: 'Goes with each request to S3.' }),
    }),
    expires,
  },
  { title: 'Credentials for a part of an S3 bucket' },
);
export type AwsS3Credentials = Static<typeof AwsS3Credentials>;
export const awsS3CredentialsResponse = publish('auth', 'aws-s3-credentials-response', AwsS3Credentials);

const names = (description: string) => distinct(Text(), { description });

export const azureAccountListResponse = publish(
  'auth',
  'azure-account-list-response',
  exactly({ accounts: names('Ids of the accounts.') }, { title: 'Azure accounts' }),
);
export const azureTableListResponse = publish(
  'auth',
  'azure-table-list-response',
  exactly(
    { tables: names('Names of the tables.'), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of Azure tables' },
  ),
);
export const azureContainerListResponse = publish(
  'auth',
  'azure-container-list-response',
  exactly(
    { containers: names('Names of the containers.'), continuationToken: Optional(ContinuationToken) },
    { title: 'Page of Azure containers' },
  ),
);
const sharedAccess = {
  sas: Text({ description: 'A shared access signature, to append to a query string.' }),
  expiry: expires,
};
export const azureTableAccessResponse = publish(
  'auth',
  'azure-table-access-response',
  exactly(sharedAccess, { title: 'Access to an Azure table' }),
);
export const azureContainerResponse = publish(
  'auth',
  'azure-container-response',
  exactly(sharedAccess, { title: 'Access to an Azure container' }),
);

export const SentryDsn = exactly(
  {
    project: Text({ description: 'The Sentry project.' }),
    dsn: exactly({
      secret: Text({ format: 'uri', description: 'For programs that can keep it to themselves.' }),
      public: Text({ format: 'uri', description: 'For programs that run at the users.' }),
    }),
    expires,
  },
  { title: 'Sentry DSN' },
);
export type SentryDsn = Static<typeof SentryDsn>;
export const sentryDsnResponse = publish('auth', 'sentry-dsn-response', SentryDsn);

export const GcpCredentials = exactly(
  { accessToken: Text({ description: 'An OAuth 2 access token.' }), expireTime: expires },
  { title: 'Access token of a GCP service account' },
);
export type GcpCredentials = Static<typeof GcpCredentials>;
export const gcpCredentialsResponse = publish('auth', 'gcp-credentials-response', GcpCredentials);

// GitHub's own words for the permissions of an app, and the levels that each may have.
const readOrWrite = [
  ...[
    'actions',
    'administration',
    'artifact_metadata',
    'attestations',
    'checks',
    'code_quality',
    'codespaces',
  ],
  ...[
    'contents',
    'dependabot_secrets',
    'deployments',
    'discussions',
    'environments',
    'issues',
    'merge_queues',
  ],
  ...['metadata', 'packages', 'pages', 'pull_requests', 'repository_custom_properties', 'repository_hooks'],
  ...[
    'secret_scanning_alerts',
    'secrets',
    'security_events',
    'single_file',
    'statuses',
    'vulnerability_alerts',
  ],
];
const permissions = Object.fromEntries([
  ...readOrWrite.map((name) => [name, oneOf(['read', 'write'])] as const),
  ['repository_projects', oneOf(['read', 'write', 'admin'])] as const,
  ['workflows', oneOf(['write'])] as const,
]);

export const GithubRepoTokenRequest = exactly(
  {
    permissions: Type.Unsafe<Record<string, string>>({
      ...anyObject({
        minProperties: 1,
        additionalProperties: false,
        description: 'A level for each permission.',
      }),
      properties: permissions,
    }),
    repositories: List(Text({ pattern: '^[A-Za-z0-9._-]+$' }), {
      minItems: 1,
      maxItems: 500,
      description: 'Names of repositories of the owner.',
    }),
  },
  { title: 'Access to GitHub repositories' },
);
export type GithubRepoTokenRequest = Static<typeof GithubRepoTokenRequest>;
export const githubRepoTokenRequest = publish('auth', 'github-repo-token-request', GithubRepoTokenRequest);

export const GithubToken = exactly(
  { token: Text({ description: 'The token.' }), expires },
  { title: 'Token for GitHub repositories' },
);
export type GithubToken = Static<typeof GithubToken>;
export const githubTokenResponse = publish('auth', 'github-token-response', GithubToken);
