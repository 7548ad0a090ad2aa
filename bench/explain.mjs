// Shows whether the statements of the queue stay flat: their plans, pages and times in a small database and in large ones.
//   node bench/explain.mjs                                               5 million resolved, up to 1 million pending
//   node bench/explain.mjs --resolved 100000 --pending 0,10000 --plans   smaller; with whole plans
// The statements are the server's own: its store functions are called with a tag that explains what it is given.
import { parseArgs } from 'node:util';
import { explainEarlyPlans } from './early-plans.mjs';
import { fillTasks, queueTasks } from './fill.mjs';
import { newFolder, removeFolder, startPostgres } from './platform.mjs';
import { statementsFor } from './statements-explained.mjs';
import { withoutIndexes } from './without-indexes.mjs';

const { migrate } = await import('../packages/server/dist/base/index.js');
const queue = await import('../packages/server/dist/queue/store/index.js');
const { Heads } = await import('../packages/server/dist/queue/claiming/heads.js');

const { values: options } = parseArgs({
  options: {
    resolved: { type: 'string', default: '5000000' },
    pending: { type: 'string', default: '0,100000,1000000' },
    plans: { type: 'boolean', default: false },
  },
});
const levels = options.pending.split(',').map(Number);
const queueNames = Array.from({ length: 8 }, (_, i) => `bench/explain-${i}`);

