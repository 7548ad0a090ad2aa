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
