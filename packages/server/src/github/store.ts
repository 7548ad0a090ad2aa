import type { Sql, Transaction } from '../base/index.ts';
import type { BuildState } from './schema/index.ts';

/** A delivery of GitHub. */
export interface DeliveryRow {
  readonly eventId: string;
  readonly eventType: string;
  readonly organization: string;
  readonly repository: string;
  readonly installationId: number | null;
  /** JSON as it came. */
  readonly payload: string;
  readonly receivedAt: Date;
}

/** A delivery that is worked off, and how often that was tried. */
export interface TakenDelivery extends DeliveryRow {
  readonly attempts: number;
  /** One that is still to be written; null before that is known. */
  readonly comment: string | null;
}

/** The outcome of a delivery that gets another chance when GitHub sends it again. */
export const givenUp = 'given up';

/**
 * Keeps deliveries; returns the ids of those that are new. One that was given up and is sent again gets another chance,
 * though it is not new.
 */
export const insertDeliveries = async (
  tx: Transaction,
  rows: readonly DeliveryRow[],
  now: Date,
): Promise<string[]> => {
  const inserted = await tx<{ eventId: string; isNew: boolean }>`
    insert into github_deliveries
      (event_id, event_type, organization, repository, installation_id, payload, received_at, due_at)
    select event_id, event_type, organization, repository, installation_id, payload, received_at, ${now}
      from unnest(${rows.map(({ eventId }) => eventId)}::text[], ${rows.map(({ eventType }) => eventType)}::text[],
                  ${rows.map(({ organization }) => organization)}::text[],
                  ${rows.map(({ repository }) => repository)}::text[],
                  ${rows.map(({ installationId }) => installationId)}::bigint[],
                  ${rows.map(({ payload }) => payload)}::text[],
                  ${rows.map(({ receivedAt }) => receivedAt)}::timestamptz[])
           as given(event_id, event_type, organization, repository, installation_id, payload, received_at)
     order by event_id
        on conflict (event_id) do update set due_at = ${now}, attempts = 0, payload = excluded.payload, outcome = null
     where github_deliveries.outcome = ${givenUp}
    returning event_id, xmax = 0 as is_new`;
  return inserted.filter(({ isNew }) => isNew).map(({ eventId }) => eventId);
};

interface Taking {
  readonly now: Date;
  /** Nobody else takes them before. */
  readonly until: Date;
  readonly limit: number;
}

/** Takes deliveries that are due, the oldest first: the first, and those after it before which there are fewer bytes. */
export const takeDeliveries = async (
  tx: Transaction,
  { now, until, limit, bytesMax }: Taking & { readonly bytesMax: number },
): Promise<TakenDelivery[]> => {
  const rows = await tx<TakenDelivery>`
    with due as materialized (
      select ctid, due_at, octet_length(payload) as bytes from github_deliveries
       where due_at <= ${now} order by due_at limit ${limit} for update skip locked),
    counted as (
      select ctid, sum(bytes) over (order by due_at, ctid) - bytes as bytes_before from due)
    update github_deliveries set due_at = ${until}, attempts = attempts + 1
     where ctid = any(array(select ctid from counted where bytes_before < ${bytesMax}::bigint))
    returning event_id, event_type, organization, repository, installation_id, payload, received_at, attempts, comment`;
  return rows.toSorted((a, b) => a.receivedAt.getTime() - b.receivedAt.getTime());
};

/** What became of a delivery: over with words, or due again, perhaps with a comment that is to be written then. */
export interface Settlement {
  readonly eventId: string;
  /** As it was taken: nothing is written once another process has taken it. */
  readonly attempts: number;
  readonly outcome: string | null;
  readonly comment: string | null;
  readonly dueAt: Date | null;
}

/** Writes what became of deliveries; returns the ids of those that were still ours. */
export const settleDeliveries = async (tx: Transaction, rows: readonly Settlement[]): Promise<string[]> => {
  const settled = await tx<{ eventId: string }>`
    update github_deliveries d
       set outcome = s.outcome, comment = s.comment, due_at = s.due_at,
           payload = case when s.due_at is null then '' else d.payload end
      from unnest(${rows.map(({ eventId }) => eventId)}::text[], ${rows.map(({ attempts }) => attempts)}::int[],
                  ${rows.map(({ outcome }) => outcome)}::text[], ${rows.map(({ comment }) => comment)}::text[],
                  ${rows.map(({ dueAt }) => dueAt)}::timestamptz[])
           as s(event_id, attempts, outcome, comment, due_at)
     where d.event_id = any(array[s.event_id]) and d.attempts is not distinct from s.attempts
    returning d.event_id`;
  return settled.map(({ eventId }) => eventId);
};

/** When the next delivery is due. */
export const earliestDelivery = async (db: Sql): Promise<Date | undefined> => {
  const [row] = await db<{ dueAt: Date }>`
    select due_at from github_deliveries where due_at is not null order by due_at limit 1`;
  return row?.dueAt;
};

export const deleteDeliveries = async (db: Sql, before: Date, limit: number): Promise<number> => {
  const rows = await db`
    delete from github_deliveries
     where ctid = any(array(
             select ctid from github_deliveries
              where received_at < ${before} and due_at is null limit ${limit} for update skip locked))
    returning event_id`;
  return rows.length;
};

