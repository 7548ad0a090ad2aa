import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import {
  connect,
  type Database,
  manualClock,
  type Sql,
  seconds,
  sharedSignals,
  silentLog,
  slugid,
  systemClock,
} from '../../base/index.ts';
import {
  heldTransaction,
  type Opened,
  opened,
  queueAlone,
  type TestDatabase,
  testDatabase,
} from '../../testing/index.ts';
import { createQueue, type FilledTaskRequest, type Queue, type TaskStatus } from '../index.ts';
import { anybody, aTask, claimLockings } from '../testing.ts';

const clock = manualClock();
let test: TestDatabase;
before(async () => {
  test = await testDatabase();
});

interface ProcessOptions {
  readonly isDeaf?: boolean;
  readonly change?: (db: Database) => Database;
  readonly claimLocking?: (typeof claimLockings)[number];
}

interface Process {
  readonly db: Database;
  readonly queue: Opened<Queue>;
  /** The announced places that have reached this process. */
  readonly heard: string[];
}

const processes: Process[] = [];
after(async () => {
  await Promise.all(processes.map(({ queue }) => queue.drain()));
  await Promise.all(processes.map(({ db }) => db.close()));
  await test.drop();
});

/** A process of the platform, with a pool of its own; one that is `deaf` gets and sends no announcements. */
const aProcess = async ({
  isDeaf = false,
  change = (db) => db,
  claimLocking = 'skip-locked',
}: ProcessOptions = {}): Promise<Process> => {
  const db = connect({ url: test.url });
  const alone = queueAlone();
  const names = ['placesTaken', 'pendingChanged'] as const;
  const onError = (error: unknown) => assert.fail(String(error));
  const signals = isDeaf
    ? { placesTaken: alone.placesTaken, pendingChanged: alone.pendingChanged }
    : await sharedSignals(db, names, { channel: 'heads', clock: systemClock, onError });
  const heard: string[] = [];
  signals.placesTaken.each((places) => heard.push(...places));
  const settings = { ...alone.settings, claimLocking };
  const queue = opened(
    createQueue({ db: change(db), clock, log: silentLog, ...alone, ...signals, settings }),
  );
  const process = { db, queue, heard };
  processes.push(process);
  return process;
};

let lines = 0;
/** A task queue that no other test uses. */
const aLine = () => {
  const workerType = `heads-${++lines}`;
  const taskQueueId = `prov/${workerType}`;
  return {
    taskQueueId,
    /** Creates tasks together, each a microsecond younger than the one before it. */
    create: async ({ queue }: Process, count: number, fields: Partial<FilledTaskRequest> = {}) => {
      clock.advance(1);
      const request = aTask(clock.now(), { workerType, ...fields });
      const taskIds = Array.from({ length: count }, () => slugid());
      await queue.createTasks.all(taskIds.map((taskId) => ({ taskId, request, authorize: anybody })));
      return taskIds;
    },
    claim: async ({ queue }: Process, count = 1, gone = new AbortController().signal) => {
      const worker = { workerGroup: 'hall', workerId: 'one' };
      const claims = await queue.claimWork({ taskQueueId, worker, count, gone });
      return claims.map((text) => (JSON.parse(text) as { status: TaskStatus }).status.taskId);
    },
    /** Until a process knows that this run is in line. */
    untilAnnounced: async ({ db, heard }: Process, taskId: string, before: number) => {
      await eventually('the run to be in line', async () => {
        const [row] = await db<{ position: number }>`select position from pending where task_id = ${taskId}`;
        return row !== undefined && heard.slice(before).includes(`${taskQueueId}@${row.position}`);
      });
    },
  };
};

/** Claims one by one until the process has read the head of the line several times. */
const claimMany = async (line: ReturnType<typeof aLine>, process: Process): Promise<string[]> => {
  const taken: string[] = [];
  for (let i = 0; i < 30; i++) taken.push(...(await line.claim(process)));
  return taken;
};

interface Sent {
  readonly strings: TemplateStringsArray;
  readonly values: readonly unknown[];
}

/** The database, with a note of each statement that has returned. */
const watched = (db: Database, sent: Sent[]): Database => {
  const through =
    (sql: Sql): Sql =>
    async (strings, ...values) => {
      const rows = await sql<never>(strings, ...values);
      sent.push({ strings, values });
      return rows;
    };
  const transaction: Database['transaction'] = (run) =>
    db.transaction((tx) => run(Object.assign(through(tx), tx)));
  return Object.assign(through(db), db, { transaction });
};

const literal = (value: unknown): string => {
  if (value instanceof Date) return `'${value.toJSON()}'`;
  return Array.isArray(value) ? `'{${value.join(',')}}'` : `'${String(value)}'`;
};

interface ExplainedPlan {
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
}

/** The pages that a statement touches when it is run once more; it is rolled back. */
const pagesOf = async (db: Database, { strings, values }: Sent): Promise<number> => {
  const sql = strings.reduce((text, part, i) => `${text}${literal(values[i - 1])}${part}`);
  const undone = new Error('undone');
  let pages = 0;
  const explained = db.transaction(async (tx) => {
    const text = `explain (analyze, buffers, format json) ${sql}`;
    const [row] = await tx<object>(Object.freeze([text]) as unknown as TemplateStringsArray);
    const [{ Plan: plan }] = JSON.parse(String(Object.values(row ?? {})[0])) as [{ Plan: ExplainedPlan }];
    pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    throw undone;
  });
  await assert.rejects(explained, undone);
  return pages;
};

