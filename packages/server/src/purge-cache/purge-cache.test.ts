import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FastifyInstance } from 'fastify';
import {
  connect,
  type Database,
  days,
  localSignal,
  type ManualClock,
  manualClock,
  seconds,
  silentLog,
} from '../base/index.ts';
import { type Opened, opened, served, stepOf, type TestDatabase, testDatabase } from '../testing/index.ts';
import { createPurgeCache, type PurgeCache, purgeCacheDeclaration } from './index.ts';

let database: TestDatabase;
let clock: ManualClock;
let app: FastifyInstance;
let purgeCache: Opened<PurgeCache>;
let pools = 0;

/** As in a process of its own, with its own signal. */
const open = (db: Database, changed = localSignal()): Opened<PurgeCache> =>
  opened(createPurgeCache({ db, clock, log: silentLog, changed }));

before(async () => {
  database = await testDatabase();
  clock = manualClock();
  purgeCache = open(database.db);
  app = served({ declarations: [purgeCacheDeclaration], services: { purgeCache } }, { clock });
});
after(async () => {
  await app.close();
  await database.drop();
});

interface Requests {
  readonly code?: string;
  readonly requests: { readonly cacheName: string; readonly before: string }[];
  readonly continuationToken?: string;
}

const ask = async (
  method: 'GET' | 'POST',
  path: string,
  { scopes = ['*'], body }: { scopes?: readonly string[]; body?: object } = {},
) => {
  const headers = { scopes: JSON.stringify(scopes) };
  const url = `/api/purge-cache/v1/purge-cache/${path}`;
  const reply = await app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
  return {
    status: reply.statusCode,
    text: reply.body,
    body: (reply.body === '' ? {} : JSON.parse(reply.body)) as Requests,
  };
};

const aPool = (): string => `prov/type-${++pools}`;
const purge = (pool: string, cacheName: string) => ask('POST', pool, { body: { cacheName } });
const namesFor = async (pool: string, query = ''): Promise<string[]> =>
  (await ask('GET', `${encodeURIComponent(pool)}${query}`)).body.requests.map(({ cacheName }) => cacheName);

describe('a request to purge a cache', () => {
  it('reaches the workers of its pool, with its time', async () => {
    const pool = aPool();
    assert.deepEqual((await ask('GET', pool)).body, { requests: [] });
    const { status, text } = await purge(pool, 'a cache: ü');
    assert.deepEqual([status, text], [204, '']);
    const [provisionerId, workerType] = pool.split('/');
    const before = clock.now().toJSON();
    assert.deepEqual((await ask('GET', encodeURIComponent(pool))).body, {
      requests: [{ provisionerId, workerType, cacheName: 'a cache: ü', before }],
    });
    assert.deepEqual(await namesFor(aPool()), []);
  });

  it('exists once for each cache, with the time of the last request', async () => {
    const pool = aPool();
    await purge(pool, 'one');
    clock.advance(seconds(5));
    await Promise.all([purge(pool, 'one'), purge(pool, 'two'), purge(pool, 'one')]);
    const { requests } = (await ask('GET', pool)).body;
    const before = clock.now().toJSON();
    assert.deepEqual(
      requests.map((request) => [request.cacheName, request.before]),
      [
        ['one', before],
        ['two', before],
      ],
    );
  });

  it('is left out for workers that have asked since', async () => {
    const pool = aPool();
    await purge(pool, 'early');
    clock.advance(seconds(60));
    const since = clock.now().toJSON();
    await purge(pool, 'late');
    assert.deepEqual(await namesFor(pool, `?since=${since}`), ['late']);
    assert.deepEqual(await namesFor(pool, `?since=${since.replace('Z', '%2B00:00')}`), ['late']);
    const written = encodeURIComponent(new Date(since).toString());
    assert.deepEqual(await namesFor(pool, `?since=${written}`), ['late']);
    assert.deepEqual(await namesFor(pool, '?since=2000-01-01'), ['early', 'late']);
    assert.deepEqual(await namesFor(pool), ['early', 'late']);
    for (const bad of ['yesterday', '', '2026-13-01', '2026-01-01T25:00:00Z']) {
      const { status, body } = await ask('GET', `${pool}?since=${bad}`);
      assert.deepEqual([status, body.code], [400, 'InvalidRequestArguments'], bad);
    }
  });

  it('is listed for a day, and then deleted', async () => {
    const pool = aPool();
    await purge(pool, 'a');
    clock.advance(days(1) - seconds(1));
    assert.deepEqual(await namesFor(pool), ['a']);
    clock.advance(seconds(10));
    assert.deepEqual(await namesFor(pool), []);
    assert.ok((await stepOf(purgeCache.loops)('expire-purge-requests')) > 0);
    const rows = await database.db`select cache_name from purge_requests where worker_pool_id = ${pool}`;
    assert.deepEqual(rows, []);
  });

  it('needs a pool, and a name that can be stored', async () => {
    assert.equal((await purge('no-pool', 'a')).body.code, 'InvalidRequestArguments');
    for (const bad of ['no-pool', 'a/b/c', '/a', 'a/', 'a.b/c', `${'a'.repeat(39)}/b`])
      assert.equal((await ask('GET', bad)).body.code, 'InvalidRequestArguments', bad);
    assert.equal((await purge('Any_Provisioner/Any-Worker_Type', 'a')).status, 204);
    assert.deepEqual(await namesFor('Any_Provisioner/Any-Worker_Type'), ['a']);
    const pool = aPool();
    assert.equal((await ask('POST', pool, { body: {} })).body.code, 'InputValidationError');
    assert.equal((await ask('POST', pool, { body: { cacheName: 1 } })).body.code, 'InputValidationError');
    assert.equal((await purge(pool, 'ü'.repeat(501))).body.code, 'InputError');
    assert.equal((await purge(pool, 'a\u0000')).body.code, 'InputError');
    assert.equal((await purge(pool, 'ü'.repeat(500))).status, 204);
  });

  it('and the lists of requests need scopes', async () => {
    const pool = aPool();
    const body = { cacheName: 'a' };
    for (const scopes of [[], [`purge-cache:${pool}:b`], [`purge-cache:purge-requests::${pool}`]])
      assert.equal((await ask('POST', pool, { body, scopes })).status, 403);
    assert.equal((await ask('POST', pool, { body, scopes: [`purge-cache:${pool}:a`] })).status, 204);
    for (const scopes of [[], [`purge-cache:purge-requests:${pool}`], ['purge-cache:all-purge-requests']])
      assert.equal((await ask('GET', pool, { scopes })).status, 403);
    assert.equal((await ask('GET', pool, { scopes: [`purge-cache:purge-requests::${pool}`] })).status, 200);
    assert.equal((await ask('GET', 'list', { scopes: ['purge-cache:purge-requests:*'] })).status, 403);
    assert.equal((await ask('GET', 'list', { scopes: ['purge-cache:all-purge-requests'] })).status, 200);
  });
});

