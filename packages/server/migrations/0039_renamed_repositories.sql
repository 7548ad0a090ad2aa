-- What GitHub calls each repository now. One that is renamed or transferred keeps its number.
create table github_repositories (
  repository_id bigint not null,
  -- as GitHub spells them; null once another repository has the name
  organization text,
  repository text,
  -- the same as in github_builds
  organization_key text collate "C",
  repository_key text collate "C"
);
create unique index github_repositories_by_name on github_repositories (repository_key, organization_key);
alter table github_repositories add primary key (repository_id);

-- null for events of before, and where GitHub did not say
alter table github_deliveries add column repository_id bigint;

-- null for builds of before, until their repository sends its next event. The names of a build are those that its repository
-- has now; once another one has taken them, the key is # and the number, which nobody looks for.
alter table github_builds add column repository_id bigint;
create index github_builds_by_number on github_builds (repository_id) where repository_id is not null;
