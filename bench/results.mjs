// What was measured last, to be shown beside what is measured now.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('results/last.json', import.meta.url));
const commit = () =>
  spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).stdout?.trim();

/** Results by name of the row, of the last run that measured it. */
export const readLast = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {});

/** Keeps results; rows that were left out keep those of an earlier run. */
export const keep = (results) => {
  const origin = { at: new Date().toJSON(), commit: commit() };
  const fresh = Object.entries(results).map(([name, result]) => [name, { ...result, ...origin }]);
  writeFileSync(file, `${JSON.stringify({ ...readLast(), ...Object.fromEntries(fresh) }, null, 1)}\n`);
};
