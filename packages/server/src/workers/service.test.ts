import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { days, hours, later } from '../base/index.ts';
import { type TestDatabase, testDatabase } from '../testing/index.ts';
import { aWorker, processesOf } from './testing.ts';

let test: TestDatabase;
let aProcess: ReturnType<typeof processesOf>;
before(async () => {
  test = await testDatabase();
  aProcess = processesOf(test.db);
});
after(() => test.drop());

const notFound = { code: 'ResourceNotFound' };
const inputError = { code: 'InputError' };

describe('declaration', () => {
  it('makes a worker and its task queue known; a second one changes nothing', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    const expires = later(clock.now(), hours(5)).toJSON();
    const declared = await workers.declareWorker({ ...params, expires });
    assert.equal(declared.expires, expires);
    assert.deepEqual(declared.recentTasks, []);
    assert.deepEqual(await workers.declareWorker({ ...params, expires }), declared);
    assert.deepEqual(await workers.getWorker(params), declared);
    assert.equal((await workers.getTaskQueue(sighting.taskQueueId)).expires, expires);
  });

  it('never shortens the time for which a worker is known', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    workers.seeWorkers([sighting]);
    const { expires } = await workers.getWorker(params);
    const sooner = later(clock.now(), hours(1)).toJSON();
    assert.equal((await workers.declareWorker({ ...params, expires: sooner })).expires, expires);
    const longer = later(clock.now(), days(9)).toJSON();
    assert.equal((await workers.declareWorker({ ...params, expires: longer })).expires, longer);
  });

  it('is refused for an invalid task queue id, and for a date that does not exist', async () => {
    const { clock, workers } = aProcess();
    const expires = later(clock.now(), hours(1)).toJSON();
    await assert.rejects(
      workers.declareWorker({ ...aWorker({ workerType: 'Not_ours' }).params, expires }),
      inputError,
    );
    for (const date of ['2026-06-30T23:59:60Z', '0000-01-01T00:00:00Z']) {
      await assert.rejects(workers.declareWorker({ ...aWorker().params, expires: date }), inputError);
    }
  });
});

describe('listings', () => {
  it('show task queues in three views, in pages', async () => {
    const { workers } = aProcess();
    // The ids around these are neighbours in the order of bytes.
    const provisioners = ['pages', 'pages-1', 'pages0', 'pages_1'];
    const queues = provisioners.flatMap((provisionerId) =>
      ['a', 'b', 'c-1'].map((workerType) => aWorker({ provisionerId, workerType })),
    );
    workers.seeWorkers(queues.map(({ sighting }) => sighting));

    const all = await workers.listTaskQueues({});
    assert.equal(all.continuationToken, undefined);
    const ids = all.taskQueues.map((queue) => queue.taskQueueId);
    assert.deepEqual(
      ids.filter((id) => id.startsWith('pages')),
      queues.map(({ sighting }) => sighting.taskQueueId).sort(),
    );
    const paged = await pages((query) => workers.listTaskQueues(query), 5);
    assert.deepEqual(
      paged.flatMap((page) => page.taskQueues),
      all.taskQueues,
    );
    assert.equal(paged.length, Math.ceil(ids.length / 5));

    const types = await pages((query) => workers.listWorkerTypes({ provisionerId: 'pages', ...query }), 2);
    assert.deepEqual(
      types.map((page) => page.workerTypes.map((type) => type.taskQueueId)),
      [['pages/a', 'pages/b'], ['pages/c-1']],
    );

    const listed = await workers.listProvisioners({});
    const listedIds = listed.provisioners.map((provisioner) => provisioner.provisionerId);
    assert.deepEqual(
      listedIds.filter((id) => id.startsWith('pages')),
      [...provisioners].sort(),
    );
    const pagedIds = (await pages((query) => workers.listProvisioners(query), 3)).flatMap((page) =>
      page.provisioners.map((provisioner) => provisioner.provisionerId),
    );
    assert.deepEqual(pagedIds, listedIds);
  });

  it('a provisioner is as active as its most active task queue', async () => {
    const { clock, workers } = aProcess();
    const early = aWorker({ workerType: 'early' });
    const late = aWorker({ provisionerId: early.params.provisionerId, workerType: 'late' });
    workers.seeWorkers([early.sighting]);
    clock.advance(hours(3));
    workers.seeWorkers([late.sighting]);
    const provisioner = await workers.getProvisioner(early.params.provisionerId);
    assert.equal(provisioner.lastDateActive, clock.now().toJSON());
    assert.equal(provisioner.expires, later(clock.now(), days(1)).toJSON());
  });

  it('workers come in pages, all or by quarantine', async () => {
    const { clock, workers } = aProcess();
    const { params } = aWorker();
    const { provisionerId } = params;
    const ids = ['a', 'b', 'c', 'd', 'e'];
    const of = (workerId: string) => aWorker({ provisionerId, workerId });
    workers.seeWorkers(ids.map((id) => of(id).sighting));
    const quarantineUntil = later(clock.now(), hours(1)).toJSON();
    for (const id of ['b', 'd', 'e']) {
      const order = { quarantineUntil, clientId: 'operator' };
      await workers.quarantineWorker({ ...of(id).params, ...order });
    }
    const listed = async (quarantined?: boolean) =>
      (await pages((query) => workers.listWorkers({ ...params, ...query, quarantined }), 2)).map((page) =>
        page.workers.map((worker) => worker.workerId),
      );
    assert.deepEqual(await listed(), [['a', 'b'], ['c', 'd'], ['e']]);
    assert.deepEqual(await listed(true), [['b', 'd'], ['e']]);
    assert.deepEqual(await listed(false), [['a', 'c']]);
    const [a, b] = (await workers.listWorkers(params)).workers;
    assert.ok(a && !('quarantineUntil' in a) && !('latestTask' in a));
    assert.equal(b?.quarantineUntil, quarantineUntil);
    assert.deepEqual(await workers.listWorkers(aWorker().params), { workers: [] });
  });

  it('refuse tokens that they did not issue', async () => {
    const { workers } = aProcess();
    const { params } = aWorker();
    const tokens = [
      '%%%',
      ...[[], {}, ['\0'], [null, null, null]].map((key) =>
        Buffer.from(JSON.stringify(key)).toString('base64url'),
      ),
    ];
    for (const continuationToken of tokens) {
      const query = { continuationToken };
      await assert.rejects(workers.listTaskQueues(query), inputError);
      await assert.rejects(workers.listProvisioners(query), inputError);
      await assert.rejects(workers.listWorkerTypes({ provisionerId: 'p', ...query }), inputError);
      await assert.rejects(workers.listWorkers({ ...params, ...query }), inputError);
    }
  });
});

