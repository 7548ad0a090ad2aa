import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Database, migrate, type Sql } from './base/index.ts';
import { type TestDatabase, testDatabase } from './testing/index.ts';

// Sessions keep their first plan of a statement, which PostgreSQL bases on the statistics of that time, often of empty
// tables. Every statement must still use the right index, however many rows there are later.

/** The folder of the sources, since tests run compiled, in `dist`. */
const sources = fileURLToPath(new URL('../src', import.meta.url));

const storeFiles = readdirSync(sources, { recursive: true, encoding: 'utf8' })
  .filter((path) => /(^|\/)store(\.ts$|\/[^/]+\.ts$)/.test(path) && !/\.test\.ts$|(^|\/)testing\//.test(path))
  .sort();

/** The end of the value that begins with `${` at `from`, after its closing brace. */
const endOfValue = (text: string, from: number): number => {
  let depth = 1;
  let end = from + 2;
  for (; depth > 0; end++) depth += text[end] === '{' ? 1 : text[end] === '}' ? -1 : 0;
  return end;
};

/** The text of a statement with a number for each value, as the driver sends it. */
const statementAt = (text: string, from: number): string => {
  let sql = '';
  let values = 0;
  for (let i = from; text[i] !== '`'; ) {
    if (text.startsWith('${', i)) {
      sql += `$${++values}`;
      i = endOfValue(text, i);
    } else sql += text[i++];
  }
  return sql;
};

interface Statement {
  /** `queue/store/pending.ts:28` */
  readonly place: string;
  readonly sql: string;
}

const statementsIn = (path: string): Statement[] => {
  const text = readFileSync(join(sources, path), 'utf8');
  return [...text.matchAll(/\b(?:tx|db|sql)(?:<[^`]*?>)?`/g)].map((found) => ({
    place: `${path}:${text.slice(0, found.index).split('\n').length}`,
    sql: statementAt(text, found.index + found[0].length),
  }));
};

const statements = storeFiles.flatMap(statementsIn);

interface Plan {
  readonly 'Node Type': string;
  readonly 'Parent Relationship'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Join Filter'?: string;
  readonly Plans?: readonly Plan[];
}

/** The driver identifies a statement by its template. */
const run = (sql: Sql, text: string) =>
  sql<Record<string, unknown>>(Object.freeze([text]) as unknown as TemplateStringsArray);

let explained = 0;

/** The generic plan of a statement in a session of the server, by default with all rights. */
const planOf = (db: Database, { sql }: Statement, role?: string): Promise<Plan> =>
  db.transaction(async (tx) => {
    if (role !== undefined) await run(tx, `set local role ${role}`);
    // One that fails stays prepared.
    const name = `explained_${++explained}`;
    await run(tx, `prepare ${name} as ${sql}`);
    const nulls = [...sql.matchAll(/\$\d+/g)].map(() => 'null');
    const values = nulls.length > 0 ? `(${nulls.join(', ')})` : '';
    const [row] = await run(tx, `explain (format json) execute ${name}${values}`);
    await run(tx, `deallocate ${name}`);
    const [{ Plan: plan }] = JSON.parse(String(Object.values(row ?? {})[0])) as [{ Plan: Plan }];
    return plan;
  });

interface Indexes {
  /** The first column of each index. */
  readonly leads: ReadonlyMap<string, string>;
  /** The first columns of the indexes of a table that contain all of its rows. */
  readonly leadsOf: ReadonlyMap<string, readonly string[]>;
  /** Partial indexes with few rows that need attention. */
  readonly partial: ReadonlySet<string>;
}

const readIndexes = async (db: Database): Promise<Indexes> => {
  const rows = await db<{ name: string; table: string; lead: string; isPartial: boolean }>`
    select indexrelid::regclass::text as name, indrelid::regclass::text as table,
           pg_get_indexdef(indexrelid, 1, false) as lead, indpred is not null as is_partial
      from pg_index`;
  const leadsOf = new Map<string, string[]>();
  for (const { table, lead, isPartial } of rows)
    if (!isPartial) leadsOf.set(table, [...(leadsOf.get(table) ?? []), lead]);
  const partial = new Set(rows.filter(({ isPartial }) => isPartial).map(({ name }) => name));
  return { leads: new Map(rows.map(({ name, lead }) => [name, lead])), leadsOf, partial };
};

const equalColumns = /\w\.\w+\)?(::\w+)? = (ANY \(ARRAY\[)?\(?\w+\.\w/;

/** Tables that always have one row. */
const singleRows = new Set(['relay', 'outbox_trim', 'deadline_cursor']);

/** Why the scan of a table is slow once it is large. */
const faultsOfScan = (plan: Plan, { leads, leadsOf, partial }: Indexes, isInner: boolean): string[] => {
  const {
    'Index Name': index,
    'Index Cond': condition = '',
    'Relation Name': table = '',
    Filter: filter,
  } = plan;
  const faults: string[] = [];
  if (index && condition.includes(' = ') && !condition.includes(leads.get(index) ?? ''))
    faults.push(`searches all of ${index} for ${condition}`);
  // Another index begins with the filtered column. Nullable filters are from people, on few rows.
  const better = (leadsOf.get(table) ?? []).filter((lead) => filter?.match(`\\b${lead} = (\\$|ANY|\\w+\\.)`));
  if (
    index &&
    !partial.has(index) &&
    !condition.includes(' = ') &&
    better.length > 0 &&
    !filter?.includes('IS NULL) OR')
  )
    faults.push(`goes through ${index} for ${filter}`);
  if (isInner && index && condition === '') faults.push(`reads all of ${index} for each item`);
  if (isInner && plan['Node Type'] === 'Seq Scan' && !singleRows.has(table))
    faults.push(`scans ${table} for each item`);
  return faults;
};

/** Why a plan is slow once its tables are large. */
const faultsIn = (plan: Plan, indexes: Indexes, isInner = false): string[] => {
  const { 'Join Filter': filter, 'Node Type': type, Plans: children = [] } = plan;
  const below = children.flatMap((child) =>
    faultsIn(child, indexes, isInner || (type === 'Nested Loop' && child['Parent Relationship'] === 'Inner')),
  );
  const own = plan['Relation Name'] ? faultsOfScan(plan, indexes, isInner) : [];
  if (filter && equalColumns.test(filter) && !filter.includes('IS NULL) OR'))
    own.push(`compares every row with every item: ${filter}`);
  return [...own, ...below];
};

describe('the plans of statements', () => {
  let test: TestDatabase;
  let indexes: Indexes;
  before(async () => {
    test = await testDatabase();
    indexes = await readIndexes(test.db);
  });
  after(() => test.drop());

  const faultsNow = async (): Promise<string[]> => {
    const faults: string[] = [];
    for (const statement of statements) {
      const plan = await planOf(test.db, statement);
      faults.push(...faultsIn(plan, indexes).map((fault) => `${statement.place} ${fault}`));
    }
    return faults;
  };

  it('are made for all statements', () => {
    assert.ok(statements.length > 250, `${statements.length} statements are found`);
    for (const needle of ['delete from pending p', 'update task_status s', 'update artifacts a'])
      assert.ok(
        statements.some(({ sql }) => sql.includes(needle)),
        needle,
      );
  });

  it('look each item up by its index in tables without statistics', async () => {
    assert.deepEqual(await faultsNow(), []);
  });

  it('do so with the statistics of empty tables', async () => {
    await run(test.db, 'vacuum analyze');
    assert.deepEqual(await faultsNow(), []);
  });

  it('need no other rights than those that `migrate --grant-to` gives', async () => {
    const role = `taskyard_plans_${process.pid}`;
    await run(test.db, `create role ${role}`);
    try {
      await migrate(test.url, { grantTo: role });
      for (const statement of statements) await planOf(test.db, statement, role);
      const forbidden = { place: 'here', sql: 'insert into schema_migrations (number, name) values (0, $1)' };
      await assert.rejects(planOf(test.db, forbidden, role), /permission denied/);
    } finally {
      await run(test.db, `drop owned by ${role}`);
      await run(test.db, `drop role ${role}`);
    }
  });

  it('would be reported when a list is joined to a table by a bare equality', async () => {
    const sql = `
      update task_status s set state = n.state from unnest($1::text[], $2::text[]) as n(task_id, state)
       where s.task_id = n.task_id`;
    const faults = faultsIn(await planOf(test.db, { place: 'here', sql }), indexes);
    assert.match(faults.join(), /compares every row with every item/);
  });
});
