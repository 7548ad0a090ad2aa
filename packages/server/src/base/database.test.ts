import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket, connect as toServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type TestDatabase, testDatabase, untilBlocked } from '../testing/index.ts';
import { connect, type Database, type Transaction, together } from './database.ts';
import { BrokenTransaction, isConnectionLoss, isTransient } from './database-errors.ts';

let test: TestDatabase;
let db: Database;
before(async () => {
  test = await testDatabase();
  db = test.db;
  await db`create table things (id int primary key, some_long_name text, json_text json, parsed jsonb)`;
});
after(() => test.drop());

const idsIn = async (sql: Database = db): Promise<number[]> => {
  const rows = await sql<{ id: number }>`select id from things order by id`;
  return rows.map(({ id }) => id);
};
const clear = () => db`delete from things`;

describe('rows', () => {
  it('have names in camel case, and the values that our types say', async () => {
    const when = new Date('2026-08-01T10:00:00.123Z');
    const [row] = await db`
      select 1 as plain, 'a' as two_words, ${when}::timestamptz as at_time, 9007199254740991::bigint as big_one,
             '{"a": 1 }'::json as as_text, '{"a": 1 }'::jsonb as as_value, null as nothing_here,
             ${['a', 'b "c"', '']}::text[] as some_words, ${[1, null]}::int[] as some_numbers, true as is_true`;
    assert.deepEqual(row, {
      plain: 1,
      twoWords: 'a',
      atTime: when,
      bigOne: Number.MAX_SAFE_INTEGER,
      asText: '{"a": 1 }',
      asValue: { a: 1 },
      nothingHere: null,
      someWords: ['a', 'b "c"', ''],
      someNumbers: [1, null],
      isTrue: true,
    });
  });

  it('give dates back to the millisecond, of any time of any year', async () => {
    const dates = [
      '1970-01-01T00:00:00.000Z',
      '2026-03-29T01:30:00.001Z',
      '2024-02-29T23:59:59.999Z',
      '9998-12-31T23:59:59.990Z',
    ].map((text) => new Date(text));
    const rows = await db<{ date: Date }>`select unnest(${dates}::timestamptz[]) as date`;
    assert.deepEqual(
      rows.map(({ date }) => date),
      dates,
    );
  });

  it('take values as they are, whatever characters they hold', async () => {
    const text = `'; drop table things; -- "\\ $1 ä 🎈`;
    const [row] = await db<{ text: string }>`select ${text}::text as text`;
    assert.equal(row?.text, text);
  });

  it('that PostgreSQL cannot store are refused as a mistake of their sender', async () => {
    const refused = [
      () => db`select ${'a\0b'}::text`,
      () => db`select ${['a', 'b\0']}::text[]`,
      () => db`select ${'{"a":"\\u0000"}'}::jsonb`,
      () => db`select ${2 ** 31}::int`,
      () => db`select ${'300000-01-01'}::timestamptz`,
      () => db`select ${'never'}::timestamptz`,
      () => db.transaction((tx) => tx`select ${'\0'}::text`),
    ];
    for (const statement of refused)
      await assert.rejects(statement, { code: 'InputError' }, String(statement));
  });
  it('of years that ISO 8601 writes differently are read as dates', async () => {
    const texts = ['0000-06-01T12:00:00.000Z', '+010000-01-01T00:00:00.000Z', '-000099-03-01T00:00:00.500Z'];
    for (const text of texts) {
      const before = ['0001-06-01 12:00:00+00 BC', '10000-01-01 00:00:00+00', '0100-03-01 00:00:00.5+00 BC'];
      const written = before[texts.indexOf(text)];
      const [row] = await test.db<{ at: Date }>`select ${written}::text::timestamptz as at`;
      assert.equal(row?.at.toJSON(), text);
    }
  });
  it('may be none', async () => {
    assert.deepEqual(await db`select id from things where false`, []);
    assert.deepEqual(await db`delete from things where false`, []);
  });
});

