import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Database, days, later, minutes } from '../base/index.ts';
import { type TestDatabase, testDatabase } from '../testing/index.ts';
import type { RunRef } from './schema.ts';
import { aRun, aWorker, processesOf } from './testing.ts';

let test: TestDatabase;
let aProcess: ReturnType<typeof processesOf>;
before(async () => {
  test = await testDatabase();
  aProcess = processesOf(test.db);
});
after(() => test.drop());

const notFound = { code: 'ResourceNotFound' };

describe('sightings', () => {
  it('a worker that was seen is known at once, and so are its task queue and provisioner', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    const run = aRun();
    await assert.rejects(workers.getWorker(params), notFound);
    await assert.rejects(workers.getTaskQueue(sighting.taskQueueId), notFound);
    await assert.rejects(workers.getWorkerType(params), notFound);
    await assert.rejects(workers.getProvisioner(params.provisionerId), notFound);

    workers.seeWorkers([{ ...sighting, claimed: [run] }]);
    const now = clock.now().toJSON();
    const expires = later(clock.now(), days(1)).toJSON();
    assert.deepEqual(await workers.getWorker(params), {
      ...params,
      taskQueueId: sighting.taskQueueId,
      recentTasks: [run],
      firstClaim: now,
      lastDateActive: now,
      expires,
      quarantineUntil: '1970-01-01T00:00:00.000Z',
      quarantineDetails: [],
    });
    const activity = { stability: 'experimental', description: '', expires, lastDateActive: now };
    const { provisionerId, workerType } = params;
    const { taskQueueId } = sighting;
    assert.deepEqual(await workers.getTaskQueue(taskQueueId), { taskQueueId, ...activity });
    assert.deepEqual(await workers.getWorkerType(params), {
      provisionerId,
      workerType,
      taskQueueId,
      ...activity,
    });
    assert.deepEqual(await workers.getProvisioner(provisionerId), { provisionerId, ...activity });
  });

  it('the last 20 runs are kept, the newest last, reported together or one by one', async () => {
    const { workers } = aProcess();
    const { params, sighting } = aWorker();
    const runs = Array.from({ length: 47 }, aRun);
    for (const run of runs.slice(0, 7)) {
      workers.seeWorkers([{ ...sighting, claimed: [run] }]);
      await workers.close();
    }
    for (const run of runs.slice(7, 20)) workers.seeWorkers([{ ...sighting, claimed: [run] }]);
    assert.deepEqual((await workers.getWorker(params)).recentTasks, runs.slice(0, 20));
    workers.seeWorkers([{ ...sighting, claimed: runs.slice(20, 22) }]);
    assert.deepEqual((await workers.getWorker(params)).recentTasks, runs.slice(2, 22));
    workers.seeWorkers([{ ...sighting, claimed: runs.slice(22) }]);
    assert.deepEqual((await workers.getWorker(params)).recentTasks, runs.slice(-20));
    assert.deepEqual((await workers.listWorkers(params)).workers[0]?.latestTask, runs.at(-1));
  });

  it('a claim that is reported twice is kept once', async () => {
    const { workers } = aProcess();
    const { params, sighting } = aWorker();
    const runs = [aRun(), aRun()];
    for (const claimed of [runs, runs, [runs[1] as RunRef]]) {
      workers.seeWorkers([{ ...sighting, claimed }]);
      await workers.close();
    }
    assert.deepEqual((await workers.getWorker(params)).recentTasks, runs);
  });

  it('a worker without a new claim is written at most every 30 minutes', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    const activeAt = async () => {
      workers.seeWorkers([sighting]);
      const { lastDateActive } = await workers.getWorker(params);
      const queue = await workers.getTaskQueue(sighting.taskQueueId);
      assert.equal(queue.lastDateActive, lastDateActive);
      return lastDateActive;
    };
    const first = clock.now().toJSON();
    assert.equal(await activeAt(), first);
    clock.advance(minutes(29));
    assert.equal(await activeAt(), first);
    clock.advance(minutes(1));
    assert.equal(await activeAt(), clock.now().toJSON());
    assert.equal((await workers.getWorker(params)).firstClaim, first);
  });

  it('a worker that comes after the clock was set back is written as often as any other', async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    workers.seeWorkers([aWorker().sighting]);
    clock.advance(-days(2));
    for (const passed of [0, minutes(30), minutes(30)]) {
      clock.advance(passed);
      workers.seeWorkers([sighting]);
      assert.equal((await workers.getWorker(params)).lastDateActive, clock.now().toJSON());
    }
  });

  it('a sighting that could not be written is written with the next one', async () => {
    let isBroken = true;
    const breakable = Object.assign((...statement: Parameters<Database>) => test.db(...statement), test.db, {
      transaction: ((run) =>
        isBroken ? Promise.reject(new Error('gone')) : test.db.transaction(run)) as Database['transaction'],
    }) as Database;
    const { workers } = aProcess({ db: breakable });
    const { params, sighting } = aWorker();
    workers.seeWorkers([sighting]);
    await assert.rejects(workers.getWorker(params), notFound);
    isBroken = false;
    workers.seeWorkers([sighting]);
    await workers.getWorker(params);
  });

  it('processes that see the same workers at once lose no claim', async () => {
    const processes = [aProcess(), aProcess(), aProcess()] as const;
    const seen = Array.from({ length: 10 }, () => ({ ...aWorker(), runs: [] as RunRef[] }));
    for (let round = 0; round < 6; round++) {
      for (const [i, { workers }] of processes.entries()) {
        const order = i === 1 ? [...seen].reverse() : seen;
        for (const { sighting, runs } of order) {
          const run = aRun();
          runs.push(run);
          workers.seeWorkers([{ ...sighting, claimed: [run] }]);
        }
      }
    }
    await Promise.all(processes.map(({ workers }) => workers.close()));
    for (const { params, runs } of seen) {
      const { recentTasks } = await processes[0].workers.getWorker(params);
      assert.deepEqual(recentTasks.map((run) => run.taskId).sort(), runs.map((run) => run.taskId).sort());
    }
  });
});
