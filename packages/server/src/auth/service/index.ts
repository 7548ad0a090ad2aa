import { alone, type Batched, bindQueries, bindVerbs, type Transaction } from '../../base/index.ts';
import type { Caller, RequestHead, SignedRequest } from '../../http/index.ts';
import type { Context } from '../context.ts';
import type {
  AuthenticateHawkRequest,
  Client,
  CreateClientRequest,
  CreatedClient,
  CreateRoleRequest,
  Role,
  ScopeList,
  StaticClient,
  TestAuthenticateRequest,
} from '../schema/index.ts';
import { requireSoundRoleScopes, requireSoundScopes } from '../scopes/index.ts';
import * as store from '../store.ts';
import { listAuditHistory, readEntityHistory } from './audit.ts';
import { resetAccessTokens, switchClients, updateClients } from './change-clients.ts';
import { createRoles, deleteRoles, requireCreatableRole, updateRoles } from './change-roles.ts';
import type { By } from './changes.ts';
import { clientOf, clientWithToken, listClients, readClient, requireChangeable } from './clients.ts';
import { createClients, requireCreatableClient } from './create-clients.ts';
import { deleteClients, deleteExpiredClients } from './delete-clients.ts';
import { type CredentialsWanted, callerFor, callerWithRoles, expandScopes, Issued } from './issued.ts';
import { otherPartyVerbs } from './other-parties/index.ts';
import { listRoleIds, listRoles, readRole, roleOf } from './roles.ts';
import { SignedRequests } from './signed-requests.ts';
import { ensureStaticClients, requireSoundStaticClient } from './static-clients.ts';
import { purgeAuditHistory, renewTokens } from './upkeep.ts';

export type { CredentialsWanted } from './issued.ts';
export { projectsPerPage } from './other-parties/sentry.ts';

const verbs = {
  createClients: alone(createClients),
  updateClients: alone(updateClients),
  resetAccessTokens: alone(resetAccessTokens),
  switchClients: alone(switchClients),
  deleteClients: alone(deleteClients),
  deleteExpiredClients: alone(deleteExpiredClients),
  ensureStaticClients: alone(ensureStaticClients),
  createRoles: alone(createRoles),
  updateRoles: alone(updateRoles),
  deleteRoles: alone(deleteRoles),
};

const queries = {
  listClients,
  client: readClient,
  listRoles2: listRoles,
  listRoleIds,
  role: readRole,
  getEntityHistory: readEntityHistory,
  listAuditHistory,
};

type Bound = ReturnType<typeof bindVerbs<Context, typeof verbs>>;

/** Runs a change of one thing. Resolves when this process acts on it. */
type MakeChange = <In, Out>(verb: Batched<In, Out>, item: In) => Promise<Out>;

const makeChangeIn =
  ({ directory }: Context): MakeChange =>
  async (verb, item) => {
    const answer = await verb.one(item);
    await directory.changed();
    return answer;
  };

const clientVerbs = (context: Context, bound: Bound, change: MakeChange) => {
  const setDisabled = async (clientId: string, by: By, disabled: boolean): Promise<Client> => {
    requireChangeable(clientId);
    return clientOf(context, await change(bound.switchClients, { clientId, by, disabled }));
  };
  return {
    createClient: async (clientId: string, wanted: CreateClientRequest, by: By): Promise<CreatedClient> => {
      const client = { clientId, wanted, by };
      requireCreatableClient(client);
      return clientWithToken(context, await change(bound.createClients, client));
    },
    updateClient: async (clientId: string, wanted: CreateClientRequest, by: By): Promise<Client> => {
      requireChangeable(clientId);
      requireSoundScopes(wanted.scopes ?? []);
      return clientOf(context, await change(bound.updateClients, { clientId, wanted, by }));
    },
    resetAccessToken: async (clientId: string, by: By): Promise<CreatedClient> => {
      requireChangeable(clientId);
      return clientWithToken(context, await change(bound.resetAccessTokens, { clientId, by }));
    },
    enableClient: (clientId: string, by: By) => setDisabled(clientId, by, false),
    disableClient: (clientId: string, by: By) => setDisabled(clientId, by, true),
    deleteClient: async (clientId: string, by: By): Promise<undefined> => {
      requireChangeable(clientId);
      return change(bound.deleteClients, { clientId, by });
    },
    /** Deletes at most this many expired clients with `deleteOnExpiration`; returns how many. */
    deleteExpired: (limit: number) => change(bound.deleteExpiredClients, limit),
    /** Makes the static clients those of the configuration; returns them with their valid tokens. */
    ensureStaticClients: async (clients: readonly StaticClient[]) => {
      clients.forEach(requireSoundStaticClient);
      return change(bound.ensureStaticClients, clients);
    },
  };
};