describe('lists of values', () => {
  const back = async (
    list: readonly unknown[],
    of: (values: readonly unknown[]) => Promise<{ list: unknown }[]>,
  ) => {
    const [row] = await of(list);
    return row?.list;
  };
  const never = new Date(8.64e15);
  const long = 'ä"\\{},🎈'.repeat(20_000);
  const cases: readonly [
    string,
    readonly unknown[],
    (values: readonly unknown[]) => Promise<{ list: unknown }[]>,
  ][] = [
    ['text', ['', 'a', 'NULL', 'a "b" \\ {c},d', 'ä🎈', null, long], (v) => db`select ${v}::text[] as list`],
    ['smallint', [0, -32768, 32767, null], (v) => db`select ${v}::smallint[] as list`],
    ['int', [0, -2147483648, 2147483647, null], (v) => db`select ${v}::int[] as list`],
    [
      'bigint',
      [0, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1],
      (v) => db`select to_jsonb(${v}::bigint[]) as list`,
    ],
    ['float8', [0, -0.1, 1e300, null], (v) => db`select ${v}::float8[] as list`],
    ['bool', [true, false, null], (v) => db`select ${v}::bool[] as list`],
    ['jsonb', ['{"a":"b \\" c"}', null], (v) => db`select to_jsonb(${v}::jsonb[]) as list`],
  ];
  for (const [type, list, of] of cases) {
    it(`of ${type} arrive as they are, and empty ones as well`, async () => {
      const expected = type === 'jsonb' ? [{ a: 'b " c' }, null] : list;
      assert.deepEqual(await back(list, of), expected);
      assert.deepEqual(await back([], of), []);
    });
  }

  it('of times arrive to the millisecond, those of rare years as well', async () => {
    const dates = [0, 1.5e12, -1, Date.UTC(1999, 11, 31, 23, 59, 59, 999)].map((ms) => new Date(ms));
    for (const list of [dates, [...dates, never], [new Date('-000099-03-01T00:00:00.500Z')]]) {
      const rows = await db<{ at: Date }>`select unnest(${list}::timestamptz[]) as at`;
      assert.deepEqual(
        rows.map(({ at }) => at),
        list,
      );
      const [row] = await db<{ at: Date }>`select ${list.at(-1)}::timestamptz as at`;
      assert.deepEqual(row?.at, list.at(-1));
    }
  });

  it('that do not fit their type are refused, whatever else the list holds', async () => {
    const refused = [
      () => db`select ${[1, 32768]}::smallint[]`,
      () => db`select ${[1, 0.5]}::int[]`,
      () => db`select ${[2 ** 31]}::int[]`,
      () => db`select ${['one']}::bigint[]`,
      () => db`select ${[new Date(Number.NaN)]}::timestamptz[]`,
    ];
    for (const statement of refused)
      await assert.rejects(statement, { code: 'InputError' }, String(statement));
  });
});

