// What statements cost by the plans that a session made while all tables were empty, and known to be.
import { fillTasks, queueTasks } from './fill.mjs';
import { connect } from './platform.mjs';
import { statementsFor } from './statements-explained.mjs';

const { migrate } = await import('../packages/server/dist/base/index.js');

/** The driver knows a statement by its template. */
const run = (tx, text) => tx(Object.freeze([text]));
const rolledBack = Symbol('rolled back');

/** Prepares what store functions send, and has PostgreSQL plan it. */
const prepareAll = async (session, calls, recordCall) => {
  for (const [i, call] of calls.entries()) {
    const { text, values } = await recordCall(call);
    await run(session, `prepare early_${i} as ${text}`);
    const nulls = values.length > 0 ? `(${values.map(() => 'null').join(', ')})` : '';
    await run(session, `explain execute early_${i}${nulls}`);
  }
};

/** Runs a prepared statement and takes back what it did. Returns the lines of its plan. */
const explainPrepared = async (session, name, parameters) => {
  let lines;
  await session
    .transaction(async (tx) => {
      lines = await run(tx, `explain (analyze, buffers) execute ${name}${parameters}`);
      throw rolledBack;
    })
    .catch((error) => {
      if (error !== rolledBack) throw error;
    });
  return lines.map((line) => Object.values(line)[0]);
};

/**
 * Figures of each statement, `[name, { pages, ms }]`, in a database of its own: planned when `vacuum analyze` had found its
 * tables empty, run with 20,000 pending and 2,000 running tasks before anything told the session so.
 */
export const explainEarlyPlans = async ({ db, url, queueNames, recordCall, literal, figuresOf }) => {
  await run(db, 'create database early');
  const earlyUrl = Object.assign(new URL(url), { pathname: '/early' }).href;
  await migrate(earlyUrl);
  // One connection: its plans are what this is about. The other one fills.
  const [session, filler] = [1, 2].map((poolSizeMax) => connect({ url: earlyUrl, poolSizeMax }));
  let use;
  try {
    await run(session, 'vacuum analyze');
    await prepareAll(session, Object.values(await statementsFor(session, queueNames)), recordCall);
    // A pool closes a connection that rests for ten seconds, and its plans go with it.
    use = setInterval(() => void run(session, 'select 1').catch(() => {}), 2000);
    await fillTasks(filler, { count: 2000, state: 'running', queueNames, linked: true });
    await fillTasks(filler, { count: 20_000, state: 'pending', queueNames });
    await queueTasks(filler, 20_000);
    const figures = [];
    for (const [i, [name, call]] of Object.entries(await statementsFor(filler, queueNames)).entries()) {
      const { values } = await recordCall(call);
      const parameters = values.length > 0 ? `(${values.map(literal).join(', ')})` : '';
      figures.push([name, figuresOf(await explainPrepared(session, `early_${i}`, parameters))]);
    }
    return figures;
  } finally {
    clearInterval(use);
    await Promise.all([session.close(), filler.close()]);
  }
};