/** A value as text: PostgreSQL finds its type, as it does with what the driver sends. */
const textOf = (value) => {
  if (value instanceof Date) return value.toJSON();
  if (!Array.isArray(value)) return String(value);
  const quote = (text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return `{${value.map((each) => (each === null ? 'null' : quote(textOf(each)))).join(',')}}`;
};

/** A literal of a parameter's value, for EXECUTE. */
const literal = (value) =>
  value === null || value === undefined ? 'null' : `'${textOf(value).replaceAll("'", "''")}'`;

/** The driver knows a statement by its template. */
const run = (tx, text) => tx(Object.freeze([text]));
const rolledBack = Symbol('rolled back');
let count = 0;

/** Runs a statement with the plan of the server, and rolls it back. Returns the lines of the plan. */
const explain = async (db, text, values) => {
  const name = `explained_${++count}`;
  let lines;
  await db
    .transaction(async (tx) => {
      await run(tx, `prepare ${name} as ${text}`);
      const parameters = values.length > 0 ? `(${values.map(literal).join(', ')})` : '';
      lines = await run(tx, `explain (analyze, buffers) execute ${name}${parameters}`);
      await run(tx, `deallocate ${name}`);
      throw rolledBack;
    })
    .catch((error) => {
      if (error !== rolledBack) throw error;
    });
  return lines.map((line) => Object.values(line)[0]);
};

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Pages that a plan touched, and its milliseconds. The first line of buffers is the sum of all below it. */
const figuresOf = (plan) => {
  const buffers =
    /shared ([^\n]*)/.exec(plan.find((line) => line.includes('Buffers: shared')) ?? '')?.[1] ?? '';
  const pages = [...buffers.matchAll(/(?:hit|read)=(\d+)/g)].reduce(
    (sum, [, number]) => sum + Number(number),
    0,
  );
  return { pages, ms: Number(/Execution Time: ([\d.]+)/.exec(plan.join('\n'))?.[1]) };
};

/** What a store function sends. */
const recordCall = async (call) => {
  let sent;
  await call((strings, ...values) => {
    const text = strings.reduce((sql, part, i) => (i === 0 ? part : `${sql}$${i}${part}`), '');
    sent = { text, values };
    return Promise.resolve([]);
  });
  return sent;
};

/** Explains what a store function sends. The first of several runs finds the pages; the median of the others counts. */
const explainCall = async (db, call) => {
  const { text, values } = await recordCall(call);
  const plans = [];
  for (let i = 0; i < 6; i++) plans.push(await explain(db, text, values));
  const figures = plans.slice(1).map(figuresOf);
  return {
    pages: median(figures.map(({ pages }) => pages)),
    ms: median(figures.map(({ ms }) => ms)),
    plan: plans.at(-1),
  };
};

const explainAll = async (db, title) => {
  const results = {};
  console.log(`\n## ${title}\n`);
  for (const [name, call] of Object.entries(await statementsFor(db, queueNames))) {
    const result = await explainCall(db, call);
    results[name] = result;
    console.log(`${name}: ${result.pages} pages, ${result.ms.toFixed(2)} ms`);
    if (options.plans) console.log(`${result.plan.map((line) => `    ${line}`).join('\n')}\n`);
  }
  return { title, results };
};

const say = (text) => console.error(`${new Date().toJSON().slice(11, 19)} ${text}`);

const addPending = async (db, wanted) => {
  const [{ inLine }] = await db`select count(*)::int as in_line from pending`;
  if (wanted > inLine) await queueTasks(db, wanted - inLine);
  await db`vacuum (analyze) pending`;
};

/** Takes runs as claims do, in many small transactions; the last ones one by one. */
const claimHead = async (db, { taskQueueId, heads }, wanted) => {
  for (let left = wanted; left > 0; ) {
    const count = left > 100 ? Math.min(100, left - 50) : 1;
    await db.transaction(async (tx) => {
      const now = new Date();
      await heads.read(heads.due([taskQueueId]), (parts) => queue.findHeads(tx, parts, now));
      const parts = heads.partsOf(taskQueueId);
      const taken = await queue.takePending(tx, [{ taskQueueId, count, parts }], now);
      heads.took(taken.map(() => taskQueueId));
    });
    left -= count;
  }
};

/** Runs something while another session holds a snapshot, as a backup or a long report does. */
const whileSnapshotIsHeld = (db, during) =>
  db.transaction(async (tx) => {
    await tx`set transaction isolation level repeatable read`;
    await tx`set local idle_in_transaction_session_timeout = 0`;
    await tx`select count(*) from claims`;
    return during();
  });

/** Counts a task out of a group and in again, this many times, each in a transaction of its own. */
const recount = async (db, taskGroupId, wanted) => {
  for (let left = wanted; left > 0; left--) {
    await db`update task_groups set unresolved = unresolved + ${left % 2} where task_group_id = ${taskGroupId}`;
  }
};

/**
 * What a claim and a group's counter cost behind many changes that no vacuum has followed, and behind as many that a
 * held snapshot keeps from being forgotten.
 */
const explainBehindChanges = async (db) => {
  const [taskQueueId] = queueNames;
  const [{ taskGroupId }] = await db`select task_group_id from task_groups limit 1`;
  const line = { taskQueueId, heads: new Heads() };
  const wanted = (heads) => [{ taskQueueId, count: 1, parts: heads.partsOf(taskQueueId) }];
  const tell = async (title) => {
    const claim = await explainCall(db, (tx) => queue.takePending(tx, wanted(line.heads), new Date()));
    const whole = await explainCall(db, (tx) => queue.takePending(tx, wanted(new Heads()), new Date()));
    const group = await explainCall(db, (tx) => queue.shrinkGroups(tx, [taskGroupId], [1]));
    const shown = ({ pages, ms }) => `${pages} pages, ${ms.toFixed(2)} ms`;
    console.log(
      `${title}: takePending, 1 of one queue: ${shown(claim)}; from the first row: ${shown(whole)}; ` +
        `shrinkGroups: ${shown(group)}`,
    );
  };
  const count = Math.floor(Math.max(...levels) / 50);
  const change = async () => {
    await claimHead(db, line, count);
    await recount(db, taskGroupId, count);
  };
  await db`alter table pending set (autovacuum_enabled = off)`;
  await db`alter table task_groups set (autovacuum_enabled = off)`;
  console.log('');
  await tell('Fresh from vacuum');
  await change();
  await tell(`After ${count} claims and changes of the group without vacuum`);
  await whileSnapshotIsHeld(db, async () => {
    await change();
    await tell(`After ${count} more while a snapshot was held`);
  });
  await tell('When that snapshot is gone');
};

const folder = newFolder('explain');
// What is written here need not outlive the machine; memory as a server of this size has it.
const settings = {
  fsync: 'off',
  shared_buffers: '512MB',
  maintenance_work_mem: '512MB',
  max_wal_size: '4GB',
};
const { url, db, stop } = await startPostgres(folder, { ...settings, max_parallel_maintenance_workers: '0' });
try {
  await migrate(url);
  const early = await explainEarlyPlans({ db, url, queueNames, recordCall, literal, figuresOf });
  await fillTasks(db, { count: 2000, state: 'running', queueNames, linked: true });
  await db`vacuum analyze`;
  const columns = [await explainAll(db, 'Empty but for 2,000 running tasks')];
  say(`filling in ${options.resolved} resolved and ${Math.max(...levels)} pending tasks`);
  await withoutIndexes(db, ['tasks', 'task_status', 'task_dependencies'], async () => {
    await fillTasks(db, { count: Number(options.resolved), state: 'completed', queueNames, linked: true });
    await fillTasks(db, { count: Math.max(...levels), state: 'pending', queueNames });
  });
  say('vacuum');
  await db`vacuum analyze`;
  const [{ size }] = await db`select pg_size_pretty(pg_database_size(current_database())) as size`;
  say(`the database holds ${size}`);
  for (const level of levels) {
    await addPending(db, level);
    columns.push(await explainAll(db, `${options.resolved} resolved, ${level} pending`));
  }
  await explainBehindChanges(db);
  console.log(`\n| statement | ${columns.map(({ title }) => title).join(' | ')} |`);
  console.log(`|---|${columns.map(() => '---').join('|')}|`);
  for (const name of Object.keys(columns[0].results)) {
    const cells = columns.map(
      ({ results }) => `${results[name].pages} pages, ${results[name].ms.toFixed(2)} ms`,
    );
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
  console.log(
    '\nBy plans that were made while all tables were empty, 20,000 pending and 2,000 running tasks later:',
  );
  for (const [name, { pages, ms }] of early) console.log(`${name}: ${pages} pages, ${ms.toFixed(2)} ms`);
} finally {
  await stop();
  removeFolder(folder);
}
