import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { BrokenTransaction, type Database, type Sql, seconds, slugid } from '../../base/index.ts';
import { heldTransaction, type Opened, untilBlocked } from '../../testing/index.ts';
import type { Queue, TaskStatus } from '../index.ts';
import { anybody, aTask, claimLockings, type TestQueue, testQueue } from '../testing.ts';

for (const claimLocking of claimLockings)
  describe(`claims: ${claimLocking}`, () => {
    let t: TestQueue;
    before(async () => {
      t = await testQueue({ claimLocking });
    });
    after(() => t.close());

    const worker = { workerGroup: 'hall', workerId: 'one' };
    /** A caller that never disconnects. A fresh signal per call, so listeners do not pile up. */
    const here = (): AbortSignal => new AbortController().signal;

    let queues = 0;
    /** A task queue that no other test uses, with functions for it. */
    const aLine = (queue: Opened<Queue> = t.queue) => {
      const workerType = `line-${++queues}`;
      const taskQueueId = `prov/${workerType}`;
      return {
        taskQueueId,
        createTask: async (
          fields: Parameters<typeof aTask>[1] = {},
          by: Opened<Queue> = queue,
        ): Promise<string> => {
          const taskId = slugid();
          const request = aTask(t.clock.now(), { workerType, ...fields });
          await by.createTasks.one({ taskId, request, authorize: anybody });
          return taskId;
        },
        claim: (count = 1, gone: AbortSignal = here(), workerId = 'one'): Promise<string[]> =>
          queue
            .claimWork({ taskQueueId, worker: { ...worker, workerId }, count, gone })
            .then((claims) =>
              claims.map((text) => (JSON.parse(text) as { status: TaskStatus }).status.taskId),
            ),
      };
    };

    const statusOf = async (taskId: string): Promise<TaskStatus> =>
      JSON.parse(await t.queue.readStatuses.one(taskId)) as TaskStatus;

    const lockTask = (taskId: string) =>
      heldTransaction(t.db, (tx) => tx`select task_id from task_status where task_id = ${taskId} for update`);

    describe('claimWork', () => {
      it('returns pending runs at once: the most urgent first, then the oldest', async () => {
        const line = aLine();
        const old = await line.createTask();
        t.clock.advance(1);
        const young = await line.createTask();
        const urgent = await line.createTask({ priority: 'high' });
        assert.deepEqual(await line.claim(2), [urgent, old]);
        assert.deepEqual(await line.claim(2), [young]);
      });

      it('waits until runs become pending, and returns what there is', async () => {
        const line = aLine();
        const waiting = line.claim(4);
        const taskId = await line.createTask();
        assert.deepEqual(await waiting, [taskId]);
      });

      it('spreads a burst over all waiting workers', async () => {
        const line = aLine();
        const waiting = ['a', 'b', 'c'].map((workerId) => line.claim(2, here(), workerId));
        await t.queue.createTasks.all(
          [1, 2, 3].map(() => ({
            taskId: slugid(),
            request: aTask(t.clock.now(), { workerType: line.taskQueueId.split('/')[1] as string }),
            authorize: anybody,
          })),
        );
        assert.deepEqual(
          (await Promise.all(waiting)).map((tasks) => tasks.length),
          [1, 1, 1],
        );
      });

      it('returns nothing when the time is up, and at once when the queue closes', async () => {
        const { queue } = t.another();
        const line = aLine(queue);
        const waiting = line.claim();
        t.clock.advance(seconds(20));
        assert.deepEqual(await waiting, []);
        const others = [line.claim(), line.claim()];
        await queue.drain();
        assert.deepEqual(await Promise.all(others), [[], []]);
        assert.deepEqual(await line.claim(), []);
      });

      it('gives nothing to a caller that has disconnected', async () => {
        const line = aLine();
        const leaving = new AbortController();
        const waiting = line.claim(1, leaving.signal);
        leaving.abort();
        assert.deepEqual(await waiting, []);
        const taskId = await line.createTask();
        assert.deepEqual(await line.claim(), [taskId]);
      });

      it('finds within two seconds what another process made pending, even if the wake-up was lost', async () => {
        const line = aLine();
        const waiting = line.claim();
        let answer: string[] | undefined;
        void waiting.then((claims) => {
          answer = claims;
        });
        const taskId = await line.createTask({}, t.another().queue);
        // Each round is a look; the first ones may come before the first look of the claim is over.
        for (let round = 0; round < 9 && !answer; round++) {
          t.clock.advance(seconds(2));
          await t.db`select 1`;
          await t.db`select 1`;
        }
        assert.deepEqual(await waiting, [taskId]);
      });
    });

    /** A claim that is being taken while the caller's wait ends; `endWait` is how. */
    const takenTooLate = async (endWait: (queue: Opened<Queue>, caller: AbortController) => void) => {
      const { queue } = t.another();
      const line = aLine(queue);
      const taskId = await line.createTask();
      const lock = await lockTask(taskId);
      const caller = new AbortController();
      const waiting = line.claim(1, caller.signal);
      await untilBlocked(t.db, 1);
      endWait(queue, caller);
      assert.deepEqual(await waiting, []);
      await lock.end();
      // Waits until the claim is written; the queue then gives it back before it is closed.
      await (await lockTask(taskId)).end();
      await queue.drain();
      return taskId;
    };

    describe('a claim that is taken too late is given back', () => {
      const cases = {
        'when the caller has gone': (_: Opened<Queue>, caller: AbortController) => caller.abort(),
        'when the time was up': () => t.clock.advance(seconds(20)),
        'when the queue closed': (queue: Opened<Queue>) => void queue.drain(),
      };
      for (const [name, endWait] of Object.entries(cases)) {
        it(name, async () => {
          const taskId = await takenTooLate(endWait);
          const { state, runs, retriesLeft } = await statusOf(taskId);
          assert.deepEqual([state, runs.length, retriesLeft], ['pending', 1, 5]);
          const rows = await t.db`select run_id from pending where task_id = ${taskId}`;
          assert.equal(rows.length, 1);
        });
      }
    });

    /** The database, with some transactions that fail before they begin. */
    const failing = (db: Database, times: number): Database => {
      let failures = 0;
      const transaction: Database['transaction'] = (run) =>
        failures++ < times ? Promise.reject(new Error('The connection broke.')) : db.transaction(run);
      const sql: Sql = (strings, ...values) => db(strings, ...values);
      return Object.assign(sql, db, { transaction });
    };

    it('a failed look is repeated within two seconds', async () => {
      const { queue } = t.another((db) => failing(db, 1));
      const line = aLine(queue);
      const taskId = await line.createTask({}, t.queue);
      const waiting = line.claim();
      await new Promise((resolve) => setImmediate(resolve));
      t.clock.advance(seconds(2));
      assert.deepEqual(await waiting, [taskId]);
    });

    it('a run whose claim was undone returns to its earlier place in line', async () => {
      const line = aLine();
      const old = await line.createTask();
      t.clock.advance(1);
      const young = await line.createTask();
      const leaving = new AbortController();
      assert.deepEqual(await line.claim(1, leaving.signal), [old]);
      t.clock.advance(1);
      // Disconnected before the reply was sent.
      leaving.abort();
      await untilPending(old);
      assert.deepEqual(await line.claim(2), [old, young]);
    });

    const untilPending = (taskId: string) =>
      eventually(
        'the run to be pending again',
        () => statusOf(taskId),
        ({ state }) => state === 'pending',
      );

    describe('claims of a transaction whose end is unknown', () => {
      /** The database, whose first transaction that takes runs breaks, before or after its commit. */
      const broken =
        (cut: { committed: boolean; after?: () => void }) =>
        (db: Database): Database => {
          let isBroken = false;
          const transaction: Database['transaction'] = async (run) => {
            if (isBroken) return db.transaction(run);
            isBroken = true;
            const failure = new BrokenTransaction(new Error('Connection terminated'), 'unknown');
            await db.transaction(async (tx) => {
              await run(tx);
              if (!cut.committed) throw failure;
            });
            cut.after?.();
            throw failure;
          };
          const sql: Sql = (strings, ...values) => db(strings, ...values);
          return Object.assign(sql, db, { transaction });
        };
      const outcomeOf = async (taskId: string) => {
        const messages = (await t.messages()).filter(({ routingKey }) => routingKey.includes(taskId));
        const { state, runs } = await statusOf(taskId);
        return [state, runs.length, messages.filter(({ exchange }) => /task-running/.test(exchange)).length];
      };

      it('reach the waiting callers once it is known that they were committed', async () => {
        const { queue } = t.another(broken({ committed: true }));
        const line = aLine(queue);
        const taskId = await line.createTask({}, t.queue);
        assert.deepEqual(await line.claim(), [taskId]);
        assert.deepEqual(await outcomeOf(taskId), ['running', 1, 1]);
      });

      it('are given back when no caller waits any more', async () => {
        const leaving = new AbortController();
        const { queue } = t.another(broken({ committed: true, after: () => leaving.abort() }));
        const line = aLine(queue);
        const taskId = await line.createTask({}, t.queue);
        assert.deepEqual(await line.claim(1, leaving.signal), []);
        await queue.drain();
        assert.deepEqual(await outcomeOf(taskId), ['pending', 1, 1]);
      });

      it('are not reported when it was rolled back', async () => {
        const { queue } = t.another(broken({ committed: false }));
        const line = aLine(queue);
        const taskId = await line.createTask({}, t.queue);
        const waiting = line.claim();
        let answer: string[] | undefined;
        void waiting.then((claims) => {
          answer = claims;
        });
        // The look that failed is repeated within two seconds.
        // Its time is slow beside the database's, so that the call does not end for lack of time.
        for (let i = 0; !answer; i++) {
          if (i % 25 === 0) t.clock.advance(seconds(0.1));
          await t.db`select 1`;
        }
        assert.deepEqual(answer, [taskId]);
        assert.deepEqual(await outcomeOf(taskId), ['running', 1, 1]);
      });
    });

    it('what others took between a look and the claim is looked for again', async () => {
      const line = aLine();
      const [first, second, third] = [
        await line.createTask(),
        await line.createTask(),
        await line.createTask(),
      ];
      // Another worker is taking the head of the line.
      const lock = await heldTransaction(
        t.db,
        (tx) => tx`delete from pending where task_id = any(${[first, second]}::text[])`,
      );
      const claimed = line.claim(2);
      if (claimLocking === 'guarded-delete') await untilBlocked(t.db, 1);
      else assert.deepEqual(await claimed, [third]);
      await lock.end();
      assert.deepEqual(await claimed, [third]);
    });
  });
