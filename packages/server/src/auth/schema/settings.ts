import { type Static, Type } from 'typebox';
import { distinct, exactly } from '../../http/index.ts';
import { AccessToken, ClientId, Description, Scopes, staticPrefix } from './words.ts';

const { Array: List, Optional, Record: Named, String: Text } = Type;

// Settings of the operator that are objects or lists.

const present = Text({ minLength: 1 });

/** Clients that the operator configures, besides the built-in ones. */
export const StaticClients = List(
  exactly({
    clientId: ClientId,
    accessToken: AccessToken,
    description: Optional(Description),
    scopes: Optional(Scopes),
  }),
);
export type StaticClients = Static<typeof StaticClients>;

/** Keys of AWS users, each with the buckets that it may give access to. */
export const S3Access = List(
  exactly({
    accessKeyId: present,
    secretAccessKey: present,
    buckets: distinct(present, { minItems: 1 }),
  }),
);
export type S3Access = Static<typeof S3Access>;

/** By project: the key of a service account, and the accounts that it may act as. */
export const GcpProjects = Named(
  Text({ pattern: '^[a-z0-9:.-]+$' }),
  exactly({
    // The key file from Google, of which these two fields are used.
    credentials: Type.Object({ client_email: present, private_key: present }),
    allowedServiceAccounts: distinct(present),
  }),
);
export type GcpProjects = Static<typeof GcpProjects>;

/** GitHub apps by the name that they have in scopes. */
export const GithubApps = Named(
  Text({ pattern: '^[A-Za-z0-9_-]+$' }),
  exactly({ appId: Type.Union([Type.Integer(), present]), privateKey: present }),
);
export type GithubApps = Static<typeof GithubApps>;

/** Access to buckets that the operator has configured. */
export interface AwsSettings {
  readonly buckets: S3Access;
  /** Of the security token service; Amazon's own when absent. */
  readonly stsUrl?: string | undefined;
}

export interface GcpSettings {
  readonly projects: GcpProjects;
  /** Of the API that makes tokens of service accounts. */
  readonly url: string;
}

export interface SentrySettings {
  readonly url: string;
  readonly organization: string;
  readonly authToken: string;
  /** The team that new projects belong to. */
  readonly team: string;
  /** The names of our keys begin with it. Other keys are not touched. */
  readonly keyPrefix: string;
}

export interface GithubSettings {
  readonly apps: GithubApps;
  /** Of the REST API. */
  readonly url: string;
}

/** The configured settings of other services. Without its settings, no credentials of a service are given out. */
export interface OtherParties {
  /** The secret that this server shares with a websocktunnel. */
  readonly websocktunnelSecret?: string | undefined;
  readonly aws?: AwsSettings | undefined;
  readonly gcp?: GcpSettings | undefined;
  readonly sentry?: SentrySettings | undefined;
  readonly github?: GithubSettings | undefined;
}

/** A client of the configuration with all its fields; the platform's own clients are among them. */
export interface StaticClient {
  /** Begins with `static/`. */
  readonly clientId: string;
  /** 22 to 66 characters. */
  readonly accessToken: string;
  readonly description: string;
  readonly scopes: readonly string[];
  /** Whether the token is only an initial one: a stored client keeps its own. */
  readonly keepsToken?: boolean;
}

const ownPrefix = `${staticPrefix}taskcluster/`;
/** The platform's own clients. The configuration can only set their tokens. */
export const ownClients = {
  root: `${ownPrefix}root`,
  queue: `${ownPrefix}queue`,
  worker: `${ownPrefix}built-in-worker`,
} as const;

/** The mistakes in the static clients of an operator, in words. */
export const mistakesInStaticClients = (clients: StaticClients): string[] =>
  clients.flatMap((client, i) => {
    const { clientId, description, scopes } = client;
    const says = (what: string): string[] => [`${clientId}: ${what}`];
    if (!clientId.startsWith(staticPrefix)) return says(`must begin with ${staticPrefix}`);
    if (clients.findIndex((other) => other.clientId === clientId) < i) return says('is there twice');
    if (!clientId.startsWith(ownPrefix)) {
      if (description === undefined || scopes === undefined) return says('needs a description and scopes');
      return scopes.some((scope) => scope.endsWith('**')) ? says('has a scope that ends in two stars') : [];
    }
    const own: readonly string[] = Object.values(ownClients);
    if (!own.includes(clientId)) return says(`is none of the platform's own clients: ${own.join(', ')}`);
    return description === undefined && scopes === undefined
      ? []
      : says('is built in: only its access token can be given');
  });
