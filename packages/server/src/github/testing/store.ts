import type { Database } from '../../base/index.ts';
import { endOfWaits } from '../store/taking.ts';

/** For tests: all tasks that there are, by name. */
export const readTasks = (db: Database) =>
  db<{ taskId: string; name: string; taskGroupId: string; state: string; definition: string }>`
    select t.task_id, t.definition::json #>> '{metadata,name}' as name, s.task_group_id, s.state, t.definition
      from tasks t join task_status s on s.task_id = t.task_id
     order by 2`;

/** For tests: builds as an earlier version makes them, which does not note the numbers of repositories. */
export const forgetNumbers = (db: Database) => db`update github_builds set repository_id = null`;

/** For tests: what is known before any event has come to this version. */
export const forgetNames = (db: Database) => db`delete from github_repositories`;

/** For tests: how many reports are due. */
export const countDue = async (db: Database, now: Date): Promise<number> => {
  const [row] = await db<{ due: number }>`
    select (select count(*) from github_reports where due_at <= ${now} or due_at > ${endOfWaits(now)})::int
         + (select count(*) from github_deliveries where due_at <= ${now} or due_at > ${endOfWaits(now)})::int as due`;
  return row?.due ?? 0;
};

/** For tests: what became of the deliveries, in order. */
export const readDeliveries = (db: Database) =>
  db<{ eventId: string; outcome: string | null; attempts: number; dueAt: Date | null; payload: string }>`
    select event_id, outcome, attempts, due_at, payload from github_deliveries order by received_at, event_id`;
