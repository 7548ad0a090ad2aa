import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { days, hours, later, localSignal, runLoops, silentLog } from '../base/index.ts';
import { stepOf, type TestDatabase, testDatabase } from '../testing/index.ts';
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

describe('quarantine', () => {
  const aQuarantine = async () => {
    const { clock, workers } = aProcess();
    const { params, sighting } = aWorker();
    workers.seeWorkers([sighting]);
    const { taskQueueId, workerGroup, workerId } = sighting;
    return {
      clock,
      workers,
      params,
      order: (ms: number, quarantineInfo?: string) =>
        workers.quarantineWorker({
          ...params,
          quarantineUntil: later(clock.now(), ms).toJSON(),
          ...(quarantineInfo === undefined ? {} : { quarantineInfo }),
          clientId: 'operator',
        }),
      endsAt: () => workers.quarantinedUntil(taskQueueId, workerGroup, workerId),
    };
  };

  it('takes effect at once in this process, and ends when its date passes', async () => {
    const { clock, order, endsAt } = await aQuarantine();
    assert.equal(endsAt(), undefined);
    await order(hours(1));
    assert.deepEqual(endsAt(), later(clock.now(), hours(1)));
    clock.advance(hours(1));
    assert.equal(endsAt(), undefined);
  });

  it('is ended by a date in the past', async () => {
    const { order, endsAt, workers, params } = await aQuarantine();
    await order(hours(1));
    const ended = await order(-1);
    assert.equal(endsAt(), undefined);
    assert.deepEqual(await workers.getWorker(params), ended);
    assert.deepEqual((await workers.listWorkers({ ...params, quarantined: true })).workers, []);
  });

  it('keeps a history, which contains an order that was sent twice only once', async () => {
    const { clock, order, workers, params } = await aQuarantine();
    const start = clock.now();
    const quarantineUntil = later(start, hours(1)).toJSON();
    await order(hours(1), 'broken \0 disk \ud800');
    const first = await workers.getWorker(params);
    assert.deepEqual(await order(hours(1), 'broken \0 disk \ud800'), first);
    clock.advance(1000);
    const { quarantineDetails } = await order(-1000);
    assert.deepEqual(quarantineDetails, [
      {
        clientId: 'operator',
        updatedAt: start.toJSON(),
        quarantineUntil,
        quarantineInfo: 'broken \ufffd disk \ufffd',
      },
      {
        clientId: 'operator',
        updatedAt: clock.now().toJSON(),
        quarantineUntil: start.toJSON(),
        quarantineInfo: '',
      },
    ]);
  });

  it('keeps the latest hundred orders', async () => {
    const { order } = await aQuarantine();
    for (let i = 0; i < 101; i++) await order(hours(1), `order ${i}`);
    const { quarantineDetails = [] } = await order(hours(1), 'the last one');
    assert.equal(quarantineDetails.length, 100);
    assert.equal(quarantineDetails[0]?.quarantineInfo, 'order 2');
    assert.equal(quarantineDetails.at(-1)?.quarantineInfo, 'the last one');
  });

  it('keeps the record of the worker for at least a day, and while it lasts', async () => {
    const { clock, order, workers, params } = await aQuarantine();
    clock.advance(hours(12));
    const quarantined = await order(days(3));
    assert.equal(quarantined.expires, later(clock.now(), days(1)).toJSON());
    clock.advance(days(2));
    assert.deepEqual(await workers.getWorker(params), quarantined);
    await stepOf(workers.loops)('expire-workers');
    assert.equal((await workers.listWorkers(params)).workers.length, 1);
    clock.advance(days(1));
    await assert.rejects(workers.getWorker(params), notFound);
    await assert.rejects(order(hours(1)), notFound);
    assert.deepEqual((await workers.listWorkers(params)).workers, []);
  });

  it('is refused for a worker that was never seen, and for a date that does not exist', async () => {
    const { workers, params } = await aQuarantine();
    const order = { quarantineUntil: '2026-06-30T23:59:60Z', clientId: 'operator' };
    await assert.rejects(workers.quarantineWorker({ ...params, ...order }), inputError);
    const unseen = { ...params, workerId: 'unseen' };
    const valid = { ...order, quarantineUntil: '2026-06-30T00:00:00Z' };
    await assert.rejects(workers.quarantineWorker({ ...unseen, ...valid }), notFound);
  });

  it('reaches other processes when the signal wakes them, and a new process at its start', async () => {
    const { clock, order, params } = await aQuarantine();
    await order(hours(1));
    const { provisionerId, workerType, workerGroup, workerId } = params;
    const key = [`${provisionerId}/${workerType}`, workerGroup, workerId] as const;
    const quarantinesChanged = localSignal();
    const other = aProcess({ clock, quarantinesChanged }).workers;
    assert.equal(other.quarantinedUntil(...key), undefined);
    await other.start();
    assert.ok(other.quarantinedUntil(...key));

    await order(-1);
    assert.ok(other.quarantinedUntil(...key));
    const running = runLoops(other.loopsOfEachProcess, { clock, log: silentLog });
    await eventually('the end of the quarantine', () => !other.quarantinedUntil(...key));
    await order(hours(2));
    quarantinesChanged.wake();
    await eventually('the new quarantine', () => other.quarantinedUntil(...key));
    await running.stop();
  });

  it('a load does not undo an order that arrives during it', async () => {
    const { order, endsAt, workers } = await aQuarantine();
    for (let round = 1; round <= 20; round++) {
      await Promise.all([workers.start(), order(hours(round)), workers.start()]);
      assert.ok(endsAt());
      await Promise.all([workers.start(), order(-round), workers.start()]);
      assert.equal(endsAt(), undefined);
    }
  });
});
