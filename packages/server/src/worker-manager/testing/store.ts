import type { ManualClock } from '../../base/index.ts';
import type { TestDatabase } from '../../testing/index.ts';
import type { WorkerRef } from '../store/index.ts';

interface Ground {
  readonly test: TestDatabase;
  readonly clock: ManualClock;
}

let tasks = 0;

/** Lets this many tasks wait in the queue of a pool. */
export const pendingTasks = async (
  { test, clock }: Ground,
  workerPoolId: string,
  count: number,
): Promise<void> => {
  const now = clock.now();
  for (let i = 0; i < count; i++) {
    await test.db`
      insert into pending (task_queue_id, priority, position, task_id, run_id, deadline)
      values (${workerPoolId}, 5, ${now.getTime() * 1000 + i}, ${`task-${++tasks}`}, 0, 'infinity')`;
  }
};

/** Lets a worker claim what waits in the queue of its pool, as many tasks as that. */
export const claimedTasks = async (
  { test, clock }: Ground,
  { workerPoolId, workerGroup, workerId }: WorkerRef,
  count: number,
): Promise<void> => {
  await test.db`
    with taken as (
      delete from pending where (task_queue_id, priority, position, task_id) in (
        select task_queue_id, priority, position, task_id from pending where task_queue_id = ${workerPoolId}
         limit ${count})
      returning task_id, run_id, deadline)
    insert into claims (task_id, run_id, task_queue_id, worker_group, worker_id, claimed_at, taken_until, deadline)
    select task_id, run_id, ${workerPoolId}, ${workerGroup}, ${workerId}, ${clock.now()}::timestamptz, 'infinity', deadline
      from taken`;
};

/** Lets all tasks of a pool have ended. */
export const resolvedTasks = async ({ test }: Ground, workerPoolId: string): Promise<void> => {
  await test.db`delete from claims where task_queue_id = ${workerPoolId}`;
  await test.db`delete from pending where task_queue_id = ${workerPoolId}`;
};
