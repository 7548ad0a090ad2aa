import assert from 'node:assert/strict';
import pg from 'pg';

/** What a test knows that the database cannot tell. */
export interface Known {
  /** Tasks whose creation was acknowledged: they must be there and resolved. */
  readonly acknowledged: Iterable<string>;
  /** Tasks that somebody scheduled whatever they depended on. */
  readonly forced?: Iterable<string>;
}

/** Statements see the state of all tasks through these. */
const views = `
  with run as (
    select s.task_id, s.task_group_id, place - 1 as place, place = json_array_length(s.runs::json) as is_last,
           (r->>'runId')::int as run_id, r->>'state' as state, r->>'reasonCreated' as reason_created,
           r->>'started' as started, r->>'workerGroup' as worker_group, r->>'workerId' as worker_id,
           (r->>'takenUntil')::timestamptz as taken_until
      from task_status s cross join json_array_elements(s.runs::json) with ordinality as runs(r, place)
  ), final as (
    select run.task_id, run.task_group_id, run.run_id, run.state
      from run left join run as following on following.task_id = run.task_id and following.run_id = run.run_id + 1
     where run.state not in ('pending', 'running') and coalesce(following.reason_created, 'rerun') = 'rerun'
  ), message as (
    select id, substring(exchange from 'task-([a-z]+)$') as name, payload::json->'status'->>'taskId' as task_id,
           (payload::json->>'runId')::int as run_id
      from outbox where exchange ~ '/task-(defined|pending|running|completed|failed|exception)$'
  ), step as (
    select task_id, run_id, name, lag(name) over (partition by task_id, run_id order by id) as before
      from message where run_id is not null
  ), edge as (
    select d.required_task_id, d.dependent_task_id, d.all_resolved, d.from_run,
           d.from_run is null or exists (
             select from final f where f.task_id = d.required_task_id and f.run_id >= d.from_run
                and (d.all_resolved or f.state = 'completed')) as is_satisfied
      from task_dependencies d
  ) `;

interface Invariant {
  readonly name: string;
  /** Returns what breaks it, as `broken`. $1 are the acknowledged tasks, $2 the forced ones, where they are named. */
  readonly sql: string;
}

