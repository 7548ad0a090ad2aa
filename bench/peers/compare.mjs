// `npm run bench -- --peers --against <commit>`: this build beside another one and beside job libraries, in turn.
import { join } from 'node:path';
import { root } from '../platform.mjs';
import { measureSystem } from './measure.mjs';
import { prepareCommit, preparePeers } from './prepare.mjs';
import { rows as allRows } from './rows.mjs';
import { comparisonOf } from './table.mjs';

const peersIn = (folder) => [
  { name: 'graphile-worker', command: [process.execPath, join(folder, 'graphile-worker.mjs')] },
  { name: 'pg-boss', command: [process.execPath, join(folder, 'pg-boss.mjs')] },
  { name: 'River', command: [join(folder, 'river')] },
];

const systemsOf = ({ against, peers }) => [
  { name: 'this build', kind: 'taskyard', checkout: root },
  ...(against ? [{ kind: 'taskyard', ...prepareCommit(against) }] : []),
  ...(peers ? peersIn(preparePeers()).map((peer) => ({ kind: 'peer', ...peer })) : []),
];

/** Rows that others need are measured too: what one adds, another works off. */
const chosen = (starts) => {
  const wanted = allRows.filter(
    ({ name }) => starts.length === 0 || starts.some((start) => name.startsWith(start)),
  );
  const needs = (start) => wanted.some(({ name }) => name.startsWith(start));
  const isNeeded = ({ name }) =>
    (name.startsWith('add-') && needs('work-')) || (name === 'memory' && needs('start'));
  return allRows.filter((row) => wanted.includes(row) || isNeeded(row));
};

/** Measures this many rounds, each of all systems one after the other, and prints the medians. */
export const compare = async ({ against, peers, rounds, starts }) => {
  const systems = systemsOf({ against, peers });
  const rows = chosen(starts);
  const results = [];
  for (let round = 1; round <= rounds; round++) {
    for (const system of systems) {
      const measured = await measureSystem(system, rows).catch((error) => {
        console.error(`${system.name} could not be measured: ${error.stack}`);
        process.exitCode = 1;
        return [];
      });
      for (const one of measured) console.error(JSON.stringify({ round, ...one }));
      results.push(...measured);
    }
  }
  console.log(
    `\nMedians over rounds, of which there were ${rounds}: jobs a second, CPU-seconds for 1,000 jobs (server + PostgreSQL; the callers of Taskyard are` +
      ' not counted, those of a peer are a part of it), bytes of WAL for a job.\n',
  );
  console.log(
    comparisonOf(
      rows,
      systems.map(({ name }) => name),
      results,
    ).join('\n'),
  );
};
