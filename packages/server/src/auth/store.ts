import type { Sql, Transaction } from '../base/index.ts';

/** A client as it is stored. */
export interface ClientRow {
  readonly clientId: string;
  readonly description: string;
  readonly scopes: readonly string[];
  /** Encrypted. */
  readonly accessToken: string;
  readonly expires: Date;
  readonly deleteOnExpiration: boolean;
  readonly disabled: boolean;
  readonly created: Date;
  readonly lastModified: Date;
  readonly lastDateUsed: Date;
  readonly lastRotated: Date;
}

export interface RoleRow {
  readonly roleId: string;
  readonly description: string;
  readonly scopes: readonly string[];
  readonly created: Date;
  readonly lastModified: Date;
}

/** A change of an entity of any service, and who made it. */
export interface AuditEntry {
  readonly entityType: string;
  readonly entityId: string;
  readonly actionType: string;
  /** Who did it. */
  readonly clientId: string;
  readonly created: Date;
}
export type AuditRow = AuditEntry & { readonly id: number };

export type Subject = 'clients' | 'roles';
export type Versions = Readonly<Record<Subject, number>>;

interface After {
  /** Only rows after this key; all rows when absent. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** The versions by which other processes notice changes. */
export const readVersions = async (sql: Sql): Promise<Versions> => {
  const rows = await sql<{ subject: Subject; version: number }>`select subject, version from auth_versions`;
  const versionOf = (subject: Subject) => rows.find((row) => row.subject === subject)?.version ?? 0;
  return { clients: versionOf('clients'), roles: versionOf('roles') };
};

/** Makes every process read clients or roles again. Other changes of them wait from here to the commit. */
export const bumpVersion = (tx: Transaction, subject: Subject): Promise<unknown[]> =>
  tx`update auth_versions set version = version + 1 where subject = ${subject}`;

/** Blocks all other changes of roles until the transaction ends, since roles are checked as one set. */
export const lockRoles = (tx: Transaction): Promise<unknown[]> =>
  tx`select version from auth_versions where subject = 'roles' for update`;

export const readClient = async (sql: Sql, clientId: string): Promise<ClientRow | undefined> => {
  const rows = await sql<ClientRow>`
    select client_id, description, scopes, access_token, expires, delete_on_expiration, disabled,
           created, last_modified, last_date_used, last_rotated
      from clients
     where client_id = ${clientId}`;
  return rows[0];
};

/** The same, locked until the transaction ends. */
export const lockClient = async (tx: Transaction, clientId: string): Promise<ClientRow | undefined> => {
  const rows = await tx<ClientRow>`
    select client_id, description, scopes, access_token, expires, delete_on_expiration, disabled,
           created, last_modified, last_date_used, last_rotated
      from clients
     where client_id = ${clientId}
       for update`;
  return rows[0];
};

/** Clients whose id begins with the prefix, in order of their id. */
export const listClients = (
  sql: Sql,
  { prefix, after, limit }: After & { prefix: string },
): Promise<ClientRow[]> =>
  sql<ClientRow>`
    select client_id, description, scopes, access_token, expires, delete_on_expiration, disabled,
           created, last_modified, last_date_used, last_rotated
      from clients
     where client_id >= ${prefix} and starts_with(client_id, ${prefix}) and client_id > ${after ?? ''}
     order by client_id
     limit ${limit}`;

/** Adds a client unless there is one of that id; returns whether it did. */
export const insertClient = async (tx: Transaction, client: ClientRow): Promise<boolean> => {
  const rows = await tx`
    insert into clients (client_id, description, scopes, access_token, expires, delete_on_expiration,
                         disabled, created, last_modified, last_date_used, last_rotated)
    values (${client.clientId}, ${client.description}, ${client.scopes}, ${client.accessToken},
            ${client.expires}, ${client.deleteOnExpiration}, ${client.disabled}, ${client.created},
            ${client.lastModified}, ${client.lastDateUsed}, ${client.lastRotated})
    on conflict (client_id) do nothing
    returning client_id`;
  return rows.length > 0;
};

/** Writes everything of a client that can change. */
export const updateClient = (tx: Transaction, client: ClientRow): Promise<unknown[]> =>
  tx`
    update clients
       set description = ${client.description}, scopes = ${client.scopes},
           access_token = ${client.accessToken}, expires = ${client.expires},
           delete_on_expiration = ${client.deleteOnExpiration}, disabled = ${client.disabled},
           last_modified = ${client.lastModified}, last_rotated = ${client.lastRotated}
     where client_id = ${client.clientId}`;

/** Access tokens that one of these keys encrypted, locked until the transaction ends. */
export const lockTokensOfKeys = (
  tx: Transaction,
  { keyIds, limit }: { keyIds: readonly string[]; limit: number },
): Promise<{ clientId: string; accessToken: string }[]> =>
  tx<{ clientId: string; accessToken: string }>`
    select client_id, access_token
      from clients
     where split_part(access_token, '.', 1) = any(${keyIds}::text[])
     limit ${limit}
       for update skip locked`;

/** Writes the same access tokens, encrypted with another key. Nothing changes for anyone else. */
export const putTokens = (
  tx: Transaction,
  tokens: readonly { readonly clientId: string; readonly accessToken: string }[],
): Promise<unknown[]> =>
  tx`
    update clients c
       set access_token = fresh.access_token
      from unnest(${tokens.map((token) => token.clientId)}::text[],
                  ${tokens.map((token) => token.accessToken)}::text[]) as fresh (client_id, access_token)
     where c.client_id = any(array[fresh.client_id])`;

/** Adds a static client, or updates the one with that id. */
export const putClient = (tx: Transaction, client: ClientRow): Promise<unknown[]> =>
  tx`
    insert into clients (client_id, description, scopes, access_token, expires, delete_on_expiration,
                         disabled, created, last_modified, last_date_used, last_rotated)
    values (${client.clientId}, ${client.description}, ${client.scopes}, ${client.accessToken},
            ${client.expires}, ${client.deleteOnExpiration}, ${client.disabled}, ${client.created},
            ${client.lastModified}, ${client.lastDateUsed}, ${client.lastRotated})
    on conflict (client_id) do update
       set description = excluded.description, scopes = excluded.scopes, access_token = excluded.access_token,
           expires = excluded.expires, delete_on_expiration = excluded.delete_on_expiration,
           disabled = excluded.disabled, last_modified = excluded.last_modified,
           last_rotated = excluded.last_rotated`;

/** Deletes clients; returns the ids of those that existed. */
export const deleteClients = (
  tx: Transaction,
  clientIds: readonly string[],
): Promise<{ clientId: string }[]> =>
  tx<{
    clientId: string;
  }>`delete from clients where client_id = any(${clientIds}::text[]) returning client_id`;

/** Deletes static clients that the configuration no longer names. */
export const deleteOtherStaticClients = (tx: Transaction, clientIds: readonly string[]): Promise<unknown[]> =>
  tx`delete from clients where starts_with(client_id, 'static/') and client_id <> all(${clientIds}::text[])`;

/** Deletes clients that have expired and asked for it; returns their ids. */
export const deleteExpiredClients = (
  tx: Transaction,
  { now, limit }: { now: Date; limit: number },
): Promise<{ clientId: string }[]> =>
  tx<{ clientId: string }>`
    delete from clients
     where ctid = any(array(
       select ctid from clients
        where delete_on_expiration and expires < ${now}
        order by expires
        limit ${limit}
          for update skip locked))
    returning client_id`;

/** Records that these clients were used, unless that was recorded since `before`. */
export const noteUses = (
  sql: Sql,
  { clientIds, now, before }: { clientIds: readonly string[]; now: Date; before: Date },
): Promise<unknown[]> =>
  sql`
    update clients set last_date_used = ${now}
     where client_id = any(${clientIds}::text[]) and last_date_used <= ${before}`;

export const readRoles = (sql: Sql): Promise<RoleRow[]> =>
  sql<RoleRow>`select role_id, description, scopes, created, last_modified from roles order by role_id`;

/** Roles in order of their id; all of them when there is no limit. */
export const listRoles = (
  sql: Sql,
  { after, limit }: { after: string | undefined; limit: number | undefined },
): Promise<RoleRow[]> =>
  sql<RoleRow>`
    select role_id, description, scopes, created, last_modified
      from roles
     where role_id > ${after ?? ''}
     order by role_id
     limit ${limit ?? null}`;

export const readRole = async (sql: Sql, roleId: string): Promise<RoleRow | undefined> => {
  const rows = await sql<RoleRow>`
    select role_id, description, scopes, created, last_modified from roles where role_id = ${roleId}`;
  return rows[0];
};

/** Adds a role, or replaces its scopes and description. */
export const putRole = (tx: Transaction, role: RoleRow): Promise<unknown[]> =>
  tx`
    insert into roles (role_id, description, scopes, created, last_modified)
    values (${role.roleId}, ${role.description}, ${role.scopes}, ${role.created}, ${role.lastModified})
    on conflict (role_id) do update
       set description = excluded.description, scopes = excluded.scopes,
           last_modified = excluded.last_modified`;

/** Deletes a role; returns whether it existed. */
export const deleteRole = async (tx: Transaction, roleId: string): Promise<boolean> => {
  const rows = await tx`delete from roles where role_id = ${roleId} returning role_id`;
  return rows.length > 0;
};

export const addAuditEntries = (tx: Transaction, entries: readonly AuditEntry[]): Promise<unknown[]> =>
  tx`
    insert into audit_history (entity_type, entity_id, action_type, client_id, created)
    select entity_type, entity_id, action_type, client_id, created
      from unnest(${entries.map((entry) => entry.entityType)}::text[],
                  ${entries.map((entry) => entry.entityId)}::text[],
                  ${entries.map((entry) => entry.actionType)}::text[],
                  ${entries.map((entry) => entry.clientId)}::text[],
                  ${entries.map((entry) => entry.created)}::timestamptz[])
        as entry (entity_type, entity_id, action_type, client_id, created)`;

interface Before {
  /** Only rows older than the one with this id; all rows when absent. */
  readonly before: number | undefined;
  readonly limit: number;
}

/** The changes of an entity, newest first. */
export const auditOfEntity = (
  sql: Sql,
  { entityType, entityId, before, limit }: Before & { entityType: string; entityId: string },
): Promise<AuditRow[]> =>
  sql<AuditRow>`
    select id, entity_type, entity_id, action_type, client_id, created
      from audit_history
     where entity_type = ${entityType} and entity_id = ${entityId}
       and id < ${before ?? Number.MAX_SAFE_INTEGER}
     order by id desc
     limit ${limit}`;

/** The changes that a client made, newest first. */
export const auditByClient = (
  sql: Sql,
  { clientId, before, limit }: Before & { clientId: string },
): Promise<AuditRow[]> =>
  sql<AuditRow>`
    select id, entity_type, entity_id, action_type, client_id, created
      from audit_history
     where client_id = ${clientId} and id < ${before ?? Number.MAX_SAFE_INTEGER}
     order by id desc
     limit ${limit}`;

/** Who created the entity that has this id now; undefined when the history does not go back so far. */
export const creatorOf = async (
  sql: Sql,
  { entityType, entityId }: { entityType: string; entityId: string },
): Promise<string | undefined> => {
  const rows = await sql<{ clientId: string }>`
    select client_id
      from audit_history
     where entity_type = ${entityType} and entity_id = ${entityId} and action_type = 'created'
     order by id desc
     limit 1`;
  return rows[0]?.clientId;
};

/** Deletes the oldest entries from before a time; returns how many. */
export const deleteAuditEntries = async (
  sql: Sql,
  { before, limit }: { before: Date; limit: number },
): Promise<number> => {
  const rows = await sql`
    delete from audit_history
     where ctid = any(array(
       select ctid from audit_history
        where created < ${before}
        order by created
        limit ${limit}
          for update skip locked))
    returning id`;
  return rows.length;
};
