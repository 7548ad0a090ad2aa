import type { Caller } from '../../http/index.ts';
import { callerWith } from '../authenticate.ts';
import { type Credentials, createTemporaryCredentials } from '../certificate.ts';
import type { Context } from '../context.ts';
import { ownClients, type ScopeList, type StaticClient } from '../schema/index.ts';
import { scopeSet } from '../scopes/index.ts';

/** Temporary credentials that are to be issued. */
export interface CredentialsWanted {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly start: Date;
  readonly expiry: Date;
}

/** The client that issues the credentials of tasks. */
const issuerId = ownClients.queue;
const farAway = new Date(8.64e15);

/** Credentials and callers that the platform itself creates. */
export class Issued {
  readonly #context: Context;
  #staticClients: readonly StaticClient[];

  constructor(context: Context) {
    this.#context = context;
    this.#staticClients = context.staticClients;
  }

  /** Takes over the stored static clients, with their valid tokens. */
  use(staticClients: readonly StaticClient[]): void {
    this.#staticClients = staticClients;
  }

  /** The credentials of a static client, as stored since the start. */
  staticCredentials(clientId: string): Credentials {
    const client = this.#staticClients.find((one) => one.clientId === clientId);
    if (!client) throw new Error(`There is no static client '${clientId}'.`);
    return { clientId, accessToken: client.accessToken };
  }

  /** Temporary credentials that the queue's static client signs, without the database. */
  issueCredentials(wanted: CredentialsWanted): Required<Credentials> {
    return createTemporaryCredentials({ ...wanted, issuer: this.staticCredentials(issuerId) });
  }

  /** Temporary credentials of a client with all its scopes; undefined when it is missing, disabled or expired. */
  async credentialsOf(
    clientId: string,
    { start, expiry }: Pick<CredentialsWanted, 'start' | 'expiry'>,
  ): Promise<Required<Credentials> | undefined> {
    const { directory } = this.#context;
    await directory.prepare();
    const client = await directory.findClient(clientId);
    if (!client || client.disabled || client.expires <= start) return undefined;
    const ends = new Date(Math.min(expiry.getTime(), client.expires.getTime()));
    return createTemporaryCredentials({ issuer: client, scopes: client.scopes, start, expiry: ends });
  }
}

/** A caller of the platform itself with exactly these scopes; roles are not resolved. */
export const callerFor = (scopes: readonly string[], clientId: string = issuerId): Caller =>
  callerWith(scopeSet(scopes), { clientId, expires: farAway });

/** A caller with these stored scopes, with everything that roles add to them and to anonymous callers. */
export const callerWithRoles = async ({ directory }: Context, scopes: readonly string[]): Promise<Caller> => {
  await directory.prepare();
  const held = directory.expand([...scopes, 'assume:anonymous']);
  return callerWith(held, { clientId: issuerId, expires: farAway });
};

/** The scopes, and everything that roles add to them. */
export const expandScopes = async ({ directory }: Context, { scopes }: ScopeList): Promise<ScopeList> => {
  await directory.prepare();
  return { scopes: [...directory.expandOnce(scopes).scopes] };
};
