import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { slugid } from '@taskyard/client';
import pg from 'pg';
import { aSite, type Site } from './security/site.ts';
import { aTask, hourFromNow } from './security/world.ts';

// empty-token: in other systems the last page of a listing had an empty token, and clients never stopped asking. Here each
// listing is read with no entry, one, a page, and one more than a page.

const pageSize = 1000;
const sizes = [0, 1, 3, pageSize, pageSize + 1] as const;

let site: Site;
let database: pg.Client;
const endings: (() => Promise<void>)[] = [];
before(async () => {
  site = await aSite({ after: (end) => endings.push(end) });
  database = new pg.Client({ connectionString: site.postgres.url });
  database.on('error', () => {});
  await database.connect();
});
after(async () => {
  await database.end();
  for (const end of endings) await end();
});

/** A listing of a service. Its entries are made beforehand, up to as many as a test needs. */
interface Listing {
  /** Below `/api`; where it is asked by POST, `body` is what for. */
  readonly path: string;
  readonly body?: (count: number) => object;
  /** Where the entries of a page are, and what tells one from another. */
  readonly key: string;
  readonly idOf: (entry: never) => string;
  /** What a listing without an entry answers; 200 by default. */
  readonly empty?: number;
  /** A token that it has not issued leads to its first page. */
  readonly beginsAnew?: boolean;
  /** Only a call with a limit gets pages. */
  readonly isWholeWithoutLimit?: boolean;
  /** Makes the first entry by the API. */
  begin(): Promise<unknown>;
  /** The rows of the entries: the first one is copied, with other values for these columns. */
  readonly rows: { readonly table: string; readonly where: string; readonly columns: string };
}

const put = (path: string, body: object) => site.prepare('PUT', `/api/${path}`, body);
const post = (path: string, body: object) => site.prepare('POST', `/api/${path}`, body);
const later = hourFromNow(24 * 30);
const pool = {
  providerId: 'static',
  description: '',
  owner: 'a@example.com',
  emailOnError: false,
  config: {},
};
const hook = {
  metadata: { name: 'a hook', description: '', owner: 'a@example.com' },
  triggerSchema: { type: 'object' },
  // No task can be made of it.
  task: { taskQueueId: 'not one' },
};
const aWorker = async (workerPoolId: string): Promise<void> => {
  const id = encodeURIComponent(workerPoolId);
  await put(`worker-manager/v1/worker-pool/${id}`, pool);
  const body = { expires: later, providerInfo: { staticSecret: 's'.repeat(44) } };
  await put(`worker-manager/v1/workers/${id}/group/one`, body);
};
const aQueue = (provisionerId: string, workerType: string) =>
  put(`queue/v1/provisioners/${provisionerId}/worker-types/${workerType}/group/one`, { expires: later });
const nameOf = (entry: { name: string }) => entry.name;
const namespaceOf = (entry: { namespace: string }) => entry.namespace;

const task = slugid();
const indexed = { taskId: task, rank: 1, data: {}, expires: later };

