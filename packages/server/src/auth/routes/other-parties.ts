import { parameters } from '../../http/index.ts';
import {
  accessLevels,
  awsS3CredentialsResponse,
  azureAccountListResponse,
  azureContainerListResponse,
  azureContainerResponse,
  azureTableAccessResponse,
  azureTableListResponse,
  gcpCredentialsResponse,
  githubRepoTokenRequest,
  githubTokenResponse,
  sentryDsnResponse,
  websocktunnelAudiencePattern,
  websocktunnelClientPattern,
  websocktunnelTokenResponse,
} from '../schema/index.ts';
import { endpoint } from './endpoint.ts';

const { matching, continuationToken, printableAscii } = parameters;
const level = matching(new RegExp(`^(${accessLevels.join('|')})$`));
const azureAccount = matching(/^[a-z0-9]{3,24}$/);
const azure = 'Azure Credentials';

/** Scopes by the level of access: the scope to write allows reading as well. */
const byLevel = (kind: string, target: string) =>
  ({
    if: 'levelIsReadOnly',
    // biome-ignore lint/suspicious/noThenProperty: the word of the published scope templates.
    then: { AnyOf: [`auth:${kind}:read-only:${target}`, `auth:${kind}:read-write:${target}`] },
    else: `auth:${kind}:read-write:${target}`,
  }) as const;

/** Methods that give out credentials of other services, like AWS. */
export const otherPartyRoutes = [
  endpoint(
    {
      name: 'awsS3Credentials',
      method: 'GET',
      path: '/aws/s3/<level>/<bucket>/<prefix>',
      rest: 'prefix',
      params: {
        level,
        bucket: matching(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/),
        prefix: matching(/^([\x20-\x2e\x30-\x7e][\x20-\x7e]*)?$/),
      },
      query: { format: matching(/^iam-role-compat$/) },
      category: 'AWS Credentials',
      title: 'Credentials for a part of an S3 bucket',
      description:
        'Temporary AWS credentials to read, or to read and write, what is under a prefix of a bucket.',
      stability: 'stable',
      scopes: byLevel('aws-s3', '<bucket>/<prefix>'),
      output: awsS3CredentialsResponse,
    },
    ({ auth }, call) => auth.awsS3Credentials(call, { ...call.params, ...call.query }),
  ),
  endpoint(
    {
      name: 'azureAccounts',
      method: 'GET',
      path: '/azure/accounts',
      category: azure,
      title: 'List Azure accounts',
      description: 'The Azure accounts for which this server can give out access.',
      stability: 'deprecated',
      scopes: 'auth:azure-table:list-accounts',
      output: azureAccountListResponse,
    },
    ({ auth }) => auth.azureAccounts(),
  ),
  endpoint(
    {
      name: 'azureTables',
      method: 'GET',
      path: '/azure/<account>/tables',
      params: { account: azureAccount },
      query: { continuationToken },
      category: azure,
      title: 'List tables of an Azure account',
      description: 'The tables of an Azure account, in pages.',
      stability: 'deprecated',
      scopes: 'auth:azure-table:list-tables:<account>',
      output: azureTableListResponse,
    },
    ({ auth }) => auth.azureTables(),
  ),
  endpoint(
    {
      name: 'azureTableSAS',
      method: 'GET',
      path: '/azure/<account>/table/<table>/<level>',
      params: { account: azureAccount, table: matching(/^[A-Za-z][A-Za-z0-9]{2,62}$/), level },
      category: azure,
      title: 'Access to an Azure table',
      description: 'A shared access signature to read, or to read and write, a table.',
      stability: 'deprecated',
      scopes: byLevel('azure-table', '<account>/<table>'),
      output: azureTableAccessResponse,
    },
    ({ auth }, call) => auth.azureTableSAS(call, call.params),
  ),
  endpoint(
    {
      name: 'azureContainers',
      method: 'GET',
      path: '/azure/<account>/containers',
      params: { account: azureAccount },
      query: { continuationToken },
      category: azure,
      title: 'List containers of an Azure account',
      description: 'The blob containers of an Azure account, in pages.',
      stability: 'deprecated',
      scopes: 'auth:azure-container:list-containers:<account>',
      output: azureContainerListResponse,
    },
    ({ auth }) => auth.azureContainers(),
  ),
  endpoint(
    {
      name: 'azureContainerSAS',
      method: 'GET',
      path: '/azure/<account>/containers/<container>/<level>',
      params: { account: azureAccount, container: matching(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/), level },
      category: azure,
      title: 'Access to an Azure container',
      description: 'A shared access signature to read, or to read and write, a blob container.',
      stability: 'deprecated',
      scopes: byLevel('azure-container', '<account>/<container>'),
      output: azureContainerResponse,
    },
    ({ auth }, call) => auth.azureContainerSAS(call, call.params),
  ),
  endpoint(
    {
      name: 'sentryDSN',
      method: 'GET',
      path: '/sentry/<project>/dsn',
      params: { project: matching(/^[a-zA-Z0-9_-]{1,64}$/) },
      category: 'Sentry Credentials',
      title: 'Access to a Sentry project',
      description: 'A DSN with which programs report errors to a Sentry project, for a day or so.',
      stability: 'stable',
      scopes: 'auth:sentry:<project>',
      output: sentryDsnResponse,
    },
    ({ auth }, { params }) => auth.sentryDSN(params.project),
  ),
  endpoint(
    {
      name: 'websocktunnelToken',
      method: 'GET',
      path: '/websocktunnel/<wstAudience>/<wstClient>',
      params: {
        wstAudience: matching(websocktunnelAudiencePattern),
        wstClient: matching(websocktunnelClientPattern),
      },
      category: 'Websocktunnel Credentials',
      title: 'Token for a websocktunnel',
      description:
        'A token with which a program behind a firewall connects to a websocktunnel, to be reached there.',
      stability: 'stable',
      scopes: 'auth:websocktunnel-token:<wstAudience>/<wstClient>',
      output: websocktunnelTokenResponse,
    },
    ({ auth }, { params, caller }) => auth.websocktunnelToken(params, caller),
  ),
  endpoint(
    {
      name: 'gcpCredentials',
      method: 'GET',
      path: '/gcp/credentials/<projectId>/<serviceAccount>',
      params: { projectId: printableAscii, serviceAccount: printableAscii },
      category: 'GCP Credentials',
      title: 'Access as a GCP service account',
      description: 'An access token of a service account that the operator has allowed.',
      stability: 'stable',
      scopes: 'auth:gcp:access-token:<projectId>/<serviceAccount>',
      output: gcpCredentialsResponse,
    },
    ({ auth }, { params }) => auth.gcpCredentials(params),
  ),
  endpoint(
    {
      name: 'githubRepoToken',
      method: 'POST',
      path: '/github/<appName>/<owner>/repo-token',
      params: { appName: matching(/^[A-Za-z0-9_-]+$/), owner: matching(/^[A-Za-z0-9._-]+$/) },
      category: 'Github Credentials',
      title: 'Token for GitHub repositories',
      description: [
        'A token of a GitHub app, for some repositories of an owner and some permissions. The caller',
        'needs one scope for each repository and permission, with owner and repository in lower case.',
      ].join('\n'),
      stability: 'experimental',
      scopes: {
        AllOf: [
          { for: 'repoPerm', in: 'repoPerms', each: 'auth:github-repo-token:<appName>/<owner>/<repoPerm>' },
        ],
      },
      input: githubRepoTokenRequest,
      output: githubTokenResponse,
    },
    ({ auth }, call) => auth.githubRepoToken(call, { ...call.params, ...call.body }),
  ),
];
