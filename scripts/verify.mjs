// `npm run verify`: is HEAD fit to land? Clones it to an empty folder and runs .ci/run there, as CI does.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'taskyard-verify-'));
const checkout = join(folder, 'taskyard');

const run = (cwd, program, ...args) => spawnSync(program, args, { cwd, stdio: 'inherit' }).status ?? 1;

const changed = spawnSync('git', ['status', '--porcelain'], { cwd: root, encoding: 'utf8' }).stdout.trim();
if (changed !== '') console.log(`Not committed, so not verified:\n${changed}\n`);
try {
  process.exitCode =
    run(root, 'git', 'clone', '--quiet', '--no-hardlinks', root, checkout) ||
    run(checkout, 'bash', '.ci/run');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