describe('statements that are sent together', () => {
  it('are passed over when one before them fails, and can be run again', async () => {
    const single = connect({ url: test.url, poolSizeMax: 1 });
    const insert = (sql: Transaction | Database, id: number) => sql`insert into things (id) values (${id})`;
    const divide = (sql: Transaction | Database, by: number) =>
      sql<{ n: number }>`select 6 / ${by}::int as n`;
    const attempt = (by: number) =>
      single.transaction((tx) => together(insert(tx, 1), divide(tx, by), insert(tx, 2), divide(tx, 1)));
    await assert.rejects(attempt(0), { code: '22012' });
    assert.deepEqual(await idsIn(single), []);
    const [, divided] = await attempt(2);
    assert.deepEqual(divided, [{ n: 3 }]);
    assert.deepEqual(await idsIn(single), [1, 2]);
    await single.close();
    await clear();
  });

  it('may be the same one, also while it is being prepared', async () => {
    const single = connect({ url: test.url, poolSizeMax: 1 });
    const numbers = await single.transaction(async (tx) => {
      const twice = (n: number) => tx<{ n: number }>`select ${n}::int * 2 as n`;
      const first = together(twice(1), twice(2));
      // Another message goes out before the first is answered.
      await new Promise(setImmediate);
      return [...(await together(twice(3), twice(4))), ...(await first)];
    });
    assert.deepEqual(numbers.flat(), [{ n: 6 }, { n: 8 }, { n: 2 }, { n: 4 }]);
    await single.close();
  });

  it('have no effect when the value of one cannot be written', async () => {
    const circle: { self?: unknown } = {};
    circle.self = circle;
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx`insert into things (id) values (1)`;
        tx.last(tx`insert into things (id, parsed) values (2, ${circle}::jsonb)`);
      }),
      /circular/,
    );
    assert.deepEqual(await idsIn(), []);
    await assert.rejects(db`select ${circle}::jsonb`, /circular/);
  });

  it('and fail while nobody waits for them do not keep their transaction open', async () => {
    const single = connect({ url: test.url, poolSizeMax: 1 });
    const thrown = new Error('changed my mind');
    await assert.rejects(
      single.transaction(async (tx) => {
        await tx`select 1`;
        void tx`select 6 / ${0}::int`.catch(() => {});
        throw thrown;
      }),
      thrown,
    );
    assert.deepEqual(await idsIn(single), []);
    await single.close();
  });

  it('outside of a transaction have succeeded only when they are committed', async () => {
    await db`create table later (id int unique deferrable initially deferred)`;
    const insert = () => db`insert into later (id) values (1)`;
    await insert();
    await assert.rejects(insert, { code: '23505' });
    assert.equal((await db`select from later`).length, 1);
  });

  it('leave the session of a pooler in order when they fail', async () => {
    const pooled = connect({ url: test.url, sessionUrl: test.url, poolSizeMax: 1 });
    const divide = (by: number) => pooled<{ n: number }>`select 6 / ${by}::int as n`;
    await assert.rejects(divide(0), { code: '22012' });
    assert.deepEqual(await divide(3), [{ n: 2 }]);
    const settings = await pooled.transaction(
      (tx) => tx`select current_setting('enable_seqscan') as scan, current_setting('TimeZone') as zone`,
    );
    assert.deepEqual(settings, [{ scan: 'off', zone: 'UTC' }]);
    await pooled.close();
  });
});

describe('a transaction', () => {
  it('takes effect as a whole, and returns the result of its function', async () => {
    const answer = await db.transaction(async (tx) => {
      await tx`insert into things (id) values (1)`;
      await tx`insert into things (id) values (2)`;
      assert.deepEqual(await idsIn(), [], 'nobody else sees it before the end');
      return 'done';
    });
    assert.equal(answer, 'done');
    assert.deepEqual(await idsIn(), [1, 2]);
    await clear();
  });

  it('has no effect when its function throws, and throws the same error', async () => {
    const thrown = new Error('changed my mind');
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx`insert into things (id) values (1)`;
        throw thrown;
      }),
      thrown,
    );
    assert.deepEqual(await idsIn(), []);
  });

  it('has no effect when a statement fails, and its connection can be used again', async () => {
    const single = connect({ url: test.url, poolSizeMax: 1 });
    await assert.rejects(
      single.transaction(async (tx) => {
        await tx`insert into things (id) values (1)`;
        await tx`insert into things (id) values (1)`;
      }),
      { code: '23505' },
    );
    assert.deepEqual(await idsIn(single), []);
    await single.close();
  });

  it('fails when a failure in it was ignored', async () => {
    const passedOver = db.transaction(async (tx) => {
      await tx`insert into things (id) values (1)`;
      await tx`insert into things (id) values (1)`.catch(() => {});
    });
    await assert.rejects(passedOver, /rolled back/);
    assert.deepEqual(await idsIn(), []);
  });

  it('may have no statement', async () => {
    assert.equal(await db.transaction(async () => 7), 7);
  });

  it('refuses statements that come after its end', async () => {
    let late = (): Promise<unknown> => Promise.resolve();
    await db.transaction(async (tx) => {
      late = () => tx`insert into things (id) values (9)`;
    });
    await assert.rejects(late(), /transaction is over/);
    assert.deepEqual(await idsIn(), []);
  });

  it('acts after its commit, in order, and never when it is rolled back', async () => {
    const acted: string[] = [];
    await db.transaction(async (tx) => {
      tx.afterCommit(() => acted.push('first'));
      await tx`select 1`;
      tx.afterCommit(() => acted.push('second'));
      assert.deepEqual(acted, []);
    });
    await db
      .transaction(async (tx) => {
        tx.afterCommit(() => acted.push('never'));
        throw new Error('no');
      })
      .catch(() => {});
    assert.deepEqual(acted, ['first', 'second']);
  });

  it('tells of the commits that have news, once each, and of no others', async () => {
    let told = 0;
    const telling = connect({ url: test.url, onNews: () => told++ });
    const news = async (tx: Transaction) => {
      tx.hasNews();
      tx.hasNews();
      assert.equal(told, 0, 'before the commit');
    };
    await telling.transaction(news);
    assert.equal(told, 1);
    await telling.transaction(async (tx) => tx`select 1`);
    const failing = telling.transaction(async (tx) => {
      tx.hasNews();
      throw new Error('no');
    });
    await assert.rejects(failing, /no/);
    assert.equal(told, 1);
    await telling.close();
  });

  it('awaits at its end the statements that were left to it, and fails with them', async () => {
    await db.transaction(async (tx) => {
      tx.last(tx`insert into things (id) values (1)`);
    });
    assert.deepEqual(await idsIn(), [1]);
    await assert.rejects(
      db.transaction(async (tx) => {
        await tx`insert into things (id) values (2)`;
        tx.last(tx`insert into things (id) values (1)`);
      }),
      { code: '23505' },
    );
    assert.deepEqual(await idsIn(), [1]);
    await clear();
  });

  it('fails with the first cause, even if a later statement is awaited first', async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on('unhandledRejection', hear);
    await assert.rejects(
      db.transaction(async (tx) => {
        tx.last(tx`select 1 / 0`);
        // Turns of the event loop, in which a failure without a listener would end the process.
        await db`select pg_sleep(0.01)`;
        await tx`select 1`;
      }),
      { code: '22012' },
    );
    process.off('unhandledRejection', hear);
    assert.deepEqual(unheard, []);
  });
});

