// Measures loading with V8's code cache: measure-cached.mjs CACHE-DIRECTORY NAME… reads NAME.cjs, writes cached.json.
// A first run finds no code cache. It makes one and ends with 75 (try again): only a run that starts with the
// cache in place measures what it is worth.
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadOnce, medianLoad } from './median-load.mjs';

const [directory, ...names] = process.argv.slice(2);
const { TASK_ID = 'by-hand', RUN_ID = '0' } = process.env;
const caches = join(directory, TASK_ID);

if (!existsSync(caches)) {
  mkdirSync(caches, { recursive: true });
  for (const name of names) loadOnce([`${name}.cjs`, join(caches, name)]);
  if (RUN_ID === '0') {
    console.error(
      `There was no code cache for ${names.join(', ')}. It is warm now; this task has to run again.`,
    );
    process.exit(75);
  }
}
const loads = Object.fromEntries(
  names.map((name) => [name, medianLoad([`${name}.cjs`, join(caches, name)])]),
);
rmSync(caches, { recursive: true });
writeFileSync('cached.json', JSON.stringify(loads));
console.log('with a code cache', loads);
