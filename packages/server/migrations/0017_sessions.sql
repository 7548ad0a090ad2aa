-- Who is signed in with a browser. Of codes and cookies only digests are kept: nobody signs in with what is read here.
create table sign_in_codes (
  digest text collate "C" primary key,
  client_id text not null,
  expires timestamptz not null,
  -- a session that comes of it ends then at the latest
  session_expires timestamptz not null
);
create index sign_in_codes_by_expires on sign_in_codes (expires);

create table sessions (
  digest text collate "C" primary key,
  client_id text not null,
  created timestamptz not null,
  expires timestamptz not null
);
create index sessions_by_expires on sessions (expires);
