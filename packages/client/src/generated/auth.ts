// Generated from the server's contracts by `npm run generate`. Do not edit.
import { exchange } from '../exchange.ts';
import { type CallOptions, type QueryOptions, type ServiceClient, serviceClass } from '../service.ts';

export type AuthenticateHawkRequest = {
  method: 'get' | 'post' | 'put' | 'head' | 'delete' | 'options' | 'trace' | 'copy' | 'lock' | 'mkcol' | 'move' | 'purge' | 'propfind' | 'proppatch' | 'unlock' | 'report' | 'mkactivity' | 'checkout' | 'merge' | 'm-search' | 'notify' | 'subscribe' | 'unsubscribe' | 'patch' | 'search' | 'connect';
  resource: string;
  host: string;
  port: number;
  authorization?: string;
  sourceIp?: string;
};
export type AuthenticateHawkResponse = {
  status: 'auth-success';
  scheme: 'hawk';
  clientId: string;
  scopes: string[];
  expires: string;
  hash?: unknown;
} | {
  status: 'auth-failed';
  message: string;
} | {
  status: 'no-auth';
  scheme: 'none';
  scopes: string[];
  expires: string;
};
export type AwsS3CredentialsResponse = {
  credentials: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken: string;
  };
  expires: string;
};
export type AzureAccountListResponse = {
  accounts: string[];
};
export type AzureContainerListResponse = {
  containers: string[];
  continuationToken?: string;
};
export type AzureContainerResponse = {
  sas: string;
  expiry: string;
};
export type AzureTableListResponse = {
  tables: string[];
  continuationToken?: string;
};
export type ClientMessage = {
  version: 1;
  clientId: string;
};
export type CreateClientRequest = {
  expires: string;
  deleteOnExpiration?: boolean;
  description: string;
  scopes?: string[];
};
export type CreateClientResponse = {
  clientId: string;
  expires: string;
  deleteOnExpiration: boolean;
  description: string;
  scopes: string[];
  expandedScopes: string[];
  disabled: boolean;
  created: string;
  lastModified: string;
  lastDateUsed: string;
  lastRotated: string;
  accessToken: string;
};
export type CreateRoleRequest = {
  scopes: string[];
  description: string;
};
export type GcpCredentialsResponse = {
  accessToken: string;
  expireTime: string;
};
export type GetClientResponse = {
  clientId: string;
  expires: string;
  deleteOnExpiration: boolean;
  description: string;
  scopes: string[];
  expandedScopes: string[];
  disabled: boolean;
  created: string;
  lastModified: string;
  lastDateUsed: string;
  lastRotated: string;
};
export type GetEntityHistoryResponse = {
  auditHistory: {
    clientId: string;
    actionType: string;
    created: string;
    entityId: string;
    entityType: string;
  }[];
  continuationToken?: string;
};
export type GetRoleResponse = {
  roleId: string;
  scopes: string[];
  description: string;
  created: string;
  lastModified: string;
  expandedScopes: string[];
};
export type GithubRepoTokenRequest = {
  permissions: {
    actions?: 'read' | 'write';
    administration?: 'read' | 'write';
    artifact_metadata?: 'read' | 'write';
    attestations?: 'read' | 'write';
    checks?: 'read' | 'write';
    code_quality?: 'read' | 'write';
    codespaces?: 'read' | 'write';
    contents?: 'read' | 'write';
    dependabot_secrets?: 'read' | 'write';
    deployments?: 'read' | 'write';
    discussions?: 'read' | 'write';
    environments?: 'read' | 'write';
    issues?: 'read' | 'write';
    merge_queues?: 'read' | 'write';
    metadata?: 'read' | 'write';
    packages?: 'read' | 'write';
    pages?: 'read' | 'write';
    pull_requests?: 'read' | 'write';
    repository_custom_properties?: 'read' | 'write';
    repository_hooks?: 'read' | 'write';
    secret_scanning_alerts?: 'read' | 'write';
    secrets?: 'read' | 'write';
    security_events?: 'read' | 'write';
    single_file?: 'read' | 'write';
    statuses?: 'read' | 'write';
    vulnerability_alerts?: 'read' | 'write';
    repository_projects?: 'read' | 'write' | 'admin';
    workflows?: 'write';
  };
  repositories: string[];
};
export type GithubTokenResponse = {
  token: string;
  expires: string;
};
export type ListClientsResponse = {
  clients: GetClientResponse[];
  continuationToken?: string;
};
export type ListRoleIdsResponse = {
  roleIds: string[];
  continuationToken?: string;
};
export type ListRoles2Response = {
  roles: GetRoleResponse[];
  continuationToken?: string;
};
export type RoleMessage = {
  version: 1;
  roleId: string;
};
export type Scopeset = {
  scopes: string[];
};
export type SentryDsnResponse = {
  project: string;
  dsn: {
    secret: string;
    public: string;
  };
  expires: string;
};
export type TestAuthenticateRequest = {
  clientScopes?: string[];
  requiredScopes?: string[];
};
export type TestAuthenticateResponse = {
  clientId: string;
  scopes: string[];
};
export type WebsocktunnelTokenResponse = {
  wstClient: string;
  wstAudience: string;
  token: string;
  expires: string;
};

