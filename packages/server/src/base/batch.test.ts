import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { eventually } from '@taskyard/patience';
import { heldTransaction, type TestDatabase, testDatabase, untilBlocked } from '../testing/index.ts';
import { type Answer, type BaseContext, batched, batchedRead, settled, transact } from './batch.ts';
import { manualClock } from './clock.ts';
import type { Database, Sql, Transaction } from './database.ts';
import { BrokenTransaction } from './database-errors.ts';
import { RequestError } from './errors.ts';
import { silentLog } from './log.ts';

let test: TestDatabase;
let deps: BaseContext;
before(async () => {
  test = await testDatabase();
  await test.db`create table counters (name text primary key, value int not null default 0)`;
  await test.db`
    do $$ begin execute format('alter database %I set deadlock_timeout = ''20ms''', current_database()); end $$`;
  deps = { db: test.db, clock: manualClock(), log: silentLog };
});
after(() => test.drop());

const refusal = (text: string): RequestError => new RequestError('InputError', text);

/** A verb that records its batches; `run` produces the result of an item. */
const recorded = (run: (item: string, tx: Transaction) => Answer<string> | Promise<Answer<string>>) => {
  const batches: string[][] = [];
  const verb = async (tx: Transaction, items: readonly string[]): Promise<Answer<string>[]> => {
    batches.push([...items]);
    return Promise.all(items.map((item) => run(item, tx)));
  };
  return { batches, verb };
};
const upper = (item: string): string => item.toUpperCase();

/** A gate that a verb waits at until it is opened. */
const aGate = () => {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
};

describe('a batch', () => {
  it('holds the calls that arrived during the one before, in their order', async () => {
    const gate = aGate();
    const { batches, verb } = recorded(async (item) => {
      await gate.opened;
      return upper(item);
    });
    const { one } = batched(deps, 'upper', verb);
    const first = one('a');
    await eventually('the first batch', () => batches.length > 0);
    const others = ['b', 'c', 'd'].map((item) => one(item));
    gate.open();
    assert.deepEqual(await Promise.all([first, ...others]), ['A', 'B', 'C', 'D']);
    assert.deepEqual(batches, [['a'], ['b', 'c', 'd']]);
  });

  it('has at most the allowed number of items and bytes', async () => {
    const byNumber = recorded(upper);
    await batched(deps, 'upper', byNumber.verb, { rowsMax: 2 }).all(['a', 'b', 'c', 'd', 'e']);
    assert.deepEqual(byNumber.batches, [['a', 'b'], ['c', 'd'], ['e']]);
    const byWeight = recorded(upper);
    const limits = { bytesMax: 4, bytesOf: (item: string) => item.length };
    const answers = await batched(deps, 'upper', byWeight.verb, limits).all(['aa', 'bb', 'c', 'heavy!', 'd']);
    assert.deepEqual(answers, ['AA', 'BB', 'C', 'HEAVY!', 'D']);
    assert.deepEqual(byWeight.batches, [['aa', 'bb'], ['c'], ['heavy!'], ['d']]);
  });

  it('replies to each caller after the commit, and refuses only the items that the verb refuses', async () => {
    const { batches, verb } = recorded(async (item, tx) => {
      await tx`insert into counters (name) values (${item})`;
      return item === 'bad' ? refusal('no') : upper(item);
    });
    const { one } = batched(deps, 'insert', verb);
    const seen = one('good').then(async (value) => {
      assert.equal((await test.db`select 1 from counters where name = 'good'`).length, 1);
      return value;
    });
    const results = await Promise.allSettled([seen, one('bad'), one('fine')]);
    assert.deepEqual(
      results.map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code)),
      ['GOOD', 'InputError', 'FINE'],
    );
    assert.equal(batches.length, 1);
  });

  it('that fails as a whole is tried item by item: a bad item does not affect the others', async () => {
    const { batches, verb } = recorded(async (item, tx) => {
      await tx`insert into counters (name) values (${item === 'broken' ? null : item})`;
      return upper(item);
    });
    const { one } = batched(deps, 'insert', verb);
    const results = await Promise.allSettled(['x', 'broken', 'y'].map((item) => one(item)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(batches, [['x', 'broken', 'y'], ['x'], ['broken'], ['y']]);
    const rows = await test.db<{
      name: string;
    }>`select name from counters where name in ('x', 'y') order by 1`;
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['x', 'y'],
    );
    assert.equal(await one('z'), 'Z', 'those that come later are served');
  });

  it('survives an item whose size cannot be computed, and a missing result', async () => {
    const bytesOf = (item: string): number => {
      if (item === 'odd') throw new Error('this has no weight');
      return item.length;
    };
    const weighed = batched(deps, 'weighed', recorded(upper).verb, { bytesOf });
    const outcomes = await Promise.allSettled(['a', 'odd', 'b'].map(weighed.one));
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    const forgetful = batched(deps, 'forgetful', async (_tx, items: readonly string[]) => items.slice(1));
    await assert.rejects(forgetful.one('a'), /1 items gave 0 answers/);
    await assert.rejects(forgetful.one('a'), /1 items gave 0 answers/);
  });
  it('fails its calls when its turn cannot be taken, and runs the next batch', async () => {
    let turns = 0;
    const take = async (): Promise<() => void> => {
      if (turns++ === 0) throw new Error('no turn');
      return () => {};
    };
    const waiting = batched(
      { ...deps, turns: { take, isTaken: () => false } },
      'turns',
      recorded(upper).verb,
    );
    await assert.rejects(waiting.one('a'), /no turn/);
    assert.equal(await waiting.one('b'), 'B');
  });
  it('that only reads does not wait for the turn of writers', async () => {
    const take = (): Promise<() => void> => assert.fail('a read took a turn');
    const context = { ...deps, turns: { take, isTaken: () => true } };
    const reading = batchedRead(context, 'reading', async (_sql, items: readonly string[]) => [...items]);
    assert.equal(await reading.one('a'), 'a');
  });
  it('whose commit may have been lost fails for all callers and is not repeated', async () => {
    const { batches, verb } = recorded(upper);
    const transaction: Database['transaction'] = async (run) => {
      await test.db.transaction(run);
      throw new BrokenTransaction(new Error('gone'), 'unknown');
    };
    const sql: Sql = (strings, ...values) => test.db(strings, ...values);
    const db = Object.assign(sql, test.db, { transaction });
    const { one } = batched({ ...deps, db }, 'broken', verb);
    const results = await Promise.allSettled(['a', 'b'].map((item) => one(item)));
    assert.deepEqual(
      results.map((result) => result.status === 'rejected' && (result.reason as BrokenTransaction).effect),
      ['unknown', 'unknown'],
    );
    assert.deepEqual(batches, [['a', 'b']]);
  });

  it('whose connection broke before the commit is repeated as a whole', async () => {
    let isBroken = false;
    const { batches, verb } = recorded((item) => {
      if (isBroken) return upper(item);
      isBroken = true;
      throw new BrokenTransaction(new Error('gone'), 'none');
    });
    const { one } = batched(deps, 'mended', verb);
    assert.deepEqual(await Promise.all(['a', 'b'].map((item) => one(item))), ['A', 'B']);
    assert.deepEqual(batches, [
      ['a', 'b'],
      ['a', 'b'],
    ]);
  });

  it('has the time of its transaction', async () => {
    const clock = manualClock(new Date('2026-08-01T00:00:00Z'));
    const { one } = batched({ ...deps, clock }, 'time', async (_, items: readonly string[], { now }) =>
      items.map(() => now.toJSON()),
    );
    assert.equal(await one('x'), '2026-08-01T00:00:00.000Z');
    clock.advance(1000);
    assert.equal(await one('x'), '2026-08-01T00:00:01.000Z');
  });

  it('of reads needs no transaction', async () => {
    const { one } = batchedRead(deps, 'read', async (db, names: readonly string[]) => {
      const rows = await db<{ name: string }>`select unnest(${names}::text[]) as name`;
      return rows.map(({ name }) => (name === 'bad' ? refusal('no') : upper(name)));
    });
    const results = await Promise.allSettled([one('a'), one('bad'), one('b')]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });
});

