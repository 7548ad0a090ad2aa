import type { Sql } from '../base/index.ts';
import type { Organization } from './identity-providers/index.ts';

export interface CodeRow {
  readonly digest: string;
  readonly clientId: string;
  readonly expires: Date;
  readonly sessionExpires: Date;
}

export interface SessionRow {
  readonly digest: string;
  readonly clientId: string;
  /** The scopes of a person without a client; null for sessions of clients. */
  readonly scopes: readonly string[] | null;
  readonly created: Date;
  readonly expires: Date;
}

export const insertCode = (sql: Sql, { digest, clientId, expires, sessionExpires }: CodeRow) =>
  sql<never>`
    insert into sign_in_codes (digest, client_id, expires, session_expires)
    values (${digest}, ${clientId}, ${expires}, ${sessionExpires})`;

/** A code with the digest of the attempt that has used it; null while it is unused. */
export type UsedCodeRow = CodeRow & { readonly attempt: string | null };

/** A code, locked: of two who come with it at once, one goes first. */
export const lockCode = async (sql: Sql, digest: string): Promise<UsedCodeRow | undefined> => {
  const [row] = await sql<UsedCodeRow>`
    select digest, client_id, expires, session_expires, attempt
      from sign_in_codes where digest = ${digest} for update`;
  return row;
};

export const deleteCode = (sql: Sql, digest: string) =>
  sql<never>`delete from sign_in_codes where digest = ${digest}`;

/** Notes which attempt has used a code, and until when this one may come again. */
export const noteAttempt = (
  sql: Sql,
  { digest, attempt, expires }: { digest: string; attempt: string; expires: Date },
) => sql<never>`update sign_in_codes set attempt = ${attempt}, expires = ${expires} where digest = ${digest}`;

export const insertSession = (sql: Sql, { digest, clientId, scopes, created, expires }: SessionRow) =>
  sql<never>`
    insert into sessions (digest, client_id, scopes, created, expires)
    values (${digest}, ${clientId}, ${scopes === null ? null : [...scopes]}::text[], ${created}, ${expires})`;

export const findSession = async (sql: Sql, digest: string, now: Date): Promise<SessionRow | undefined> => {
  const [row] = await sql<SessionRow>`
    select digest, client_id, scopes, created, expires
      from (select digest, client_id, scopes, created, expires from sessions where digest = ${digest} offset 0) as found
     where expires > ${now}`;
  return row;
};

export const deleteSession = (sql: Sql, digest: string) =>
  sql<never>`delete from sessions where digest = ${digest}`;

/** Deletes sessions and codes that have ended; returns how many. */
export const deleteExpired = async (sql: Sql, now: Date, limit: number): Promise<number> => {
  const codes = await sql`
    delete from sign_in_codes
     where ctid = any(array(select ctid from sign_in_codes where expires <= ${now} limit ${limit} for update skip locked))
    returning digest`;
  const sessions = await sql`
    delete from sessions
     where ctid = any(array(select ctid from sessions where expires <= ${now} limit ${limit} for update skip locked))
    returning digest`;
  return codes.length + sessions.length;
};

export interface NameToNote {
  readonly provider: string;
  readonly personId: string;
  readonly name: string;
  readonly now: Date;
  readonly earlierMax: number;
}

/** Notes the name that a person signs in with; returns the latest of their earlier names, at most `earlierMax`. */
export const noteName = async (
  sql: Sql,
  { provider, personId, name, now, earlierMax }: NameToNote,
): Promise<string[]> => {
  await sql`
    insert into people_names (provider, person_id, name, seen)
    values (${provider}, ${personId}, ${name}, ${now})
    on conflict (provider, person_id, name) do update set seen = excluded.seen`;
  const rows = await sql<{ name: string }>`
    select name from people_names
     where provider = ${provider} and person_id = ${personId} and name <> ${name}
     order by seen desc, name limit ${earlierMax}`;
  return rows.map((row) => row.name);
};

export interface NamesToClaim {
  readonly provider: string;
  readonly organizations: readonly Organization[];
  readonly now: Date;
}

/** Gives organizations their names where nobody has them; returns whose each name is, by its id. */
export const claimNames = async (
  sql: Sql,
  { provider, organizations, now }: NamesToClaim,
): Promise<Map<string, string>> => {
  const byName = [...new Map(organizations.map((one) => [one.name, one])).values()];
  if (byName.length === 0) return new Map();
  const names = byName.map(({ name }) => name);
  const ids = byName.map(({ id }) => id);
  await sql`
    insert into organization_names (provider, name, organization_id, seen)
    select ${provider}, name, id, ${now}::timestamptz
      from unnest(${names}::text[], ${ids}::text[]) as given (name, id)
     order by name
    on conflict (provider, name) do nothing`;
  const rows = await sql<{ name: string; organizationId: string }>`
    select name, organization_id from organization_names
     where provider = ${provider} and name = any(${names}::text[])`;
  return new Map(rows.map((row) => [row.name, row.organizationId]));
};
