import type { Sql, Transaction } from '../../base/index.ts';
import type { BuildState } from '../schema/index.ts';
import { endOfWaits, type Taking } from './taking.ts';

/** A group of tasks that was made for an event. */
export interface BuildRow {
  readonly taskGroupId: string;
  readonly organization: string;
  readonly repository: string;
  /** What people look for; see `names.ts` for one whose name is another one's by now. */
  readonly organizationKey: string;
  readonly repositoryKey: string;
  readonly repositoryId: number | null;
  readonly sha: string;
  readonly branch: string;
  readonly pullRequestNumber: number | null;
  readonly eventType: string;
  readonly eventId: string;
  readonly installationId: number;
  readonly reporting: 'checks' | 'statuses';
  readonly state: BuildState;
  readonly created: Date;
  readonly updated: Date;
  readonly endedAt: Date | null;
}

/** Adds a build; what is there already stays. */
export const insertBuild = (tx: Transaction, row: BuildRow) =>
  tx`
    insert into github_builds
      (task_group_id, organization, repository, organization_key, repository_key, repository_id, sha, branch,
       pull_request_number, event_type, event_id, installation_id, reporting, state, created, updated)
    values (${row.taskGroupId}, ${row.organization}, ${row.repository}, ${row.organizationKey}, ${row.repositoryKey},
            ${row.repositoryId}, ${row.sha}, ${row.branch}, ${row.pullRequestNumber}, ${row.eventType}, ${row.eventId},
            ${row.installationId}, ${row.reporting}, ${row.state}, ${row.created}, ${row.updated})
    on conflict (task_group_id) do nothing`;

export const readBuilds = (db: Sql, taskGroupIds: readonly string[]) =>
  db<BuildRow>`
    select b.* from (select distinct id from unnest(${[...taskGroupIds]}::text[]) as w(id)) wanted
     cross join lateral (
       select task_group_id, organization, repository, organization_key, repository_key, repository_id, sha, branch,
              pull_request_number, event_type, event_id, installation_id, reporting, state, created, updated, ended_at
         from github_builds where task_group_id = wanted.id offset 0) as b`;

/** Which builds are wanted; what is not given is not looked at. */
export interface BuildFilter {
  readonly organizationKey?: string | undefined;
  readonly repositoryKey?: string | undefined;
  readonly sha?: string | undefined;
  readonly pullRequestNumber?: number | undefined;
}

interface After {
  readonly created: Date;
  readonly taskGroupId: string;
}

/** A page of builds, the newest first. */
export const listBuilds = (db: Sql, filter: BuildFilter, { after, limit }: { after: After; limit: number }) =>
  db<BuildRow>`
    select task_group_id, organization, repository, organization_key, repository_key, repository_id, sha, branch,
           pull_request_number, event_type, event_id, installation_id, reporting, state, created, updated, ended_at
      from github_builds
     where (created, task_group_id) < (${after.created}, ${after.taskGroupId})
       and (${filter.organizationKey ?? null}::text is null or organization_key = ${filter.organizationKey ?? null})
       and (${filter.repositoryKey ?? null}::text is null or repository_key = ${filter.repositoryKey ?? null})
       and (${filter.sha ?? null}::text is null or sha = ${filter.sha ?? null})
       and (${filter.pullRequestNumber ?? null}::int is null
            or pull_request_number = ${filter.pullRequestNumber ?? null})
     order by created desc, task_group_id desc
     limit ${limit}`;

/** The newest build of what was pushed to a branch. */
export const latestBuild = async (
  db: Sql,
  {
    organizationKey,
    repositoryKey,
    branch,
  }: { organizationKey: string; repositoryKey: string; branch: string },
): Promise<BuildRow | undefined> => {
  const [row] = await db<BuildRow>`
    select task_group_id, organization, repository, organization_key, repository_key, repository_id, sha, branch,
           pull_request_number, event_type, event_id, installation_id, reporting, state, created, updated, ended_at
      from github_builds
     where repository_key = ${repositoryKey} and organization_key = ${organizationKey}
       and branch = ${branch} and event_type = 'push'
     order by created desc, task_group_id desc
     limit 1`;
  return row;
};

/** Earlier builds that one replaces. */
export interface Replaced {
  readonly organizationKey: string;
  readonly repositoryKey: string;
  /** Those of the same commit stay. */
  readonly sha: string;
  readonly branch: string;
  readonly pullRequestNumber: number | null;
  readonly eventTypes: readonly string[];
  readonly created: Date;
}

