import assert from 'node:assert/strict';
import { it } from 'node:test';
import pg from 'pg';
import { brokenInvariants } from './support/invariants.ts';
import { startLoad } from './support/load.ts';
import { aHome } from './support/platform.ts';
import { withDatabaseOf } from './support/postgres.ts';

/** What must be found, and the damage that it must be found after. */
const damages: readonly (readonly [string, string])[] = [
  [
    'runs are numbered',
    `update task_status set state = 'running' where task_id = (select min(task_id) from task_status)`,
  ],
  [
    'runs are numbered',
    `update task_status set runs = '[{"runId":1,"state":"failed","reasonCreated":"scheduled"}]'`,
  ],
  [
    'one claim',
    `insert into claims
     select task_id, 0, task_queue_id, 'a', 'b', now(), now() + interval '1 hour', deadline from task_status`,
  ],
  [
    'outlives its time',
    `insert into claims
     select task_id, 0, task_queue_id, 'a', 'b', now(), now() - interval '1 hour', deadline from task_status`,
  ],
  ['allowed edges', `update outbox set exchange = replace(exchange, 'task-pending', 'task-running')`],
  ['pending only after', 'update task_dependencies set from_run = 5'],
  ['blocked tasks count', 'insert into blocked_tasks select task_id, 1 from task_status'],
  ['has its message', `delete from outbox where exchange ~ 'task-running'`],
  ['did not happen', `update outbox set exchange = replace(exchange, 'task-completed', 'task-failed')`],
  [
    'no end twice',
    `insert into outbox (created_at, exchange, routing_key, routes, payload)
     select created_at, exchange, routing_key, routes, payload from outbox where exchange ~ 'task-completed'`,
  ],
  ['stand in line', 'insert into pending select task_queue_id, 0, 1, task_id, 0, deadline from task_status'],
  ['groups count', 'update task_groups set unresolved = 1'],
  ['report when there is none left', `delete from outbox where exchange ~ 'task-group-resolved'`],
  ['every acknowledged task', 'delete from task_status'],
];

it('the check of invariants finds each broken one, and none in a sound database', async (t) => {
  const home = await aHome(t);
  const platform = await home.start({ WORKER: 'false', LOG_LEVEL: 'warn' });
  const load = startLoad(() => platform, { rounds: 6 });
  await load.done;
  await platform.stop();
  const { acknowledged } = load;
  await withDatabaseOf(home.path, async (url) => {
    assert.deepEqual(await brokenInvariants(url, { acknowledged }), []);
    for (const [name, damage] of damages) {
      const copy = await aDamagedCopy(url, damage);
      const broken = await brokenInvariants(copy, { acknowledged });
      assert.ok(
        broken.some((line) => line.includes(name)),
        `${damage}\nwas not found: ${broken.slice(0, 3).join('\n')}`,
      );
    }
  });
});

const run = async (url: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql).finally(() => client.end());
};

const aDamagedCopy = async (url: string, damage: string): Promise<string> => {
  const copy = new URL(url);
  const maintenance = new URL(url);
  const original = copy.pathname.slice(1);
  copy.pathname = '/damaged';
  maintenance.pathname = '/template1';
  await run(maintenance.href, 'drop database if exists damaged');
  await run(maintenance.href, `create database damaged template "${original}"`);
  await run(copy.href, damage);
  return copy.href;
};