const listings: Readonly<Record<string, Listing>> = {
  'auth.listClients': {
    path: 'auth/v1/clients/?prefix=listed/',
    key: 'clients',
    idOf: ({ clientId }: { clientId: string }) => clientId,
    begin: () => put('auth/v1/clients/listed%2F1', { description: '', expires: later }),
    rows: { table: 'clients', where: `client_id = 'listed/1'`, columns: `'client_id', 'listed/' || n` },
  },
  'auth.listRoles2': {
    path: 'auth/v1/roles2/',
    key: 'roles',
    idOf: ({ roleId }: { roleId: string }) => roleId,
    isWholeWithoutLimit: true,
    begin: () => put('auth/v1/roles/listed', { description: '', scopes: [] }),
    rows: { table: 'roles', where: 'true', columns: `'role_id', 'listed/' || n` },
  },
  'auth.getEntityHistory': {
    path: 'auth/v1/audit/role/listed%2Frole',
    key: 'auditHistory',
    idOf: ({ actionType }: { actionType: string }) => actionType,
    begin: () => put('auth/v1/roles/listed%2Frole', { description: '', scopes: [] }),
    rows: {
      table: 'audit_history',
      where: `entity_id = 'listed/role'`,
      columns: `'id', 1000000 + n, 'action_type', 'change ' || n`,
    },
  },
  'auth.listAuditHistory': {
    path: 'auth/v1/clients/listed%2Factor/audit',
    key: 'auditHistory',
    idOf: ({ actionType }: { actionType: string }) => actionType,
    begin: async () => {
      await put('auth/v1/roles/listed%2Faction', { description: '', scopes: [] });
      await database.query(
        `update audit_history set client_id = 'listed/actor' where entity_id = 'listed/action'`,
      );
    },
    rows: {
      table: 'audit_history',
      where: `client_id = 'listed/actor'`,
      columns: `'id', 2000000 + n, 'action_type', 'change ' || n`,
    },
  },
  'auth.listRoleIds': {
    path: 'auth/v1/roleids/',
    key: 'roleIds',
    idOf: (roleId: string) => roleId,
    isWholeWithoutLimit: true,
    begin: () => put('auth/v1/roles/listed', { description: '', scopes: [] }),
    rows: { table: 'roles', where: 'true', columns: `'role_id', 'listed/' || n` },
  },
  'github.builds': {
    path: 'github/v1/builds?organization=listed',
    key: 'builds',
    idOf: ({ taskGroupId }: { taskGroupId: string }) => taskGroupId,
    begin: () =>
      database.query(
        `insert into github_builds (task_group_id, organization, repository, organization_key, repository_key, sha, branch,
           event_type, event_id, installation_id, reporting, state, created, updated)
         values (lpad('', 21, '0') || 'A', 'listed', 'all', 'listed', 'all', repeat('a', 40), 'main', 'push',
           '00000000-0000-4000-8000-000000000000', 1, 'checks', 'pending', date_trunc('milliseconds', now()),
           date_trunc('milliseconds', now()))`,
      ),
    rows: {
      table: 'github_builds',
      where: `organization = 'listed'`,
      columns: `'task_group_id', lpad(n::text, 21, '0') || 'A'`,
    },
  },
  'secrets.list': {
    path: 'secrets/v1/secrets',
    key: 'secrets',
    idOf: (secret: string) => secret,
    begin: () => put('secrets/v1/secret/listed', { secret: {}, expires: later }),
    rows: { table: 'secrets', where: 'true', columns: `'name', 'listed/' || n` },
  },
  'purge-cache.allPurgeRequests': {
    path: 'purge-cache/v1/purge-cache/list',
    key: 'requests',
    idOf: ({ cacheName }: { cacheName: string }) => cacheName,
    begin: () => post('purge-cache/v1/purge-cache/listed%2Fpool', { cacheName: 'a' }),
    rows: { table: 'purge_requests', where: 'true', columns: `'cache_name', 'cache ' || n` },
  },
  'notify.listDenylist': {
    path: 'notify/v1/denylist/list',
    key: 'addresses',
    idOf: ({ notificationAddress }: { notificationAddress: string }) => notificationAddress,
    begin: () =>
      post('notify/v1/denylist/add', { notificationType: 'email', notificationAddress: 'a@example.com' }),
    rows: { table: 'denied_addresses', where: 'true', columns: `'address', n || '@example.com'` },
  },
  'hooks.listLastFires': {
    path: 'hooks/v1/hooks/listed/hook/last-fires',
    key: 'lastFires',
    idOf: ({ taskId }: { taskId: string }) => taskId,
    empty: 404,
    begin: async () => {
      await put('hooks/v1/hooks/listed/hook', hook);
      const path = '/api/hooks/v1/hooks/listed/hook/trigger';
      assert.equal((await site.ask({ method: 'POST', path, as: site.root, body: {} })).status, 400);
    },
    rows: {
      table: 'hook_fires',
      where: 'true',
      columns: `'task_id', lpad(n::text, 21, '0') || 'A', 'fired_at', now() - n * interval '1 second'`,
    },
  },
  'index.listTasks': {
    path: 'index/v1/tasks/listed.tasks',
    key: 'tasks',
    idOf: namespaceOf,
    begin: () => put('index/v1/task/listed.tasks.a', indexed),
    rows: { table: 'indexed_tasks', where: `namespace = 'listed.tasks'`, columns: `'name', 'n' || n` },
  },
  'index.findTasksAtIndex': {
    path: 'index/v1/tasks/indexes',
    body: (count) => ({ indexes: Array.from({ length: count }, (_, i) => `listed.many.n${i + 1}`) }),
    key: 'tasks',
    idOf: namespaceOf,
    begin: () => put('index/v1/task/listed.many.a', indexed),
    rows: { table: 'indexed_tasks', where: `namespace = 'listed.many'`, columns: `'name', 'n' || n` },
  },
  'index.listNamespaces': {
    path: 'index/v1/namespaces/listed.in',
    key: 'namespaces',
    idOf: namespaceOf,
    begin: () => put('index/v1/task/listed.in.a.b', indexed),
    rows: { table: 'index_namespaces', where: `parent = 'listed.in'`, columns: `'name', 'n' || n` },
  },
  'worker-manager.listWorkerPools': {
    path: 'worker-manager/v1/worker-pools',
    key: 'workerPools',
    idOf: ({ workerPoolId }: { workerPoolId: string }) => workerPoolId,
    begin: () => put('worker-manager/v1/worker-pool/listed%2Fpool', pool),
    rows: { table: 'worker_pools', where: 'true', columns: `'worker_pool_id', 'listed/n' || n` },
  },
  'worker-manager.listWorkerPoolsStats': {
    path: 'worker-manager/v1/worker-pools/stats',
    key: 'workerPoolsStats',
    idOf: ({ workerPoolId }: { workerPoolId: string }) => workerPoolId,
    begin: () => put('worker-manager/v1/worker-pool/listed%2Fpool', pool),
    rows: { table: 'worker_pools', where: 'true', columns: `'worker_pool_id', 'listed/n' || n` },
  },
  'worker-manager.listWorkerPoolPauses': {
    path: 'worker-manager/v1/worker-pool-pauses',
    key: 'pauses',
    idOf: ({ workerPoolId }: { workerPoolId: string }) => workerPoolId,
    begin: async () => {
      await put('worker-manager/v1/worker-pool/listed%2Fpaused', pool);
      await database.query(
        `update worker_pools set paused = now(), pause_reason = '' where worker_pool_id = 'listed/paused'`,
      );
    },
    rows: {
      table: 'worker_pools',
      where: 'paused is not null',
      columns: `'worker_pool_id', 'listed/p' || n`,
    },
  },
  'worker-manager.listWorkerPoolLaunchConfigs': {
    path: 'worker-manager/v1/worker-pool/listed%2Fconfigs/launch-configs',
    key: 'workerPoolLaunchConfigs',
    idOf: ({ launchConfigId }: { launchConfigId: string }) => launchConfigId,
    begin: async () => {
      await put('worker-manager/v1/worker-pool/listed%2Fconfigs', pool);
      await database.query(
        `insert into launch_configs (worker_pool_id, launch_config_id, place, is_archived, configuration, created, last_modified)
         values ('listed/configs', 'a', 0, false, '{}', now(), now())`,
      );
    },
    rows: {
      table: 'launch_configs',
      where: `worker_pool_id = 'listed/configs'`,
      columns: `'launch_config_id', 'n' || n, 'place', n`,
    },
  },
  'worker-manager.workerPoolDecisions': {
    path: 'worker-manager/v1/worker-pool-decisions/listed%2Fdecisions',
    key: 'decisions',
    idOf: ({ reason }: { reason: string }) => reason,
    begin: async () => {
      await put('worker-manager/v1/worker-pool/listed%2Fdecisions', pool);
      await database.query(
        `insert into provisioning_decisions (worker_pool_id, decided, action, count, reason, outcome)
         values ('listed/decisions', date_trunc('milliseconds', now()), 'wait', 0, 'none', 'done')`,
      );
    },
    rows: {
      table: 'provisioning_decisions',
      where: `worker_pool_id = 'listed/decisions'`,
      columns: `'decision_id', 1000000 + n, 'reason', 'reason ' || n`,
    },
  },
  'worker-manager.listWorkers': {
    path: 'worker-manager/v1/provisioners/listed/worker-types/machines/workers',
    key: 'workers',
    idOf: ({ workerId }: { workerId: string }) => workerId,
    begin: () => aWorker('listed/machines'),
    rows: {
      table: 'managed_workers',
      where: `worker_pool_id = 'listed/machines'`,
      columns: `'worker_id', 'n' || n`,
    },
  },
  'worker-manager.listWorkersForWorkerPool': {
    path: 'worker-manager/v1/workers/listed%2Fworkers',
    key: 'workers',
    idOf: ({ workerId }: { workerId: string }) => workerId,
    begin: () => aWorker('listed/workers'),
    rows: {
      table: 'managed_workers',
      where: `worker_pool_id = 'listed/workers'`,
      columns: `'worker_id', 'n' || n`,
    },
  },
  'worker-manager.listWorkersForWorkerGroup': {
    path: 'worker-manager/v1/workers/listed%2Fgroup/group',
    key: 'workers',
    idOf: ({ workerId }: { workerId: string }) => workerId,
    begin: () => aWorker('listed/group'),
    rows: {
      table: 'managed_workers',
      where: `worker_pool_id = 'listed/group'`,
      columns: `'worker_id', 'n' || n`,
    },
  },
  'worker-manager.listWorkerPoolErrors': {
    path: 'worker-manager/v1/worker-pool-errors/listed%2Ferrors',
    key: 'workerPoolErrors',
    idOf: ({ errorId }: { errorId: string }) => errorId,
    begin: async () => {
      await aWorker('listed/errors');
      const error = { kind: 'boot-error', title: 'An error', description: '', extra: {} };
      const ofWorker = { ...error, workerGroup: 'group', workerId: 'one' };
      await post('worker-manager/v1/worker-pool-errors/listed%2Ferrors', ofWorker);
    },
    rows: {
      table: 'worker_pool_errors',
      where: `worker_pool_id = 'listed/errors'`,
      columns: `'error_id', lpad(n::text, 21, '0') || 'A'`,
    },
  },
  'queue.listTaskQueues': {
    path: 'queue/v1/task-queues',
    key: 'taskQueues',
    idOf: ({ taskQueueId }: { taskQueueId: string }) => taskQueueId,
    begin: () => aQueue('listed', 'queue'),
    rows: { table: 'task_queues', where: 'true', columns: `'task_queue_id', 'listed/n' || n` },
  },
  'queue.listProvisioners': {
    path: 'queue/v1/provisioners',
    key: 'provisioners',
    idOf: ({ provisionerId }: { provisionerId: string }) => provisionerId,
    begin: () => aQueue('listed', 'queue'),
    rows: { table: 'task_queues', where: 'true', columns: `'task_queue_id', 'listed-' || n || '/queue'` },
  },
  'queue.listWorkerTypes': {
    path: 'queue/v1/provisioners/types/worker-types',
    key: 'workerTypes',
    idOf: ({ workerType }: { workerType: string }) => workerType,
    begin: () => aQueue('types', 'queue'),
    rows: {
      table: 'task_queues',
      where: `task_queue_id like 'types/%'`,
      columns: `'task_queue_id', 'types/n' || n`,
    },
  },
  'queue.listWorkers': {
    path: 'queue/v1/provisioners/listed/worker-types/workers/workers',
    key: 'workers',
    idOf: ({ workerId }: { workerId: string }) => workerId,
    begin: () => aQueue('listed', 'workers'),
    rows: { table: 'workers', where: `task_queue_id = 'listed/workers'`, columns: `'worker_id', 'n' || n` },
  },
  'queue.listArtifacts': {
    path: `queue/v1/task/${task}/runs/0/artifacts`,
    key: 'artifacts',
    idOf: nameOf,
    beginsAnew: true,
    begin: async () => {
      await put(`queue/v1/task/${task}`, aTask());
      await post(`queue/v1/task/${task}/runs/0/claim`, { workerGroup: 'group', workerId: 'one' });
      const link = { storageType: 'reference', contentType: 'text/plain', url: 'https://example.com/' };
      await post(`queue/v1/task/${task}/runs/0/artifacts/a`, { ...link, expires: hourFromNow(2) });
    },
    rows: { table: 'artifacts', where: `task_id = '${task}'`, columns: `'name', 'a' || n` },
  },
};