export interface AuthApi {
  /** Ping. */
  ping(options?: CallOptions): Promise<unknown>;
  /** Load balancer heartbeat. */
  lbheartbeat(options?: CallOptions): Promise<unknown>;
  /** Version. */
  version(options?: CallOptions): Promise<unknown>;
  /** Heartbeat. */
  heartbeat(options?: CallOptions): Promise<unknown>;
  /** List clients. */
  listClients(options?: QueryOptions<'prefix' | 'continuationToken' | 'limit'>): Promise<ListClientsResponse>;
  /** Get a client. */
  client(clientId: string, options?: CallOptions): Promise<GetClientResponse>;
  /** Create a client. */
  createClient(clientId: string, body: CreateClientRequest, options?: CallOptions): Promise<CreateClientResponse>;
  /** What was done to an entity. */
  getEntityHistory(entityType: string, entityId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<GetEntityHistoryResponse>;
  /** What a client did. */
  listAuditHistory(clientId: string, options?: QueryOptions<'continuationToken' | 'limit'>): Promise<GetEntityHistoryResponse>;
  /** Reset an access token. */
  resetAccessToken(clientId: string, options?: CallOptions): Promise<CreateClientResponse>;
  /** Update a client. */
  updateClient(clientId: string, body: CreateClientRequest, options?: CallOptions): Promise<GetClientResponse>;
  /** Enable a client. */
  enableClient(clientId: string, options?: CallOptions): Promise<GetClientResponse>;
  /** Disable a client. */
  disableClient(clientId: string, options?: CallOptions): Promise<GetClientResponse>;
  /** Delete a client. */
  deleteClient(clientId: string, options?: CallOptions): Promise<void>;
  /** List all roles. */
  listRoles(options?: CallOptions): Promise<GetRoleResponse[]>;
  /** List roles. */
  listRoles2(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListRoles2Response>;
  /** List ids of roles. */
  listRoleIds(options?: QueryOptions<'continuationToken' | 'limit'>): Promise<ListRoleIdsResponse>;
  /** Get a role. */
  role(roleId: string, options?: CallOptions): Promise<GetRoleResponse>;
  /** Create a role. */
  createRole(roleId: string, body: CreateRoleRequest, options?: CallOptions): Promise<GetRoleResponse>;
  /** Update a role. */
  updateRole(roleId: string, body: CreateRoleRequest, options?: CallOptions): Promise<GetRoleResponse>;
  /** Delete a role. */
  deleteRole(roleId: string, options?: CallOptions): Promise<void>;
  /** Expand scopes. */
  expandScopes(body: Scopeset, options?: CallOptions): Promise<Scopeset>;
  /** Scopes of this call. */
  currentScopes(options?: CallOptions): Promise<Scopeset>;
  /** Examine a signed request. */
  authenticateHawk(body: AuthenticateHawkRequest, options?: CallOptions): Promise<AuthenticateHawkResponse>;
  /** Try authentication. */
  testAuthenticate(body: TestAuthenticateRequest, options?: CallOptions): Promise<TestAuthenticateResponse>;
  /** Try authentication by GET. */
  testAuthenticateGet(options?: CallOptions): Promise<TestAuthenticateResponse>;
  /** Credentials for a part of an S3 bucket. */
  awsS3Credentials(level: string, bucket: string, prefix: string, options?: QueryOptions<'format'>): Promise<AwsS3CredentialsResponse>;
  /** List Azure accounts. */
  azureAccounts(options?: CallOptions): Promise<AzureAccountListResponse>;
  /** List tables of an Azure account. */
  azureTables(account: string, options?: QueryOptions<'continuationToken'>): Promise<AzureTableListResponse>;
  /** Access to an Azure table. */
  azureTableSAS(account: string, table: string, level: string, options?: CallOptions): Promise<AzureContainerResponse>;
  /** List containers of an Azure account. */
  azureContainers(account: string, options?: QueryOptions<'continuationToken'>): Promise<AzureContainerListResponse>;
  /** Access to an Azure container. */
  azureContainerSAS(account: string, container: string, level: string, options?: CallOptions): Promise<AzureContainerResponse>;
  /** Access to a Sentry project. */
  sentryDSN(project: string, options?: CallOptions): Promise<SentryDsnResponse>;
  /** Token for a websocktunnel. */
  websocktunnelToken(wstAudience: string, wstClient: string, options?: CallOptions): Promise<WebsocktunnelTokenResponse>;
  /** Access as a GCP service account. */
  gcpCredentials(projectId: string, serviceAccount: string, options?: CallOptions): Promise<GcpCredentialsResponse>;
  /** Token for GitHub repositories. */
  githubRepoToken(appName: string, owner: string, body: GithubRepoTokenRequest, options?: CallOptions): Promise<GithubTokenResponse>;
}

export type Auth = AuthApi & ServiceClient;
export const Auth = serviceClass<AuthApi>('auth', {
  ping: { method: 'GET', route: '/ping', title: 'Ping' },
  lbheartbeat: { method: 'GET', route: '/__lbheartbeat__', title: 'Load balancer heartbeat' },
  version: { method: 'GET', route: '/__version__', title: 'Version' },
  heartbeat: { method: 'GET', route: '/__heartbeat__', title: 'Heartbeat' },
  listClients: { method: 'GET', route: '/clients/', title: 'List clients', query: ['prefix', 'continuationToken', 'limit'] },
  client: { method: 'GET', route: '/clients/<clientId>', title: 'Get a client' },
  createClient: { method: 'PUT', route: '/clients/<clientId>', title: 'Create a client', input: true },
  getEntityHistory: { method: 'GET', route: '/audit/<entityType>/<entityId>', title: 'What was done to an entity', query: ['continuationToken', 'limit'] },
  listAuditHistory: { method: 'GET', route: '/clients/<clientId>/audit', title: 'What a client did', query: ['continuationToken', 'limit'] },
  resetAccessToken: { method: 'POST', route: '/clients/<clientId>/reset', title: 'Reset an access token' },
  updateClient: { method: 'POST', route: '/clients/<clientId>', title: 'Update a client', input: true },
  enableClient: { method: 'POST', route: '/clients/<clientId>/enable', title: 'Enable a client' },
  disableClient: { method: 'POST', route: '/clients/<clientId>/disable', title: 'Disable a client' },
  deleteClient: { method: 'DELETE', route: '/clients/<clientId>', title: 'Delete a client' },
  listRoles: { method: 'GET', route: '/roles/', title: 'List all roles' },
  listRoles2: { method: 'GET', route: '/roles2/', title: 'List roles', query: ['continuationToken', 'limit'] },
  listRoleIds: { method: 'GET', route: '/roleids/', title: 'List ids of roles', query: ['continuationToken', 'limit'] },
  role: { method: 'GET', route: '/roles/<roleId>', title: 'Get a role' },
  createRole: { method: 'PUT', route: '/roles/<roleId>', title: 'Create a role', input: true },
  updateRole: { method: 'POST', route: '/roles/<roleId>', title: 'Update a role', input: true },
  deleteRole: { method: 'DELETE', route: '/roles/<roleId>', title: 'Delete a role' },
  expandScopes: { method: 'POST', route: '/scopes/expand', title: 'Expand scopes', input: true },
  currentScopes: { method: 'GET', route: '/scopes/current', title: 'Scopes of this call' },
  authenticateHawk: { method: 'POST', route: '/authenticate-hawk', title: 'Examine a signed request', input: true },
  testAuthenticate: { method: 'POST', route: '/test-authenticate', title: 'Try authentication', input: true },
  testAuthenticateGet: { method: 'GET', route: '/test-authenticate-get/', title: 'Try authentication by GET' },
  awsS3Credentials: { method: 'GET', route: '/aws/s3/<level>/<bucket>/<prefix>', title: 'Credentials for a part of an S3 bucket', query: ['format'] },
  azureAccounts: { method: 'GET', route: '/azure/accounts', title: 'List Azure accounts' },
  azureTables: { method: 'GET', route: '/azure/<account>/tables', title: 'List tables of an Azure account', query: ['continuationToken'] },
  azureTableSAS: { method: 'GET', route: '/azure/<account>/table/<table>/<level>', title: 'Access to an Azure table' },
  azureContainers: { method: 'GET', route: '/azure/<account>/containers', title: 'List containers of an Azure account', query: ['continuationToken'] },
  azureContainerSAS: { method: 'GET', route: '/azure/<account>/containers/<container>/<level>', title: 'Access to an Azure container' },
  sentryDSN: { method: 'GET', route: '/sentry/<project>/dsn', title: 'Access to a Sentry project' },
  websocktunnelToken: { method: 'GET', route: '/websocktunnel/<wstAudience>/<wstClient>', title: 'Token for a websocktunnel' },
  gcpCredentials: { method: 'GET', route: '/gcp/credentials/<projectId>/<serviceAccount>', title: 'Access as a GCP service account' },
  githubRepoToken: { method: 'POST', route: '/github/<appName>/<owner>/repo-token', title: 'Token for GitHub repositories', input: true },
});

/** The exchanges of the auth service. */
export const authExchanges = {
  clientCreated: exchange<ClientMessage>('exchange/taskcluster-auth/v1/client-created', ['#']),
  clientUpdated: exchange<ClientMessage>('exchange/taskcluster-auth/v1/client-updated', ['#']),
  clientDeleted: exchange<ClientMessage>('exchange/taskcluster-auth/v1/client-deleted', ['#']),
  roleCreated: exchange<RoleMessage>('exchange/taskcluster-auth/v1/role-created', ['#']),
  roleUpdated: exchange<RoleMessage>('exchange/taskcluster-auth/v1/role-updated', ['#']),
  roleDeleted: exchange<RoleMessage>('exchange/taskcluster-auth/v1/role-deleted', ['#']),
};
