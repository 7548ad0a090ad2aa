-- Names that identity providers let people change. What belongs to somebody goes by the id, which stays.

-- The names that somebody has signed in with.
create table people_names (
  provider text collate "C" not null,
  person_id text collate "C" not null,
  name text collate "C" not null,
  seen timestamptz not null,
  primary key (provider, person_id, name)
);

-- Whose a name of an organization is: of the first one that came with it, until an operator says otherwise.
create table organization_names (
  provider text collate "C" not null,
  -- In small letters: capitals make no other name.
  name text collate "C" not null,
  organization_id text collate "C" not null,
  seen timestamptz not null,
  primary key (provider, name)
);