const firstOf = (taskQueueId: string): Sent => {
  const text = `select task_id from pending where task_queue_id = '${taskQueueId}'
                 order by priority, position, task_id limit 1`;
  return { strings: [text] as unknown as TemplateStringsArray, values: [] };
};

describe('claims', () => {
  for (const claimLocking of claimLockings)
    it(`read no more pages while a session holds a snapshot that keeps the rows of claimed runs: ${claimLocking}`, async () => {
      const sent: Sent[] = [];
      const here = await aProcess({ claimLocking, change: (db) => watched(db, sent) });
      const line = aLine();
      await line.create(here, 700);
      const pagesOfLastTake = async () => {
        const take = sent.filter(({ strings }) => strings.join('').includes('limit wanted.count')).at(-1);
        assert.ok(take);
        return pagesOf(here.db, take);
      };
      await line.claim(here);
      const first = await pagesOfLastTake();
      const snapshot = await heldTransaction(here.db, async (tx) => {
        await tx`set transaction isolation level repeatable read`;
        await tx`select count(*) from pending`;
      });
      for (let i = 0; i < 18; i++) await line.claim(here, 32);
      for (let i = 0; i < 20; i++) await line.claim(here);
      const last = await pagesOfLastTake();
      const walk = await pagesOf(here.db, firstOf(line.taskQueueId));
      await snapshot.end();
      assert.ok(
        walk > 5 * first,
        `a walk from the first row of the line takes ${walk} pages: the rows are kept`,
      );
      assert.ok(last <= 1.5 * first, `${last} pages; ${first} at the beginning`);
    });
});

describe('a run that gets a place before others that were claimed is the next one', () => {
  it('when its transaction was committed late, in another process', async () => {
    let commit = (): void => {};
    const held = new Promise<void>((resolve) => {
      commit = resolve;
    });
    const slow = await aProcess({
      change: (db) => {
        const transaction: Database['transaction'] = (run) =>
          db.transaction(async (tx) => {
            const result = await run(tx);
            await held;
            return result;
          });
        const sql: Sql = (strings, ...values) => db(strings, ...values);
        return Object.assign(sql, db, { transaction });
      },
    });
    const here = await aProcess();
    const line = aLine();
    const creating = line.create(slow, 1);
    const later = await line.create(here, 40);
    assert.deepEqual(await claimMany(line, here), later.slice(0, 30));
    const before = here.heard.length;
    commit();
    const [early = ''] = await creating;
    await line.untilAnnounced(here, early, before);
    assert.deepEqual(await line.claim(here, 2), [early, later[30]]);
  });

  it('when another process gives it back', async () => {
    const [here, there] = [await aProcess(), await aProcess()];
    const line = aLine();
    const all = await line.create(here, 40);
    const leaving = new AbortController();
    const [first = ''] = await line.claim(there, 1, leaving.signal);
    assert.deepEqual(await claimMany(line, here), all.slice(1, 31));
    const before = here.heard.length;
    leaving.abort();
    await line.untilAnnounced(here, first, before);
    assert.deepEqual(await line.claim(here, 2), [first, all[31]]);
  });

  it('when the transaction that removed it was rolled back', async () => {
    const here = await aProcess();
    const line = aLine();
    const all = await line.create(here, 40);
    const failed = new Error('rolled back');
    let fail = (): void => {};
    const held = new Promise<never>((_, reject) => {
      fail = () => reject(failed);
    });
    let isRemoved = false;
    const removing = here.db.transaction(async (tx) => {
      await tx`delete from pending where task_id = ${all[0]}`;
      isRemoved = true;
      await held;
    });
    await eventually('the run to be removed', () => isRemoved);
    assert.deepEqual(await claimMany(line, here), all.slice(1, 31));
    fail();
    await assert.rejects(removing, failed);
    assert.deepEqual(await line.claim(here, 2), [all[0], all[31]]);
  });

  it('when it is more urgent', async () => {
    const here = await aProcess();
    const line = aLine();
    const all = await line.create(here, 40, { priority: 'low' });
    await claimMany(line, here);
    const [urgent] = await line.create(here, 1, { priority: 'high' });
    const [idle] = await line.create(here, 1, { priority: 'lowest' });
    assert.deepEqual(await line.claim(here, 12), [urgent, ...all.slice(30), idle]);
  });

  it('within two seconds when its announcement was lost', async () => {
    const sent: Sent[] = [];
    const here = await aProcess({ change: (db) => watched(db, sent) });
    const deaf = await aProcess({ isDeaf: true });
    const line = aLine();
    const [first = ''] = await line.create(here, 1);
    const others = await line.create(here, 40);
    const leaving = new AbortController();
    assert.deepEqual(await line.claim(deaf, 1, leaving.signal), [first]);
    await claimMany(line, here);
    leaving.abort();
    await eventually('the run to be in line', async () => {
      const rows = await here.db`select from pending where task_id = ${first}`;
      return rows.length === 1;
    });
    sent.length = 0;
    await eventually('a look behind the heads', () => {
      clock.advance(seconds(2));
      return sent.some(({ strings }) => strings.join('').includes('as hidden'));
    });
    assert.deepEqual(await line.claim(here, 2), [first, others[30]]);
  });
});