describe('expiry', () => {
  it('deletes what was not seen for a day, a bounded number at a time', async () => {
    const { clock, workers } = aProcess();
    const old = Array.from({ length: 5 }, () => aWorker());
    workers.seeWorkers(old.map(({ sighting }) => sighting));
    await workers.close();
    clock.advance(days(400));
    const { params, sighting } = aWorker();
    workers.seeWorkers([sighting]);
    await workers.close();

    for (const { step } of workers.loops) assert.equal(await step(3), 3);
    for (const { step } of workers.loops) {
      while ((await step(1000)) > 0);
      assert.equal(await step(1000), 0);
    }
    await workers.getWorker(params);
    await workers.getTaskQueue(sighting.taskQueueId);
    // A process whose clock is before their expiry would still see remaining records.
    const earlier = aProcess().workers;
    const left = await earlier.listTaskQueues({});
    assert.deepEqual(
      left.taskQueues.map((queue) => queue.taskQueueId),
      [sighting.taskQueueId],
    );
    for (const { params } of old) {
      assert.deepEqual(await earlier.listWorkers(params), { workers: [] });
    }
  });

  it('hides what has expired before it is deleted', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    workers.seeWorkers([sighting]);
    await workers.close();
    clock.advance(days(1));
    await assert.rejects(workers.getWorker(params), notFound);
    await assert.rejects(workers.getTaskQueue(sighting.taskQueueId), notFound);
    await assert.rejects(workers.getProvisioner(params.provisionerId), notFound);
    assert.deepEqual((await workers.listWorkers(params)).workers, []);
    assert.deepEqual((await workers.listWorkerTypes(params)).workerTypes, []);
  });
});

/** All pages of a listing. */
const pages = async <Page extends { continuationToken?: string }>(
  list: (query: { limit: number; continuationToken?: string | undefined }) => Promise<Page>,
  limit: number,
): Promise<Page[]> => {
  const found = [await list({ limit })];
  for (let token = found[0]?.continuationToken; token; token = found.at(-1)?.continuationToken) {
    found.push(await list({ limit, continuationToken: token }));
  }
  return found;
};