/** Removes the entries of a listing and returns the first one's row. */
const emptied = async ({ rows: { table, where } }: Listing): Promise<string> => {
  const { rows } = await database.query<{ row: string }>(
    `with gone as (delete from ${table} where ${where} returning *) select to_jsonb(gone)::text as row from gone limit 1`,
  );
  return rows[0]?.row ?? assert.fail(`There is no row in ${table} where ${where}`);
};

/** Adds entries by copies of a row, those after the first `from` up to `to`. */
const grow = async ({ rows: { table, columns } }: Listing, row: string, from: number, to: number) => {
  await database.query(
    `insert into ${table} overriding system value
     select (jsonb_populate_record(null::${table}, $1::jsonb || jsonb_build_object(${columns}))).*
       from generate_series($2::int, $3::int) as n`,
    [row, from + 1, to],
  );
};

/** The listings that were walked: how they were asked, and where. */
const walked: { readonly method: string; readonly path: string }[] = [];

/** What a listing names on its pages, and how many pages there are. Every token but the last one's is a text. */
const walk = async (listing: Listing, count: number, limit?: number) => {
  walked.push({ method: listing.body ? 'POST' : 'GET', path: listing.path.replace(/\?.*/, '') });
  const found: string[] = [];
  let token: unknown;
  let pages = 0;
  do {
    const query = new URLSearchParams({
      ...(limit === undefined ? {} : { limit: String(limit) }),
      ...(token === undefined ? {} : { continuationToken: String(token) }),
    });
    const asked = `/api/${listing.path}${listing.path.includes('?') ? '&' : '?'}${query}`;
    const body = listing.body?.(count);
    const method = body ? 'POST' : 'GET';
    const answer = await site.ask({ method, path: asked, as: site.root, ...(body ? { body } : {}) });
    if (answer.status !== 200) return { status: answer.status, pages, found };
    found.push(...(answer.body[listing.key] as never[]).map(listing.idOf));
    token = answer.body.continuationToken;
    if ('continuationToken' in answer.body)
      assert.ok(typeof token === 'string' && token !== '', String(token));
    pages++;
    assert.ok(pages <= count + 1, 'a walk without an end');
  } while (token !== undefined);
  return { status: 200, pages, found };
};