const roleVerbs = (context: Context, bound: Bound, change: MakeChange) => ({
  createRole: async (roleId: string, wanted: CreateRoleRequest, by: By): Promise<Role> => {
    const role = { roleId, wanted, by };
    requireCreatableRole(role);
    return roleOf(context, await change(bound.createRoles, role));
  },
  updateRole: async (roleId: string, wanted: CreateRoleRequest, by: By): Promise<Role> => {
    requireSoundRoleScopes(wanted.scopes);
    return roleOf(context, await change(bound.updateRoles, { roleId, wanted, by }));
  },
  deleteRole: (roleId: string, by: By) => change(bound.deleteRoles, { roleId, by }),
});

/** Checks signatures and scopes, and issues the platform's own credentials. */
const signingVerbs = (context: Context) => {
  const signed = new SignedRequests(context);
  const issued = new Issued(context);
  return {
    authenticate: (head: RequestHead, since?: Date) => signed.authenticate(head, since),
    requirePayload: (request: SignedRequest) => signed.requirePayload(request),
    claimedId: (head: RequestHead) => signed.claimedId(head),
    authenticateHawk: (request: AuthenticateHawkRequest) => signed.authenticateHawk(request),
    testAuthenticate: (request: SignedRequest, test: TestAuthenticateRequest) =>
      signed.testAuthenticate(request, test),
    useStaticClients: (clients: readonly StaticClient[]) => issued.use(clients),
    staticCredentials: (clientId: string) => issued.staticCredentials(clientId),
    issueCredentials: (wanted: CredentialsWanted) => issued.issueCredentials(wanted),
    credentialsOf: (clientId: string, wanted: Pick<CredentialsWanted, 'start' | 'expiry'>) =>
      issued.credentialsOf(clientId, wanted),
    callerFor,
    callerWithRoles: (scopes: readonly string[]): Promise<Caller> => callerWithRoles(context, scopes),
    expandScopes: (list: ScopeList) => expandScopes(context, list),
  };
};

/** The verbs of auth, bound to what it was opened with. */
export const authVerbs = (context: Context) => {
  const bound = bindVerbs(context, verbs);
  const asked = bindQueries(context, queries);
  const change = makeChangeIn(context);
  return {
    ...asked,
    /** All roles at once. */
    listRoles: async (): Promise<Role[]> => (await asked.listRoles2({})).roles,
    ...clientVerbs(context, bound, change),
    ...roleVerbs(context, bound, change),
    ...signingVerbs(context),
    ...otherPartyVerbs(context),
    renewEncryption: (limit: number) => renewTokens(context, limit),
    purgeAuditHistory: (limit: number) => purgeAuditHistory(context, limit),
    /** Records changes to entities of any service, in the transaction that makes them. */
    recordAudit: async (tx: Transaction, entries: readonly store.AuditEntry[]): Promise<void> => {
      await store.addAuditEntries(tx, entries);
    },
  };
};

export type AuthVerbs = ReturnType<typeof authVerbs>;