/** A group of tasks that was made for an event. */
export interface BuildRow {
  readonly taskGroupId: string;
  readonly organization: string;
  readonly repository: string;
  readonly organizationKey: string;
  readonly repositoryKey: string;
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
      (task_group_id, organization, repository, organization_key, repository_key, sha, branch, pull_request_number,
       event_type, event_id, installation_id, reporting, state, created, updated)
    values (${row.taskGroupId}, ${row.organization}, ${row.repository}, ${row.organizationKey}, ${row.repositoryKey},
            ${row.sha}, ${row.branch}, ${row.pullRequestNumber}, ${row.eventType}, ${row.eventId},
            ${row.installationId}, ${row.reporting}, ${row.state}, ${row.created}, ${row.updated})
    on conflict (task_group_id) do nothing`;

export const readBuilds = (db: Sql, taskGroupIds: readonly string[]) =>
  db<BuildRow>`
    select b.* from (select distinct id from unnest(${[...taskGroupIds]}::text[]) as w(id)) wanted
     cross join lateral (
       select task_group_id, organization, repository, organization_key, repository_key, sha, branch,
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
    select task_group_id, organization, repository, organization_key, repository_key, sha, branch,
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
    select task_group_id, organization, repository, organization_key, repository_key, sha, branch,
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
    returning task_group_id, organization, repository, organization_key, repository_key, sha, branch,
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
              where cancel_due_at <= ${now} order by cancel_due_at limit ${limit} for update skip locked))
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

/** What GitHub is told about: a task, or a whole group. */
export interface Subject {
  readonly kind: 'task' | 'group';
  readonly id: string;
  readonly taskGroupId: string;
}

export interface ReportRow extends Subject {
  readonly checkRunId: number | null;
  readonly reported: string | null;
  readonly changes: number;
  readonly attempts: number;
}

const ids = (subjects: readonly Subject[]) => subjects.map(({ id }) => id);
const kinds = (subjects: readonly Subject[]) => subjects.map(({ kind }) => kind);
const groups = (subjects: readonly Subject[]) => subjects.map(({ taskGroupId }) => taskGroupId);

/** Has GitHub told about subjects, each given once, as far as they belong to a build that shows them. Returns how many do. */
export const touchReports = async (
  tx: Transaction,
  subjects: readonly Subject[],
  now: Date,
): Promise<number> => {
  const rows = await tx`
    insert into github_reports (id, kind, task_group_id, due_at)
    select wanted.id, wanted.kind, wanted.task_group_id, ${now}
      from unnest(${ids(subjects)}::text[], ${kinds(subjects)}::text[], ${groups(subjects)}::text[])
           as wanted(id, kind, task_group_id)
     cross join lateral (
       select reporting from github_builds where task_group_id = wanted.task_group_id offset 0) as build
     where wanted.kind = 'group' or build.reporting = 'checks'
     order by 1, 2
        on conflict (id, kind) do update set changes = github_reports.changes + 1, due_at = excluded.due_at
    returning id`;
  return rows.length;
};

/** Takes reports that are due. */
export const takeReports = (tx: Transaction, { now, until, limit }: Taking) =>
  tx<ReportRow>`
    update github_reports set taken_until = ${until}, attempts = attempts + 1
     where ctid = any(array(
             select ctid from github_reports
              where due_at <= ${now} and (taken_until is null or taken_until <= ${now})
              order by due_at limit ${limit} for update skip locked))
    returning id, kind, task_group_id, check_run_id, reported, changes, attempts`;

/** What became of a report. */
export interface Reported {
  readonly kind: 'task' | 'group';
  readonly id: string;
  readonly checkRunId: number | null;
  readonly reported: string | null;
  /** As it was taken: what has happened since is reported as well. */
  readonly changes: number;
  readonly attempts: number;
  /** When it is tried again; null when there is nothing left to say. */
  readonly dueAt: Date | null;
}

/** Writes what became of reports that were taken. */
export const settleReports = (tx: Transaction, rows: readonly Reported[], now: Date) =>
  tx`
    update github_reports r
       set check_run_id = s.check_run_id, reported = s.reported, taken_until = null, attempts = s.attempts,
           due_at = case when s.due_at is not null then s.due_at when r.changes > s.changes then ${now} end
      from unnest(${rows.map(({ id }) => id)}::text[], ${rows.map(({ kind }) => kind)}::text[],
                  ${rows.map(({ checkRunId }) => checkRunId)}::bigint[],
                  ${rows.map(({ reported }) => reported)}::text[], ${rows.map(({ changes }) => changes)}::int[],
                  ${rows.map(({ attempts }) => attempts)}::int[], ${rows.map(({ dueAt }) => dueAt)}::timestamptz[])
           as s(id, kind, check_run_id, reported, changes, attempts, due_at)
     where r.id = any(array[s.id]) and r.kind = s.kind`;

/** When the next report is due that nobody has taken. */
export const earliestReport = async (db: Sql): Promise<Date | undefined> => {
  const [row] = await db<{ dueAt: Date }>`
    select due_at from github_reports
     where due_at is not null and taken_until is null
     order by due_at limit 1`;
  return row?.dueAt;
};

/** How many check runs groups have. */
export const countCheckRuns = (db: Sql, taskGroupIds: readonly string[]) =>
  db<{ taskGroupId: string; checkRuns: number }>`
    select wanted.id as task_group_id, counted.check_runs
      from (select distinct id from unnest(${[...taskGroupIds]}::text[]) as w(id)) wanted
     cross join lateral (
       select count(check_run_id)::int as check_runs from github_reports
        where task_group_id = wanted.id offset 0) as counted`;

/** The tasks and groups that a check run of GitHub shows. */
export const subjectsOfCheckRun = (db: Sql, checkRunId: number) =>
  db<Subject>`select kind, id, task_group_id from github_reports where check_run_id = ${checkRunId}`;

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