describe('the list of all requests', () => {
  it('contains those of every pool, in pages', async () => {
    const [one, other] = [aPool(), aPool()];
    for (const pool of [other, one]) for (const name of ['b', 'a']) await purge(pool, name);
    const found: unknown[] = [];
    let query = '';
    do {
      const { body } = await ask('GET', `list?limit=1${query}`);
      assert.ok(body.requests.length <= 1);
      found.push(...body.requests);
      query = body.continuationToken ? `&continuationToken=${body.continuationToken}` : '';
    } while (query);
    const wanted = [one, other].flatMap((pool) =>
      ['a', 'b'].map((cacheName) => {
        const [provisionerId, workerType] = pool.split('/');
        return { provisionerId, workerType, cacheName, before: clock.now().toJSON() };
      }),
    );
    assert.deepEqual(found.slice(-wanted.length), wanted);
    assert.equal((await ask('GET', 'list?continuationToken=nonsense')).status, 400);
  });
});

describe('the requests in memory', () => {
  it('are read again when another process has a new request, and after ten seconds at the latest', async () => {
    const db = connect({ url: database.url });
    const changed = localSignal();
    const [woken, asleep] = [open(db, changed), open(db)];
    const pool = aPool();
    const names = async (by: Opened<PurgeCache>) =>
      (await by.requestsOf(pool)).requests.map(({ cacheName }) => cacheName);
    assert.deepEqual([await names(woken), await names(asleep)], [[], []]);
    await purge(pool, 'a');
    assert.deepEqual([await names(woken), await names(asleep)], [[], []]);
    changed.wake(['prov/another']);
    assert.deepEqual(await names(woken), []);
    changed.wake([pool]);
    assert.deepEqual([await names(woken), await names(asleep)], [['a'], []]);
    clock.advance(seconds(10));
    assert.deepEqual(await names(asleep), ['a']);
    await purge(pool, 'b');
    // The ids of changed pools are left out when there are many.
    changed.wake();
    assert.deepEqual(await names(woken), ['a', 'b']);
    await db.close();
  });

  it('are read again after a failed read', async () => {
    const db = connect({ url: database.url });
    let isBroken = true;
    const broken = ((...asked: Parameters<Database>) =>
      isBroken ? Promise.reject(new Error('broken')) : db(...asked)) as Database;
    const of = open(Object.assign(broken, db));
    const pool = aPool();
    await assert.rejects(of.requestsOf(pool), /broken/);
    isBroken = false;
    assert.deepEqual(await of.requestsOf(pool), { requests: [] });
    await db.close();
  });
});
