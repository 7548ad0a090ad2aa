// Measures one system once, on a PostgreSQL of its own with the settings of the embedded one.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuOf, cpuOfMachine, memoryOf } from '../meters.mjs';
import { newFolder, removeFolder, startPlatform, startPostgres } from '../platform.mjs';
import { startAdapter } from './adapter.mjs';
import { watchFor } from './rows.mjs';

const taskyardAdapter = fileURLToPath(new URL('adapters/taskyard.mjs', import.meta.url));

/** Taskyard's callers are processes of their own, and what they cost is the callers'. */
const openTaskyard = async ({ checkout }) => {
  const platform = await startPlatform({ checkout });
  const { rootUrl, credentials, pids } = platform;
  const env = { PLATFORM: JSON.stringify({ rootUrl, credentials }) };
  const adapter = await startAdapter([process.execPath, taskyardAdapter], env);
  return { ...platform, adapter, counted: pids, all: { ...pids, callers: adapter.pid } };
};

/** A peer is a library: its caller is a part of what it costs. */
const openPeer = async ({ command }) => {
  const folder = newFolder('peer');
  const postgres = await startPostgres(folder);
  const adapter = await startAdapter(command, { DATABASE_URL: postgres.url });
  const pids = { server: adapter.pid, postgres: postgres.pid };
  const stop = async () => {
    await postgres.stop();
    removeFolder(folder);
  };
  return { db: postgres.db, databaseUrl: postgres.url, adapter, counted: pids, all: pids, stop };
};

const walOf = async (db) => {
  const [row] = await db`select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`;
  return row.bytes;
};

const sum = (numbers) => Object.values(numbers).reduce((all, one) => all + one, 0);

/** Runs a request and tells its cost for 1,000 jobs, and the load that others caused meanwhile, in cores. */
const cost = async ({ db, counted, all }, act) => {
  const busy = () => cpuOfMachine() - sum(cpuOf({ ...all, own: process.pid }));
  const [cpu, wal, others, started] = [cpuOf(counted), await walOf(db), busy(), performance.now()];
  const answer = await act();
  if (!answer) return undefined;
  const elapsed = (performance.now() - started) / 1000;
  const after = cpuOf(counted);
  const { count, seconds = elapsed, ...more } = answer;
  const used = (name) => ((after[name] - cpu[name]) / count) * 1000;
  return {
    ...more,
    rate: count / seconds,
    cores: (sum(after) - sum(cpu)) / elapsed,
    server: used('server'),
    postgres: used('postgres'),
    walBytes: ((await walOf(db)) - wal) / count,
    others: Math.max(0, (busy() - others) / elapsed),
  };
};

const measureRow = async (system, row) => {
  for (const { what, ...more } of row.before ?? []) await system.adapter.ask(what, more);
  if (row.watches === 'memory') {
    await sleep(3000);
    return { megabytes: sum(memoryOf(system.counted)) };
  }
  const { what, ...more } = row.ask ?? {};
  const measured = await cost(system, () =>
    row.seconds ? watchFor(row.seconds) : system.adapter.ask(what, more),
  );
  for (const { what: next, ...rest } of row.after ?? []) await system.adapter.ask(next, rest);
  return measured;
};

/** Throws when the database of a platform is broken, by the checker of its own crash tests. */
const assertSound = async (checkout, databaseUrl) => {
  const { assertInvariants } = await import(join(checkout, 'test/dist/support/invariants.js'));
  await assertInvariants(databaseUrl, { acknowledged: [] });
};

/** The results of the rows that apply to a system. Those of a platform whose database is broken in the end do not count. */
export const measureSystem = async (system, rows) => {
  const results = [];
  const opened = await (system.checkout ? openTaskyard(system) : openPeer(system));
  try {
    await opened.adapter.ask('setup');
    for (const row of rows.filter(({ of = system.kind }) => of === system.kind)) {
      const result = await measureRow(opened, row).catch((error) => ({ error: String(error).slice(0, 300) }));
      if (result) results.push({ row: row.name, system: system.name, ...result });
    }
    if (system.checkout) await assertSound(system.checkout, opened.databaseUrl);
    return results;
  } finally {
    await opened.adapter.stop();
    await opened.stop();
  }
};