const invariants: readonly Invariant[] = [
  {
    name: 'every acknowledged task is there and resolved',
    sql: `select id || ' is ' || coalesce(s.state, 'not there') as broken
            from unnest($1::text[]) as id left join task_status s on s.task_id = id
           where s.state is null or s.state in ('unscheduled', 'pending', 'running')`,
  },
  {
    name: 'runs are numbered from 0, and only the last one is not resolved',
    sql: `select task_id || ' run ' || run_id || ' at ' || place || ' is ' || state as broken from run
           where run_id <> place or (not is_last and state in ('pending', 'running'))
          union all
          select s.task_id || ' is ' || s.state || ', its last run is ' || run.state
            from task_status s left join run on run.task_id = s.task_id and run.is_last
           where s.state <> coalesce(run.state, 'unscheduled')`,
  },
  {
    name: 'a run that runs has one claim, and nothing else has any',
    sql: `select coalesce(c.task_id, run.task_id) || ' claim ' || coalesce(c.run_id::text, 'none') as broken
            from claims c full join (select * from run where state = 'running') as run
              on run.task_id = c.task_id and run.run_id = c.run_id and run.worker_group = c.worker_group
             and run.worker_id = c.worker_id and run.taken_until = c.taken_until
           where c.task_id is null or run.task_id is null`,
  },
  {
    name: 'runs move along allowed edges only',
    sql: `select task_id || ' run ' || run_id || ': ' || coalesce(before, 'nothing') || ' to ' || name as broken
            from step
           where (coalesce(before, 'nothing'), name) not in (
             ('nothing', 'pending'), ('nothing', 'exception'), ('pending', 'running'), ('pending', 'exception'),
             ('running', 'pending'), ('running', 'completed'), ('running', 'failed'), ('running', 'exception'))
          union all
          select later.task_id || ' run ' || later.run_id || ' is reported before the end of the one before it'
            from message later join message earlier on earlier.task_id = later.task_id
           where coalesce(earlier.run_id, -1) < coalesce(later.run_id, -1) and earlier.id > later.id`,
  },
  {
    name: 'a task is pending only after what it depends on',
    sql: `select d.dependent_task_id || ' was pending before ' || d.required_task_id || ' had ended' as broken
            from edge d join message p on p.task_id = d.dependent_task_id and p.run_id = 0 and p.name = 'pending'
           where d.from_run is not null and d.dependent_task_id <> all($2::text[])
             and not exists (
               select from message m
                where m.task_id = d.required_task_id and m.run_id >= d.from_run and m.id < p.id
                  and (m.name = 'completed' or (d.all_resolved and m.name in ('failed', 'exception'))))`,
  },
  {
    name: 'blocked tasks count the dependencies that are not satisfied',
    sql: `select coalesce(b.task_id, e.task_id) || ' waits for ' || coalesce(b.unmet, 0) || ', not '
                 || coalesce(e.unmet, 0) as broken
            from blocked_tasks b full join (
              select dependent_task_id as task_id, count(*) filter (where not is_satisfied)::int as unmet
                from edge group by 1) as e on e.task_id = b.task_id
           where coalesce(b.unmet, 0) <> coalesce(e.unmet, 0)`,
  },
  {
    name: 'every step of a run has its message',
    sql: `select wanted.task_id || ' run ' || coalesce(wanted.run_id, -1) || ' without ' || wanted.name as broken
            from (
              select task_id, null::int as run_id, 'defined' as name from tasks
              union all select task_id, run_id, 'pending' from run where reason_created <> 'exception'
              union all select task_id, run_id, 'running' from run where started is not null
              union all select task_id, run_id, state from run
            ) as wanted
           where not exists (
             select from message m where m.task_id = wanted.task_id and m.name = wanted.name
                and m.run_id is not distinct from wanted.run_id)`,
  },
  {
    name: 'nothing is reported that did not happen, and no end twice',
    sql: `select m.task_id || ' run ' || coalesce(m.run_id, -1) || ': ' || m.name as broken
            from message m left join run on run.task_id = m.task_id and run.run_id = m.run_id
            left join tasks t on t.task_id = m.task_id
           where t.task_id is null or (m.run_id is not null and run.run_id is null)
              or (m.name in ('completed', 'failed', 'exception') and m.name <> run.state)
          union all
          select task_id || ' run ' || coalesce(run_id, -1) || ': ' || count(*) || ' times ' || name from message
           where name in ('defined', 'completed', 'failed', 'exception')
           group by task_id, run_id, name having count(*) > 1`,
  },
  {
    name: 'exactly the runs that are pending stand in line, in their place',
    sql: `select coalesce(p.task_id, s.task_id) || ' run ' || coalesce(p.run_id, run.run_id) as broken
            from pending p full join (
              task_status s join run on run.task_id = s.task_id and run.is_last and run.state = 'pending'
            ) on s.task_id = p.task_id and run.run_id = p.run_id and s.task_queue_id = p.task_queue_id
             and s.priority = p.priority and s.position = p.position and s.deadline = p.deadline
           where p.task_id is null or s.task_id is null`,
  },
  {
    name: 'no claim outlives its time by more than ten seconds',
    sql: `select task_id || ' was taken until ' || taken_until as broken from claims
           where taken_until < now() - interval '10 seconds'`,
  },
  {
    name: 'groups count the tasks that were never resolved, and report when there is none left',
    sql: `select g.task_group_id || ' counts ' || g.unresolved || ', not ' || coalesce(t.unresolved, 0) as broken
            from (select task_group_id, unresolved + (select coalesce(sum(w.tasks), 0) from task_group_growth w
                                                       where w.task_group_id = c.task_group_id) as unresolved
                    from task_groups c) as g left join (
              select s.task_group_id, count(*) filter (where f.task_id is null)::int as unresolved
                from task_status s left join (select distinct task_id from final) as f using (task_id)
               group by 1) as t using (task_group_id)
           where g.unresolved <> coalesce(t.unresolved, 0)
          union all
          select task_group_id || ' ended without a message' from task_groups g
           where unresolved = 0 and exists (select from final f where f.task_group_id = g.task_group_id)
             and not exists (select from outbox where exchange ~ '/task-group-resolved$'
                                and payload::json->>'taskGroupId' = g.task_group_id)`,
  },
];

/** What is broken in a database at rest, a line for each; reads one state of it, even if others write meanwhile. */
export const brokenInvariants = async (
  databaseUrl: string,
  { acknowledged, forced = [] }: Known,
): Promise<string[]> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('begin isolation level repeatable read read only');
    const broken: string[] = [];
    for (const { name, sql } of invariants) {
      const values = [[...acknowledged], [...forced]].filter((_, i) => sql.includes(`$${i + 1}`));
      const text = sql.includes('$1') ? sql : sql.replaceAll('$2', '$1');
      const { rows } = await client.query<{ broken: string }>(views + text, values);
      broken.push(...rows.map((row) => `${name}: ${row.broken}`));
    }
    return broken;
  } finally {
    await client.end();
  }
};

export const assertInvariants = async (databaseUrl: string, known: Known): Promise<void> =>
  assert.deepEqual(await brokenInvariants(databaseUrl, known), []);