/** A token that no listing has issued is refused, where the original counts rows; where it goes by keys it begins again. */
const requireTokenRefused = async (listing: Listing, refused: boolean): Promise<void> => {
  const path = `/api/${listing.path}${listing.path.includes('?') ? '&' : '?'}limit=1&continuationToken=%21%21`;
  const body = listing.body?.(1);
  const answer = await site.ask({ method: body ? 'POST' : 'GET', path, as: site.root, body });
  const is = [answer.status, answer.body.code];
  assert.deepEqual(is, refused ? [400, 'InputError'] : [200, undefined], path);
};

interface Reference {
  readonly serviceName: string;
  readonly entries: readonly {
    readonly name: string;
    readonly method: string;
    readonly route: string;
    readonly query: readonly string[];
  }[];
}

/** What is made by its test. */
const ready = { begin: async () => {}, rows: { table: '', where: '', columns: '' } };

const taskIdOf = ({ task: _, ...entry }: { status?: { taskId: string }; taskId?: string; task: object }) =>
  entry.taskId ?? entry.status?.taskId ?? '';

/** A listing of tasks. */
const of = (path: string, key = 'tasks', body?: () => object): Listing => ({
  ...ready,
  path,
  key,
  idOf: taskIdOf,
  ...(body ? { body } : {}),
});

