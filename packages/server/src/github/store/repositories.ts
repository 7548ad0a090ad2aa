import type { Sql, Transaction } from '../../base/index.ts';

/** What GitHub calls a repository. */
export interface NamedRepository {
  readonly repositoryId: number;
  readonly organization: string;
  readonly repository: string;
  readonly organizationKey: string;
  readonly repositoryKey: string;
  /** By which the app reaches it now; null where GitHub does not say. */
  readonly installationId: number | null;
}

/** The names of a repository; null once another one has them. */
export interface RepositoryNames {
  readonly repositoryId: number;
  readonly organization: string | null;
  readonly repository: string | null;
}

/** What these repositories are called now, as far as that is known. */
export const readRepositories = (db: Sql, repositoryIds: readonly number[]) =>
  db<RepositoryNames>`
    select r.* from (select distinct id from unnest(${[...repositoryIds]}::bigint[]) as w(id)) wanted
     cross join lateral (
       select repository_id, organization, repository from github_repositories
        where repository_id = wanted.id offset 0) as r`;

/** The same for one of them, whose names stay these until the transaction ends. */
export const holdRepository = async (
  tx: Transaction,
  repositoryId: number,
): Promise<RepositoryNames | undefined> => {
  const [row] = await tx<RepositoryNames>`
    select repository_id, organization, repository from github_repositories
     where repository_id = ${repositoryId} for share`;
  return row;
};

/**
 * Until the transaction ends, nobody else changes names: of two that write the same name at the same moment, the second would
 * fail, and GitHub does not send its event again.
 */
export const lockNames = (tx: Transaction) => tx`select pg_advisory_xact_lock(hashtext('github: names'))`;

/** Takes a name away from the one that had it before; returns its number. */
export const releaseName = async (tx: Transaction, by: NamedRepository): Promise<number | undefined> => {
  const [row] = await tx<{ repositoryId: number }>`
    update github_repositories
       set organization = null, repository = null, organization_key = null, repository_key = null
     where repository_key = ${by.repositoryKey} and organization_key = ${by.organizationKey}
       and repository_id <> ${by.repositoryId}
    returning repository_id`;
  return row?.repositoryId;
};

/** Writes what a repository is called. Nobody else may have the name. */
export const saveName = (tx: Transaction, named: NamedRepository) =>
  tx`
    insert into github_repositories (repository_id, organization, repository, organization_key, repository_key)
    values (${named.repositoryId}, ${named.organization}, ${named.repository}, ${named.organizationKey},
            ${named.repositoryKey})
        on conflict (repository_id) do update
       set organization = excluded.organization, repository = excluded.repository,
           organization_key = excluded.organization_key, repository_key = excluded.repository_key`;

/** Numbers the builds that are known by a name and have no number yet. */
export const numberBuilds = (
  tx: Transaction,
  { organizationKey, repositoryKey }: Pick<NamedRepository, 'organizationKey' | 'repositoryKey'>,
  repositoryId: number,
) =>
  tx`
    update github_builds set repository_id = ${repositoryId}
     where repository_key = ${repositoryKey} and organization_key = ${organizationKey} and repository_id is null`;

/** Has the builds of a repository known by no name any more. */
export const hideBuilds = (tx: Transaction, repositoryId: number, repositoryKey: string) =>
  tx`update github_builds set repository_key = ${repositoryKey} where repository_id = ${repositoryId}`;

/** Gives the builds of a repository the names that it has now; returns the groups that have not ended before some time. */
export const renameBuilds = async (tx: Transaction, to: NamedRepository, since: Date): Promise<string[]> => {
  const rows = await tx<{ taskGroupId: string; endedAt: Date | null }>`
    update github_builds
       set organization = ${to.organization}, repository = ${to.repository},
           organization_key = ${to.organizationKey}, repository_key = ${to.repositoryKey},
           installation_id = coalesce(${to.installationId}::bigint, installation_id)
     where repository_id = ${to.repositoryId}
       and (organization, repository, organization_key, repository_key)
           is distinct from (${to.organization}::text, ${to.repository}::text, ${to.organizationKey}::text,
                             ${to.repositoryKey}::text)
    returning task_group_id, ended_at`;
  return rows
    .filter(({ endedAt }) => endedAt === null || endedAt >= since)
    .map(({ taskGroupId }) => taskGroupId);
};

/** Hands recent builds to the installation that reaches their repositories now; returns their groups. */
export const restoreBuilds = async (
  tx: Transaction,
  { installationId, repositoryIds }: { installationId: number; repositoryIds: readonly number[] },
  since: Date,
): Promise<string[]> => {
  const rows = await tx<{ taskGroupId: string }>`
    update github_builds set installation_id = ${installationId}
     where created >= ${since}
       and (installation_id = ${installationId} or repository_id = any(${[...repositoryIds]}::bigint[]))
    returning task_group_id`;
  return rows.map(({ taskGroupId }) => taskGroupId);
};

/** Has GitHub told once more about all that it was told about these groups. */
export const repeatReports = (tx: Transaction, taskGroupIds: readonly string[], now: Date) =>
  tx`
    update github_reports set changes = changes + 1, due_at = ${now}
     where task_group_id = any(${[...taskGroupIds]}::text[])`;