describe('all', () => {
  it('returns values and refusals in order', async () => {
    const { verb } = recorded((item) => (item === 'bad' ? refusal('no') : upper(item)));
    const answers = await batched(deps, 'upper', verb).all(['a', 'bad', 'b']);
    assert.deepEqual(
      answers.map((answer) => (answer instanceof RequestError ? answer.code : answer)),
      ['A', 'InputError', 'B'],
    );
    assert.throws(() => settled(answers[1] as Answer<string>), { code: 'InputError' });
    assert.equal(settled(answers[0] as Answer<string>), 'A');
    assert.deepEqual(await batched(deps, 'upper', verb).all([]), []);
  });
});

describe('a deadlock', () => {
  const increment = (tx: Transaction, name: string) =>
    tx`update counters set value = value + 1 where name = ${name}`;

  it('is repeated until it works, and nothing happens twice', async () => {
    await test.db`insert into counters (name) values ('one'), ('two')`;
    const lock = await heldTransaction(
      test.db,
      (tx) => tx`select 1 from counters where name = 'one' for update`,
    );
    let attempts = 0;
    const forwards = transact(deps, async (tx) => {
      attempts++;
      await increment(tx, 'one');
      await increment(tx, 'two');
    });
    await untilBlocked(test.db, 1);
    const backwards = transact(deps, async (tx) => {
      attempts++;
      await increment(tx, 'two');
      await increment(tx, 'one');
    });
    await untilBlocked(test.db, 2);
    await lock.end();
    await Promise.all([forwards, backwards]);
    assert.ok(attempts > 2, 'PostgreSQL ended one of the two');
    const rows = await test.db<{ value: number }>`select value from counters where name in ('one', 'two')`;
    assert.deepEqual(rows, [{ value: 2 }, { value: 2 }]);
  });

  const failing = (code: string, times: number) => {
    let attempts = 0;
    const run = transact(deps, async () => {
      if (++attempts <= times) throw Object.assign(new Error('given up'), { code });
      return attempts;
    });
    return run.catch((error: { code: string }) => `${error.code} after ${attempts}`);
  };
  it('that persists fails after some attempts; other errors fail at once', async () => {
    assert.equal(await failing('40001', 4), 5);
    assert.equal(await failing('40P01', 100), '40P01 after 5');
    assert.equal(await failing('23505', 1), '23505 after 1');
  });
});
