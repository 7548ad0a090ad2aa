import { afterAnyWait, type Sql, type Transaction } from '../base/index.ts';

/** What a person gave to a site. */
export interface GrantRow {
  readonly id: number;
  /** Of the code; null in the implicit flow. */
  readonly codeDigest: string | null;
  /** Null until the code has become a token. */
  readonly tokenDigest: string | null;
  readonly thirdParty: string;
  readonly redirectUri: string;
  readonly codeChallenge: string | null;
  /** Who gave it: a person, or a client that was signed in. */
  readonly grantor: string;
  /** The scopes of the person's session; null where a client was signed in. */
  readonly grantorScopes: readonly string[] | null;
  /** The client that the site gets. */
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly clientExpires: Date;
  /** When the code, or the token, ends. */
  readonly expires: Date;
  readonly isRevoked: boolean;
}

export type NewGrant = Omit<GrantRow, 'id' | 'isRevoked'>;

export const insertGrant = (tx: Transaction, grant: NewGrant) =>
  tx<never>`
    insert into third_party_grants (code_digest, token_digest, third_party, redirect_uri, code_challenge, grantor,
           grantor_scopes, client_id, scopes, client_expires, expires)
    values (${grant.codeDigest}, ${grant.tokenDigest}, ${grant.thirdParty}, ${grant.redirectUri},
            ${grant.codeChallenge}, ${grant.grantor},
            ${grant.grantorScopes === null ? null : [...grant.grantorScopes]}::text[], ${grant.clientId},
            ${[...grant.scopes]}::text[], ${grant.clientExpires}, ${grant.expires})`;

/** The grant with a code, locked: of two who come with it at once, one goes first. */
export const lockGrant = async (tx: Transaction, codeDigest: string): Promise<GrantRow | undefined> => {
  const [row] = await tx<GrantRow>`
    select id, code_digest, token_digest, third_party, redirect_uri, code_challenge, grantor, grantor_scopes, client_id,
           scopes, client_expires, expires, is_revoked
      from third_party_grants where code_digest = ${codeDigest} for update`;
  return row;
};

/** The code of a grant has become a token. */
export const giveToken = (
  tx: Transaction,
  { id, tokenDigest, expires }: { id: number; tokenDigest: string; expires: Date },
) =>
  tx<never>`update third_party_grants set token_digest = ${tokenDigest}, expires = ${expires} where id = ${id}`;

/** Ends what a grant has become; its client is disabled when it is checked next. */
export const revokeGrant = (tx: Transaction, id: number) =>
  tx<never>`update third_party_grants set is_revoked = true, checked = '-infinity' where id = ${id}`;

export const findGrant = async (sql: Sql, tokenDigest: string): Promise<GrantRow | undefined> => {
  const [row] = await sql<GrantRow>`
    select id, code_digest, token_digest, third_party, redirect_uri, code_challenge, grantor, grantor_scopes, client_id,
           scopes, client_expires, expires, is_revoked
      from third_party_grants where token_digest = ${tokenDigest}`;
  return row;
};

/** Notes that a client is about to be made for a grant, unless the grant was revoked meanwhile; returns whether it may be. */
export const noteClient = async (sql: Sql, { id, now }: { id: number; now: Date }): Promise<boolean> => {
  const rows = await sql`
    update third_party_grants set checked = coalesce(checked, ${now}::timestamptz)
     where id = ${id} and not is_revoked returning id`;
  return rows.length > 0;
};

/** Takes grants whose clients were not checked since a time. Others who come meanwhile take other ones. */
export const takeUnchecked = (sql: Sql, { now, before, limit }: { now: Date; before: Date; limit: number }) =>
  sql<GrantRow>`
    update third_party_grants set checked = ${now}
     where ctid = any(array(
             select ctid from third_party_grants where checked <= ${before} or checked > ${afterAnyWait(now)}
              order by checked limit ${limit} for update skip locked))
    returning id, code_digest, token_digest, third_party, redirect_uri, code_challenge, grantor, grantor_scopes, client_id,
              scopes, client_expires, expires, is_revoked`;

/** Deletes grants that nothing can come of any more: their clients have expired, or were never made. */
export const deleteEnded = async (sql: Sql, now: Date, limit: number): Promise<number> => {
  const rows = await sql`
    delete from third_party_grants where ctid = any(array(
      select ctid from third_party_grants
       where case when checked is null then expires else client_expires end <= ${now}
       limit ${limit} for update skip locked))
    returning id`;
  return rows.length;
};
