// Fills a database with tasks by set-based SQL: faster than the API by far, and with the same rows in the end.

const chunkMax = 500_000;
const groupSize = 2000;

/** A task of each state as its status row shows it; the numbers of a burst differ in their positions only. */
const runsOf = {
  pending:
    '[{"runId":0,"state":"pending","reasonCreated":"scheduled","scheduled":"2026-01-01T00:00:00.000Z"}]',
  running:
    '[{"runId":0,"state":"running","reasonCreated":"scheduled","scheduled":"2026-01-01T00:00:00.000Z",' +
    '"workerGroup":"bench","workerId":"w0","takenUntil":"2099-01-01T00:20:00.000Z","started":"2026-01-01T00:00:00.000Z"}]',
  completed:
    '[{"runId":0,"state":"completed","reasonCreated":"scheduled","reasonResolved":"completed",' +
    '"scheduled":"2026-01-01T00:00:00.000Z","workerGroup":"bench","workerId":"w0",' +
    '"takenUntil":"2026-01-01T00:20:00.000Z","started":"2026-01-01T00:00:00.000Z","resolved":"2026-01-01T00:10:00.000Z"}]',
};

const definition = (taskQueueId) => {
  const [provisionerId, workerType] = taskQueueId.split('/');
  const [created, deadline, expires] = [0, 1, 3].map((n) => new Date(Date.now() + n * 86_400_000).toJSON());
  return JSON.stringify({
    taskQueueId,
    provisionerId,
    workerType,
    schedulerId: 'bench',
    projectId: 'none',
    dependencies: [],
    requires: 'all-completed',
    routes: [],
    retries: 5,
    created,
    deadline,
    expires,
    scopes: [],
    payload: {},
    metadata: { name: 'n', description: 'd', owner: 'bench@example.com', source: 'https://example.com/' },
    tags: { kind: 'bench' },
    extra: {},
  });
};

/** Names for the tasks of one chunk, and the groups that they are in. */
const nameTasks = async (tx, { count, state }) => {
  // The server's sessions never join whole tables.
  await tx`set local enable_hashjoin = on`;
  await tx`
    create temp table fill_groups on commit drop as
    select g, rtrim(translate(encode(uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'), '=') as task_group_id
      from generate_series(0, 499) as g`;
  await tx`
    insert into task_groups (task_group_id, scheduler_id, expires, unresolved)
    select task_group_id, 'bench', now() + interval '3 days', ${state === 'completed' ? 0 : groupSize}::int
      from fill_groups where g <= (${count}::int - 1) / ${groupSize}::int`;
  await tx`
    create temp table fill_tasks on commit drop as
    select n, n / 2000 as g,
           rtrim(translate(encode(uuid_send(gen_random_uuid()), 'base64'), '+/', '-_'), '=') as task_id
      from generate_series(0, 499999) as n`;
  await tx`delete from fill_tasks where n >= ${count}::int`;
};

/** Where the tasks stand: rows of the wide tables. */
const storeTasks = async (tx, { state, queueNames }) => {
  await tx`
    insert into tasks (task_id, definition)
    select task_id, (${queueNames.map(definition)}::text[])[1 + n % ${queueNames.length}::int] from fill_tasks`;
  await tx`
    insert into task_status (task_id, task_queue_id, scheduler_id, project_id, task_group_id, deadline, expires, retries,
                             tags, routes, priority, retries_left, state, position, runs, name)
    select task_id, (${queueNames}::text[])[1 + n % ${queueNames.length}::int], 'bench', 'none', task_group_id,
           now() + interval '1 day' + n * interval '1 millisecond', now() + interval '3 days', 5,
           '{"kind":"bench"}', '{}', 4, 5, ${state}::text,
           case when ${state}::text = 'pending' then (extract(epoch from now()) * 1000000)::bigint + n end,
           ${runsOf[state]}::text, 'bench-' || n
      from fill_tasks join fill_groups using (g)`;
};

/** Puts tasks that are pending by their status in line, at most this many of those that are not. */
export const queueTasks = (db, count) => db`
  insert into pending (task_queue_id, priority, position, task_id, run_id, deadline)
  select task_queue_id, priority, position, task_id, 0, deadline
    from task_status s
   where state = 'pending'
     and not exists (select from pending p where p.task_queue_id = s.task_queue_id and p.priority = s.priority
                                             and p.position = s.position and p.task_id = s.task_id)
   limit ${count}`;

const holdTasks = (tx) => tx`
  insert into claims (task_id, run_id, task_queue_id, worker_group, worker_id, claimed_at, taken_until, deadline)
  select task_id, 0, task_queue_id, 'bench', 'w0', now(), now() + interval '20 minutes', deadline
    from task_status join fill_tasks using (task_id)`;

/** Each task is required by the next one, and did not have to wait for it long. */
const linkTasks = (tx) => tx`
  insert into task_dependencies (required_task_id, dependent_task_id, all_resolved, from_run)
  select task_id, next_task_id, false, 0
    from (select task_id, lead(task_id) over (order by n) as next_task_id from fill_tasks) as pairs
   where next_task_id is not null`;

/** Adds tasks in one state, spread over the task queues. `queued`: they stand in line. `linked`: they depend on each other. */
export const fillTasks = async (
  db,
  { count, state, taskQueueId, queueNames = [taskQueueId], queued, linked },
) => {
  for (let left = count; left > 0; left -= chunkMax) {
    await db.transaction(async (tx) => {
      await nameTasks(tx, { count: Math.min(left, chunkMax), state });
      await storeTasks(tx, { state, queueNames });
      if (queued) {
        await tx`
          insert into pending (task_queue_id, priority, position, task_id, run_id, deadline)
          select task_queue_id, priority, position, task_id, 0, deadline
            from fill_tasks join task_status using (task_id)`;
      }
      if (linked) await linkTasks(tx);
      if (state === 'running') await holdTasks(tx);
    });
  }
};
