import { type Static, Type } from 'typebox';
import { distinct, exactly } from '../../http/index.ts';
import { AccessToken, ClientId, Description, Scopes, staticPrefix } from './words.ts';

const { Array: List, Optional, Record: Named, String: Text } = Type;

// What an operator configures, as far as it has parts.

const present = Text({ minLength: 1 });

/** Clients that the operator gives, besides those that are built in. */
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
    // The file that Google hands out, of which these two matter.
    credentials: Type.Object({ client_email: present, private_key: present }),
    allowedServiceAccounts: distinct(present),
  }),
);
export type GcpProjects = Static<typeof GcpProjects>;

/** GitHub apps by the name that scopes give them. */
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
  /** Gets the projects that are made here. */
  readonly team: string;
  /** Names of our keys begin with it: others are left alone. */
  readonly keyPrefix: string;
}

export interface GithubSettings {
  readonly apps: GithubApps;
  /** Of the REST API. */
  readonly url: string;
}

/** What the operator has configured; without a party's settings nothing of it is given out. */
export interface OtherParties {
  /** The secret that this server shares with a websocktunnel. */
  readonly websocktunnelSecret?: string | undefined;
  readonly aws?: AwsSettings | undefined;
  readonly gcp?: GcpSettings | undefined;
  readonly sentry?: SentrySettings | undefined;
  readonly github?: GithubSettings | undefined;
}

/** A client that the configuration gives, whole: the platform's own are among them. */
export interface StaticClient {
  /** Begins with `static/`. */
  readonly clientId: string;
  /** 22 to 66 characters. */
  readonly accessToken: string;
  readonly description: string;
  readonly scopes: readonly string[];
  /** Once the client is stored it keeps the token that it has; this one is for its beginning. */
  readonly keepsToken?: boolean;
}

const ownPrefix = `${staticPrefix}taskcluster/`;
/** Clients of the platform itself; of them only the tokens can be given. */
export const ownClients = {
  root: `${ownPrefix}root`,
  queue: `${ownPrefix}queue`,
  worker: `${ownPrefix}built-in-worker`,
} as const;

/** What is wrong with the static clients of an operator, in words. */
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
