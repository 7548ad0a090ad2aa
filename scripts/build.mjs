// Compiles the packages (and the tests, where they are present), then bundles TypeBox, builds the pages and renders the
// documents. `npm ci` ends with this.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildDocs } from './build-docs.mjs';
import { buildTypebox } from './build-typebox.mjs';
import { buildUi } from './build-ui.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const { status } = spawnSync(process.execPath, [tsc, '-b', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
const isBuilding = !process.argv.some((argument) => ['--clean', '--dry'].includes(argument));
if (isBuilding) {
  await buildTypebox();
  await buildUi();
  await buildDocs();
}
process.exit(status ?? 1);
