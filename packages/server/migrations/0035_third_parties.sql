-- What people have given to other sites: a code, then a token, of which digests are kept, then a client.
create table third_party_grants (
  id bigint generated always as identity primary key,
  -- null in the implicit flow
  code_digest text collate "C" unique,
  -- null until the code has become a token
  token_digest text collate "C" unique,
  third_party text not null,
  redirect_uri text not null,
  code_challenge text,
  grantor text not null,
  -- of the person's session; null where a client was signed in
  grantor_scopes text[],
  client_id text not null,
  scopes text[] not null,
  client_expires timestamptz not null,
  -- of the code, or the token
  expires timestamptz not null,
  is_revoked boolean not null default false,
  -- when the client was last compared with what its person holds; null while there is none
  checked timestamptz
);
create index third_party_grants_unchecked on third_party_grants (checked);
create index third_party_grants_ended
  on third_party_grants ((case when checked is null then expires else client_expires end));