describe('together', () => {
  it('returns all values in order', async () => {
    const [one, two] = await db.transaction((tx) =>
      together(tx<{ n: number }>`select 1 as n`, tx<{ n: number }>`select 2 as n`),
    );
    assert.deepEqual([one, two], [[{ n: 1 }], [{ n: 2 }]]);
    assert.deepEqual(await together(false, Promise.resolve(1)), [false, 1]);
  });

  it('waits for all before it fails', async () => {
    let isSettled = false;
    const slow = db`select pg_sleep(0.02)`.then(() => {
      isSettled = true;
    });
    await assert.rejects(together(Promise.reject(new Error('at once')), slow), /at once/);
    assert.ok(isSettled);
  });

  it('throws the cause, not an error that followed from it', async () => {
    await assert.rejects(
      db.transaction(async (tx) => {
        const failing = tx`select 1 / 0`;
        const following = tx`select 1`;
        await together(following, failing);
      }),
      { code: '22012' },
    );
  });
});

describe('failures', () => {
  it('that a second attempt may cure are distinguished from others', async () => {
    assert.ok(isTransient({ code: '40P01' }) && isTransient({ code: '40001' }));
    assert.ok(!isTransient({ code: '23505' }) && !isTransient(new Error('x')) && !isTransient(undefined));
  });

  it('of the connection are recognised, and the pool replaces it', async () => {
    const single = connect({ url: test.url, poolSizeMax: 1 });
    const [own] = await single<{ pid: number }>`select pg_backend_pid() as pid`;
    const ended = single.transaction(async (tx) => {
      await db`select pg_terminate_backend(${own?.pid}::int)`;
      await tx`select 1`;
    });
    await assert.rejects(ended, (error) => isConnectionLoss(error));
    const [next] = await single<{ pid: number }>`select pg_backend_pid() as pid`;
    assert.notEqual(next?.pid, own?.pid);
    await single.close();
  });
});

