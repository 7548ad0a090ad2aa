import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { hours, later, manualClock, silentLog } from '../base/index.ts';
import { opened, served, type TestDatabase, testDatabase } from '../testing/index.ts';
import { createWorkers, workersRoutes } from './index.ts';

let test: TestDatabase;
let app: FastifyInstance;
const clock = manualClock();

before(async () => {
  test = await testDatabase();
  const workers = opened(createWorkers({ db: test.db, clock, log: silentLog }));
  const service = { serviceName: 'queue', title: 'Queue', description: 'Tasks and workers.' };
  const api = { declarations: [{ service, routes: workersRoutes }], services: { workers } };
  app = served(api, { clock });
});
after(async () => {
  await app.close();
  await test.drop();
});

interface Asked {
  readonly method?: 'GET' | 'PUT';
  readonly scopes?: string;
  readonly body?: object;
}
const ask = async (path: string, { method = 'GET', scopes = '*', body }: Asked = {}) => {
  const url = `/api/queue/v1${path}`;
  const reply = await app.inject({
    method,
    url,
    headers: { scopes: JSON.stringify([scopes]) },
    ...(body ? { payload: body } : {}),
  });
  return { status: reply.statusCode, body: reply.json() as Record<string, unknown> };
};

const inAnHour = () => later(clock.now(), hours(1)).toJSON();
const declared = async (provisionerId: string) => {
  const body = { expires: inAnHour() };
  const reply = await ask(`/provisioners/${provisionerId}/worker-types/linux/here/w1`, {
    method: 'PUT',
    body,
  });
  assert.equal(reply.status, 200);
  return { base: `/provisioners/${provisionerId}`, worker: reply.body };
};

describe('the API of task queues and workers', () => {
  it('each method replies as its schema says, and the same when repeated', async () => {
    const { base, worker } = await declared('each');
    const paths = [
      ['/provisioners', 'queue:list-provisioners'],
      [base, 'queue:get-provisioner:each'],
      [`${base}/worker-types`, 'queue:list-worker-types:each'],
      [`${base}/worker-types/linux`, 'queue:get-worker-type:each/linux'],
      ['/task-queues', 'queue:list-task-queues'],
      ['/task-queues/each%2Flinux', 'queue:get-task-queue:each/linux'],
      ['/task-queues/each/linux', 'queue:get-task-queue:each/linux'],
      [`${base}/worker-types/linux/workers`, 'queue:list-workers:each/linux'],
      [`${base}/worker-types/linux/workers/here/w1`, 'queue:get-worker:each/linux/here/w1'],
    ] as const;
    for (const [path, scopes] of paths) {
      const once = await ask(path, { scopes });
      assert.equal(once.status, 200, path);
      assert.deepEqual(await ask(path, { scopes }), once);
      assert.equal((await ask(path, { scopes: `${scopes}x` })).status, 403, path);
    }
    const found = await ask(`${base}/worker-types/linux/workers/here/w1`);
    assert.deepEqual(found.body, worker);
  });

  it('a declaration needs a scope for each property', async () => {
    const path = '/provisioners/scoped/worker-types/linux/here/w1';
    const asked = { method: 'PUT', body: { expires: inAnHour() } } as const;
    const scopes = 'queue:declare-worker:scoped/linux/here/w1#expires';
    assert.equal((await ask(path, { ...asked, scopes: `${scopes}x` })).status, 403);
    const once = await ask(path, { ...asked, scopes });
    assert.equal(once.status, 200);
    assert.deepEqual(await ask(path, { ...asked, scopes }), once);
  });

  it('a quarantine is shown in the list of workers', async () => {
    const { base } = await declared('quarantined');
    const workers = `${base}/worker-types/linux/workers`;
    const quarantineUntil = inAnHour();
    const asked = {
      method: 'PUT',
      scopes: 'queue:quarantine-worker:quarantined/linux/here/w1',
      body: { quarantineUntil, quarantineInfo: 'because' },
    } as const;
    const once = await ask(`${workers}/here/w1`, asked);
    assert.equal(once.body.quarantineUntil, quarantineUntil);
    const [detail] = once.body.quarantineDetails as { clientId: string; quarantineInfo: string }[];
    assert.equal(detail?.clientId, 'tester');
    assert.equal(detail?.quarantineInfo, 'because');
    assert.deepEqual(await ask(`${workers}/here/w1`, asked), once);
    const listed = (await ask(`${workers}?quarantined=true`)).body.workers as { quarantineUntil: string }[];
    assert.equal(listed[0]?.quarantineUntil, quarantineUntil);
    assert.deepEqual((await ask(`${workers}?quarantined=false`)).body, { workers: [] });
    assert.equal((await ask(`${workers}/here/unseen`, asked)).status, 403);
    assert.equal((await ask(`${workers}/here/unseen`, { ...asked, scopes: '*' })).status, 404);
  });

  it('mistakes are refused with the name of the field', async () => {
    const { base } = await declared('mistaken');
    const worker = `${base}/worker-types/linux/workers/here`;
    const refused = async (path: string, asked: Asked, expected: [number, string]) => {
      const { status, body } = await ask(path, asked);
      assert.deepEqual([status, body.code], expected, path);
    };
    const order = (quarantineInfo: string): Asked => ({
      method: 'PUT',
      body: { quarantineUntil: inAnHour(), quarantineInfo },
    });
    await refused(`${worker}/${'x'.repeat(39)}`, {}, [400, 'InvalidRequestArguments']);
    await refused('/task-queues/no-slash', {}, [400, 'InvalidRequestArguments']);
    await refused(`${base}/worker-types/linux/workers?quarantined=maybe`, {}, [
      400,
      'InvalidRequestArguments',
    ]);
    await refused('/task-queues?continuationToken=%25', {}, [400, 'InputError']);
    await refused(`${worker}/w1`, { method: 'PUT', body: {} }, [400, 'InputValidationError']);
    await refused(`${worker}/w1`, order('x'.repeat(4001)), [400, 'InputValidationError']);
    assert.equal((await ask(`${worker}/w1`, order('x'.repeat(4000)))).status, 200);
    await refused('/task-queues/never/seen', {}, [404, 'ResourceNotFound']);
    await refused('/provisioners/never', {}, [404, 'ResourceNotFound']);
    await refused('/provisioners/never/worker-types/seen', {}, [404, 'ResourceNotFound']);
  });
});