/** Cancels builds of other commits that a newer one replaces, unless they have ended; returns their groups. */
export const replaceBuilds = async (tx: Transaction, by: Replaced, now: Date): Promise<string[]> => {
  const rows = await tx<{ taskGroupId: string }>`
    update github_builds set state = 'cancelled', updated = ${now}, cancel_due_at = ${now}
     where repository_key = ${by.repositoryKey} and organization_key = ${by.organizationKey}
       and created < ${by.created} and sha <> ${by.sha} and ended_at is null and state <> 'cancelled'
       and event_type = any(${[...by.eventTypes]})
       and ((${by.pullRequestNumber}::int is null and branch = ${by.branch}) 
            or pull_request_number = ${by.pullRequestNumber})
    returning task_group_id`;
  return rows.map(({ taskGroupId }) => taskGroupId);
};

/** Cancels these builds, unless they have ended; returns them as they are then. */
export const cancelBuilds = (
  tx: Transaction,
  filter: BuildFilter & { readonly organizationKey: string; readonly repositoryKey: string },
  now: Date,
) =>
  tx<BuildRow>`
    update github_builds set state = 'cancelled', updated = ${now}, cancel_due_at = ${now}
     where repository_key = ${filter.repositoryKey} and organization_key = ${filter.organizationKey}
       and ended_at is null and state <> 'cancelled'
       and (${filter.sha ?? null}::text is null or sha = ${filter.sha ?? null})
       and (${filter.pullRequestNumber ?? null}::int is null
            or pull_request_number = ${filter.pullRequestNumber ?? null})
    returning task_group_id, organization, repository, organization_key, repository_key, repository_id, sha, branch,
              pull_request_number, event_type, event_id, installation_id, reporting, state, created, updated, ended_at`;

/** Groups whose tasks are to be canceled; nobody else takes them until then. */
export const takeCancellations = async (
  tx: Transaction,
  { now, until, limit }: Taking,
): Promise<string[]> => {
  const rows = await tx<{ taskGroupId: string }>`
    update github_builds set cancel_due_at = ${until}
     where ctid = any(array(
             select ctid from github_builds
              where cancel_due_at <= ${now} or cancel_due_at > ${endOfWaits(now)}
              order by cancel_due_at limit ${limit} for update skip locked))
    returning task_group_id`;
  return rows.map(({ taskGroupId }) => taskGroupId);
};

export const finishCancellations = (db: Sql, taskGroupIds: readonly string[]) =>
  db`update github_builds set cancel_due_at = null where task_group_id = any(${[...taskGroupIds]}::text[])`;

/** What a build is by its tasks now. */
export interface BuildStanding {
  readonly taskGroupId: string;
  /** What it was when its tasks were read. */
  readonly was: BuildState;
  readonly state: BuildState;
  readonly endedAt: Date | null;
}

/** Writes what a build is now. One that was canceled, or is run again, since its tasks were read stays so: it is reported once more. */
export const saveStanding = (db: Sql, { taskGroupId, was, state, endedAt }: BuildStanding, now: Date) =>
  db`
    update github_builds set state = ${state}, ended_at = ${endedAt}, updated = ${now}
     where task_group_id = ${taskGroupId} and state = ${was}
       and (state <> ${state} or ended_at is distinct from ${endedAt}::timestamptz)`;

/** Lets builds go on whose tasks are run again, and be canceled no more. */
export const reopenBuilds = (tx: Transaction, taskGroupIds: readonly string[], now: Date) =>
  tx`
    update github_builds set state = 'pending', ended_at = null, cancel_due_at = null, updated = ${now}
     where task_group_id = any(${[...taskGroupIds]}::text[])`;

export const deleteBuilds = async (db: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from github_builds
     where ctid = any(array(
             select ctid from github_builds where created < ${before} limit ${limit} for update skip locked))
    returning task_group_id`;
  return rows.length;
};

/** Groups of tasks of a commit. */
export const groupsOfCommit = async (
  db: Sql,
  { organizationKey, repositoryKey, sha }: { organizationKey: string; repositoryKey: string; sha: string },
): Promise<string[]> => {
  const rows = await db<{ taskGroupId: string }>`
    select task_group_id from github_builds
     where repository_key = ${repositoryKey} and organization_key = ${organizationKey} and sha = ${sha}`;
  return rows.map(({ taskGroupId }) => taskGroupId);
};