describe('a database', () => {
  it('that serves again after a connection broke is told of once', async () => {
    let times = 0;
    const back = connect({ url: test.url, onBack: () => times++ });
    await back`select 1`;
    assert.equal(times, 0);
    await assert.rejects(back`select pg_terminate_backend(pg_backend_pid())`, isConnectionLoss);
    assert.equal(times, 0);
    await back`select 1`;
    await back.transaction(async (tx) => tx`select 1`);
    assert.equal(times, 1);
    await back.close();
  });

  it('without `skip locked` waits for rows that others hold', async () => {
    await db`insert into things (id) values (1), (2)`;
    const waiting = connect({ url: test.url, locking: 'wait' });
    const take = (sql: Database) => sql<{ id: number }>`
      select id from things order by id limit 1 for update skip locked`;
    const { taken } = await db.transaction(async (tx) => {
      await tx`delete from things where id = 1`;
      assert.deepEqual(await take(test.db), [{ id: 2 }]);
      const taken = take(waiting);
      await untilBlocked(db, 1);
      return { taken };
    });
    // The row that it waited for is gone, so it has the next one.
    assert.deepEqual(await taken, [{ id: 2 }]);
    await waiting.close();
    await clear();
  });
});

describe('a transaction whose connection breaks', () => {
  const endItself = (tx: Transaction) => tx`select pg_terminate_backend(pg_backend_pid())`;
  const effectOf = (run: (tx: Transaction) => Promise<unknown>) =>
    db.transaction(run).catch((error) => error instanceof BrokenTransaction && error.effect);

  it('has had no effect when that was before its commit', async () => {
    const effect = await effectOf(async (tx) => {
      await tx`insert into things (id) values (1)`;
      await endItself(tx);
    });
    assert.equal(effect, 'none');
    assert.deepEqual(await idsIn(), []);
  });

  it('may have had an effect when the commit was already sent', async () => {
    const effect = await effectOf(async (tx) => tx.last(endItself(tx)));
    assert.equal(effect, 'unknown');
  });

  it('also ends when the server stays silent', async (t) => {
    const [server, byWay] = [new URL(test.url), new URL(test.url)];
    let isSilent = false;
    const sockets: Socket[] = [];
    const way = createServer((client) => {
      const target = toServer(Number(server.port), server.hostname);
      sockets.push(client, target);
      client.on('data', (chunk) => isSilent || target.write(chunk)).on('error', () => {});
      target.on('data', (chunk) => client.write(chunk)).on('error', () => {});
    }).listen(0, '127.0.0.1');
    await once(way, 'listening');
    byWay.port = String((way.address() as AddressInfo).port);
    const far = connect({ url: byWay.href, silenceMaxMs: 1000 });
    t.after(async () => {
      for (const socket of sockets) socket.destroy();
      way.close();
      await far.close();
    });
    await far`select 1`;
    const ended = far.transaction(async (tx) => {
      await tx`select 2`;
      isSilent = true;
      await tx`select 3`;
    });
    await assert.rejects(ended, { name: 'BrokenTransaction', effect: 'none' });
    // Nor does a new connection wait forever.
    await assert.rejects(far`select 4`, isConnectionLoss);
    isSilent = false;
    assert.equal((await far`select 5`).length, 1);
  });
});

it('settings of a session in the URL are added to our own', async (t) => {
  const url = new URL(test.url);
  url.searchParams.set('options', '-c search_path=elsewhere -c TimeZone=Asia/Tokyo');
  const own = connect({ url: url.href });
  t.after(() => own.close());
  const [row] = await own`
    select current_setting('search_path') as path, current_setting('TimeZone') as zone, current_setting('jit') as jit`;
  assert.deepEqual(row, { path: 'elsewhere', zone: 'UTC', jit: 'off' });
});

describe('notifications', () => {
  it('arrive, also after the connection was lost', async () => {
    const listening = connect({ url: test.url });
    const heard: string[] = [];
    let wake = (): void => {};
    await listening.listen('news', (payload) => {
      heard.push(payload);
      wake();
    });
    const next = () =>
      new Promise<void>((resolve) => {
        wake = resolve;
      });
    let arrives = next();
    await db`select pg_notify('news', 'one')`;
    await arrives;
    arrives = next();
    await db`
      select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name = 'taskyard-listen'`;
    // What was missed meanwhile is unknown: an empty payload says so.
    await arrives;
    arrives = next();
    await db`select pg_notify('news', 'two')`;
    await arrives;
    assert.deepEqual(heard, ['one', '', 'two']);
    await listening.close();
  });
});
