// The floor: the same inserts, claims and updates, one statement a transaction, by nothing but SQL on the same server.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const scripts = fileURLToPath(new URL('pgbench', import.meta.url));
const debian = '/usr/lib/postgresql';

const findPgbench = () => {
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const candidates = [...versions.map((version) => join(debian, version, 'bin/pgbench')), 'pgbench'];
  return candidates.find((program) => spawnSync(program, ['--version']).status === 0);
};

const byPgbench = (program, { databaseUrl, script, clients, seconds }) => {
  const words = ['-n', '-M', 'prepared', '-T', String(seconds), '-c', String(clients), '-j', '1'];
  const { stdout, stderr } = spawnSync(
    program,
    [...words, '-f', join(scripts, `${script}.sql`), databaseUrl],
    {
      encoding: 'utf8',
    },
  );
  const rate = /^tps = ([\d.]+)/m.exec(stdout)?.[1];
  if (!rate) throw new Error(`pgbench said nothing of a rate: ${stderr}`);
  return Number(rate);
};

/** The statements of a script, as templates: by these the driver knows them. `:id` is their only parameter. */
const readStatements = (script) =>
  readFileSync(join(scripts, `${script}.sql`), 'utf8')
    .replace(/^\\set .*$/m, '')
    .split(/;|\\gset/)
    .filter((text) => text.trim())
    .map((text) => ({ template: Object.freeze(text.split(':id')), takesId: text.includes(':id') }));

/** The same by a loop of our own, where there is no pgbench: Node's own cost is in it. */
const byLoop = async (connect, { databaseUrl, script, clients, seconds }) => {
  const db = connect({ url: databaseUrl, poolSizeMax: clients });
  const statements = readStatements(script);
  const end = performance.now() + seconds * 1000;
  let count = 0;
  const client = async () => {
    while (performance.now() < end) {
      let id = 1 + Math.floor(Math.random() * 60_000);
      for (const { template, takesId } of statements) {
        const [row] = await (takesId ? db(template, id) : db(template));
        id = row?.id ?? id;
      }
      count++;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  await db.close();
  return count / seconds;
};

const prepareTable = async (db) => {
  await db`drop table if exists raw_tasks`;
  await db`
    create table raw_tasks (id bigint generated always as identity primary key, task_queue_id text not null,
      state text not null default 'pending', definition text not null) with (fillfactor = 70)`;
  await db`create index on raw_tasks (task_queue_id, id) where state = 'pending'`;
  await db`create index on raw_tasks (task_queue_id, id) where state = 'running'`;
};

/** Tasks that wait, and tasks that run, for the scripts that change some. */
const fillTable = (db, state) => db`
  insert into raw_tasks (task_queue_id, state, definition)
  select 'bench/raw', ${state}::text, repeat('x', 1500) from generate_series(1, 60000)`;

/** Rates of raw PostgreSQL, and what measured them. */
export const measureRaw = async ({ db, databaseUrl, connect, seconds }) => {
  const program = findPgbench();
  const rate = (script, clients) => {
    const wanted = { databaseUrl, script, clients, seconds };
    return program ? byPgbench(program, wanted) : byLoop(connect, wanted);
  };
  await prepareTable(db);
  const insert1 = await rate('insert', 1);
  const insert16 = await rate('insert', 16);
  await prepareTable(db);
  await fillTable(db, 'pending');
  const claim16 = await rate('claim', 16);
  await prepareTable(db);
  await fillTable(db, 'running');
  const complete16 = await rate('complete', 16);
  await prepareTable(db);
  const cycle16 = await rate('cycle', 16);
  await db`drop table raw_tasks`;
  const claimAndComplete16 = 1 / (1 / claim16 + 1 / complete16);
  const by = program ? 'pgbench' : 'a loop in Node (pgbench is not installed)';
  return { by, rates: { insert1, insert16, claim16, complete16, claimAndComplete16, cycle16 } };
};