describe('empty-token', () => {
  for (const [title, listing] of Object.entries(listings))
    it(`${title} ends without a token, with 0, 1, ${pageSize} and ${pageSize + 1} entries`, async () => {
      await listing.begin();
      const row = await emptied(listing);
      let size = 0;
      for (const count of sizes) {
        await grow(listing, row, size, count);
        size = count;
        for (const limit of [undefined, 1, pageSize / 2, pageSize, pageSize + 1]) {
          if (limit === 1 && count > 3) continue;
          const { status, pages, found } = await walk(listing, count, limit);
          const said = `${count} entries, limit ${limit}`;
          assert.equal(status, count === 0 ? (listing.empty ?? 200) : 200, said);
          assert.equal(found.length, count, said);
          assert.equal(new Set(found).size, count, said);
          if (status !== 200) continue;
          const isWhole = limit === undefined && listing.isWholeWithoutLimit;
          const perPage = isWhole ? Number.POSITIVE_INFINITY : Math.min(limit ?? pageSize, pageSize);
          assert.equal(pages, Math.max(1, Math.ceil(count / perPage)), said);
        }
      }
      await requireTokenRefused(listing, !listing.beginsAnew);
    });

  it('worker-manager.listProviders ends without a token', async () => {
    const providers: Listing = {
      path: 'worker-manager/v1/providers',
      key: 'providers',
      idOf: ({ providerId }: { providerId: string }) => providerId,
      ...ready,
    };
    const whole = await walk(providers, pageSize);
    assert.ok(whole.found.length > 1);
    for (const limit of [1, 2, 1000])
      assert.deepEqual((await walk(providers, pageSize, limit)).found, whole.found, `limit ${limit}`);
  });

  const check = async (listing: Listing, count: number) => {
    for (const limit of [undefined, pageSize / 2, ...(count <= 3 ? [1] : [])]) {
      const { status, pages, found } = await walk(listing, count, limit);
      const said = `${listing.path}, ${count} entries, limit ${limit}`;
      assert.equal(status, 200, said);
      assert.deepEqual([found.length, new Set(found).size], [count, count], said);
      assert.equal(pages, Math.max(1, Math.ceil(count / (limit ?? pageSize))), said);
    }
  };

  it('the listings of tasks end without a token', async () => {
    const [taskGroupId, root] = [slugid(), slugid()];
    await put(`queue/v1/task/${root}`, aTask({ taskQueueId: 'listed/root' }));
    const ids: string[] = [];
    const add = async (count: number, more: object) => {
      const tasks = Array.from({ length: count }, () => ({ taskId: slugid(), task: aTask(more) }));
      await post(`queue/v1/task-group/${taskGroupId}/tasks`, { tasks });
      ids.push(...tasks.map(({ taskId }) => taskId));
    };
    const byIds = () => ({ taskIds: ids });
    const ofGroup = [
      of(`queue/v1/task-group/${taskGroupId}/list`),
      of(`queue/v1/task/${root}/dependents`),
      of('queue/v1/tasks', 'tasks', byIds),
      of('queue/v1/tasks/status', 'statuses', byIds),
      of(`views/v1/task-group/${taskGroupId}/lines`),
      of(`views/v1/task-group/${taskGroupId}/selection`),
    ];
    const needGroup = (listing: Listing) => listing.path.includes(taskGroupId);
    for (const [i, count] of sizes.entries()) {
      const more = count - (sizes[i - 1] ?? 0);
      if (more > 0) await add(more, { dependencies: [root], taskGroupId, schedulerId: 'secure' });
      for (const listing of ofGroup) if (count > 0 || !needGroup(listing)) await check(listing, count);
    }
    for (const listing of ofGroup) await requireTokenRefused(listing, !listing.path.startsWith('views/'));
    const [waiting, claimed] = [
      of('queue/v1/task-queues/listed%2Fpending/pending'),
      of('queue/v1/task-queues/listed%2Fpending/claimed'),
    ];
    for (const [i, count] of sizes.entries()) {
      const more = count - (sizes[i - 1] ?? 0);
      if (more > 0) await add(more, { taskQueueId: 'listed/pending', taskGroupId });
      await check(waiting, count);
    }
    await check(claimed, 0);
    for (const [i, count] of sizes.entries()) {
      for (let left = count - (sizes[i - 1] ?? 0); left > 0; left -= 32) {
        const asked = { workerGroup: 'group', workerId: 'one', tasks: Math.min(left, 32) };
        await post('queue/v1/claim-work/listed%2Fpending', asked);
      }
      await check(claimed, count);
    }
    await check(waiting, 0);
    for (const listing of [waiting, claimed]) await requireTokenRefused(listing, false);
  });

  it('the listings of what people look for end without a token', async () => {
    const name = `found ${slugid()}`;
    const groups = Array.from({ length: 130 }, slugid);
    for (const [i, id] of groups.entries()) {
      const metadata = { description: '', owner: 'a@example.com', source: 'https://example.com/' };
      const task = aTask({ metadata: { ...metadata, name: i % 2 ? name : 'other' } });
      await put(`queue/v1/task/${id}`, task);
    }
    const named = groups.filter((_, i) => i % 2).sort();
    const query = `name=${encodeURIComponent(name)}`;
    for (const [path, key, idOf] of [
      [`views/v1/task-groups?${query}`, 'groups', (group: { taskGroupId: string }) => group.taskGroupId],
      [`views/v1/tasks?${query}`, 'tasks', (task: { taskId: string }) => task.taskId],
    ] as const)
      for (const limit of [undefined, 1, 7]) {
        const { status, found } = await walk({ ...ready, path, key, idOf }, pageSize, limit);
        assert.equal(status, 200, path);
        assert.deepEqual(found.sort(), named, `${path}, limit ${limit}`);
      }
  });

  it('the artifacts of the latest run are listed like those of a run', async () => {
    const ofRun = listings['queue.listArtifacts'] ?? assert.fail();
    const latest = { ...ofRun, path: `queue/v1/task/${task}/artifacts` };
    const count = pageSize + 1;
    const { pages, found } = await walk(latest, count);
    assert.deepEqual([pages, new Set(found).size], [2, count]);
    await requireTokenRefused(latest, false);
  });

  it('no listing with pages is left out here', async () => {
    const read = async (path: string) => (await site.ask({ path })).body;
    const { references } = (await read('/references/manifest.json')) as { references: string[] };
    const unknown: string[] = [];
    for (const reference of references.filter((path) => path.endsWith('/api.json'))) {
      const { serviceName, entries } = (await read(reference)) as unknown as Reference;
      const listings = entries.filter(({ query }) => query.includes('continuationToken'));
      for (const { name, method, route } of listings) {
        const pattern = new RegExp(`^${serviceName}/v1${route.replace(/<[^>]+>/g, '[^/]+')}$`);
        const isWalked = walked.some((one) => one.method === method.toUpperCase() && pattern.test(one.path));
        if (!isWalked) unknown.push(`${serviceName}.${name}`);
      }
    }
    // These two are gone, as in later versions of the original.
    assert.deepEqual(unknown, ['auth.azureTables', 'auth.azureContainers']);
  });
});
