import type { Sql, Transaction } from '../../base/index.ts';
import { endOfWaits, type Taking } from './taking.ts';

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
              where (due_at <= ${now} or due_at > ${endOfWaits(now)})
                and (taken_until is null or taken_until <= ${now} or taken_until > ${endOfWaits(now)})
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
