import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually, within } from '@taskyard/patience';
import { type Database, days, minutes, seconds, slugid } from '../../base/index.ts';
import { anybody, aTask, type TestQueue, testQueue } from '../testing.ts';

let t: TestQueue;
before(async () => {
  t = await testQueue();
});
after(() => t.close());

const taskQueueId = 'prov/type';
const worker = { workerGroup: 'hall', workerId: 'one' };

/** A run that the worker holds. */
const aRun = async () => {
  const taskId = slugid();
  await t.queue.createTasks.one({ taskId, request: aTask(t.clock.now()), authorize: anybody });
  await t.queue.claimRuns.one({ taskId, runId: 0, worker, authorize: anybody });
  return { taskId, runId: 0 };
};
type Run = Awaited<ReturnType<typeof aRun>>;

const ask = (runs: readonly Run[], { queue = t.queue, gone = new AbortController().signal } = {}) =>
  queue.awaitLostRuns({ taskQueueId, worker, runs, gone });
const cancel = ({ taskId }: Run) => t.queue.cancelTasks.one({ taskId, authorize: anybody });

/** A call that waits: whether it has an answer, and the answer. */
const waiting = (runs: readonly Run[]) => {
  const call = { isAnswered: false, answer: ask(runs) };
  void call.answer.then(() => {
    call.isAnswered = true;
  });
  return call;
};

describe('awaitLostRuns', () => {
  it('answers as soon as a task is canceled, with its run alone', async () => {
    const [one, other] = [await aRun(), await aRun()];
    const call = waiting([one, other]);
    const early = await aRun();
    assert.equal(call.isAnswered, false);
    await cancel(early);
    await cancel(other);
    assert.deepEqual(await within('the answer', call.answer), [other]);
  });

  it('answers at once for runs that were lost before, or that are held by others, or by nobody', async () => {
    const [canceled, held] = [await aRun(), await aRun()];
    await cancel(canceled);
    const foreign = slugid();
    await t.queue.createTasks.one({ taskId: foreign, request: aTask(t.clock.now()), authorize: anybody });
    const others = { workerGroup: 'hall', workerId: 'two' };
    await t.queue.claimRuns.one({ taskId: foreign, runId: 0, worker: others, authorize: anybody });
    const absent = { taskId: slugid(), runId: 0 };
    const laterRun = { taskId: held.taskId, runId: 1 };
    const asked = [canceled, held, { taskId: foreign, runId: 0 }, absent, laterRun];
    assert.deepEqual(await within('the answer', ask(asked)), [canceled, asked[2], absent, laterRun]);
  });

  it('answers when a task is past its deadline, and when a claim has expired', async () => {
    const call = waiting([await aRun()]);
    const [run] = [await aRun()];
    const expired = waiting([run]);
    t.clock.advance(minutes(21));
    // The wait of the calls is over by this clock as well: each is asked again.
    assert.deepEqual([await call.answer, await expired.answer], [[], []]);
    const again = ask([run]);
    while ((await t.step('expire-claims')) > 0);
    assert.deepEqual(await within('the answer', again), [run]);
    const late = await aRun();
    const overdue = ask([late]);
    await t.queue.reclaimRuns.one(late);
    assert.deepEqual(await within('no answer in time', timeUp(overdue)), []);
    t.clock.advance(days(1));
    const ended = ask([late]);
    while ((await t.step('end-past-deadline')) > 0);
    assert.deepEqual(await within('the answer', ended), [late]);
  });

  it('shows what another process took away by the next call at the latest', async () => {
    const run = await aRun();
    const { queue } = t.another();
    const call = ask([run], { queue });
    await cancel(run);
    // Signals of this test reach only their own process. What was missed shows when the worker asks again.
    assert.deepEqual(await timeUp(call), []);
    assert.deepEqual(await within('the answer', ask([run], { queue })), [run]);
  });

  it('reads the runs of the worker again that has lost one, and no others', async () => {
    let read: unknown[] = [];
    const watched = (db: Database): Database =>
      Object.assign((...statement: Parameters<Database>) => {
        if (Array.isArray(statement[1])) read.push(...statement[1]);
        return db(...statement);
      }, db) as Database;
    const { queue } = t.another(watched);
    const [mine, theirs] = [await aRun(), slugid()];
    await t.queue.createTasks.one({ taskId: theirs, request: aTask(t.clock.now()), authorize: anybody });
    const other = { workerGroup: 'hall', workerId: 'two' };
    await t.queue.claimRuns.one({ taskId: theirs, runId: 0, worker: other, authorize: anybody });
    const gone = new AbortController();
    const waits = queue.awaitLostRuns({
      taskQueueId,
      worker: other,
      runs: [{ taskId: theirs, runId: 0 }],
      gone: gone.signal,
    });
    await eventually('the first look', () => read.includes(theirs));
    const call = ask([mine], { queue });
    await eventually('the look at the other call', () => read.includes(mine.taskId));
    read = [];
    await queue.cancelTasks.one({ taskId: mine.taskId, authorize: anybody });
    assert.deepEqual(await within('the answer', call), [mine]);
    assert.deepEqual(read, [mine.taskId]);
    gone.abort();
    assert.deepEqual(await waits, []);
  });

  it('does not answer for runs that their worker reports', async () => {
    const [reported, excepted] = [await aRun(), await aRun()];
    const call = waiting([reported, excepted]);
    await t.queue.resolveRuns.one({ ...reported, end: 'completed' });
    await t.queue.resolveRuns.one({ ...excepted, end: 'exception', reason: 'worker-shutdown' });
    const witness = await aRun();
    const seen = waiting([witness]);
    await cancel(witness);
    assert.deepEqual(await within('the answer of another call', seen.answer), [witness]);
    assert.equal(call.isAnswered, false);
    assert.deepEqual(await timeUp(call.answer), []);
  });

  it('ends when the caller disconnects, and when the process ends', async () => {
    const run = await aRun();
    const gone = new AbortController();
    const call = ask([run], { gone: gone.signal });
    gone.abort();
    assert.deepEqual(await within('the answer', call), []);
    const { queue } = t.another();
    const waits = ask([run], { queue });
    await queue.drain();
    assert.deepEqual(await within('the answer', waits), []);
    assert.deepEqual(await within('an answer without a wait', ask([run], { queue })), []);
  });
});

/** The answer of a call whose time is made to be up. */
const timeUp = async (call: Promise<unknown>): Promise<unknown> => {
  t.clock.advance(seconds(20));
  return within('the end of the wait', call);
};
