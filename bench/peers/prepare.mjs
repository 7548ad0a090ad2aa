// What a comparison needs besides this checkout: the peers, and another commit of Taskyard. All of it is kept in .scratch.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../platform.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const scratch = join(root, '.scratch');

const run = (cwd, command, ...words) => {
  const { status, error } = spawnSync(command, words, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${status}`);
};

/** Makes a folder in .scratch once: an interrupted attempt begins again. */
const once = (name, make) => {
  const folder = join(scratch, name);
  const mark = join(folder, 'is-complete');
  if (existsSync(mark)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  make(folder);
  writeFileSync(mark, '');
  return folder;
};

/** The folder of another commit, built; and its short name. */
export const prepareCommit = (commit) => {
  const { stdout, status } = spawnSync('git', ['rev-parse', '--short', `${commit}^{commit}`], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`There is no commit ${commit}.`);
  const name = stdout.trim();
  const checkout = once(`commit-${name}`, (folder) => {
    console.error(`Builds ${name}, which takes some minutes the first time.`);
    run(folder, 'git', 'clone', '--quiet', '--shared', '--no-checkout', root, '.');
    run(folder, 'git', 'checkout', '--quiet', '--detach', name);
    // Its installation builds it.
    run(folder, 'npm', 'ci', '--no-audit', '--no-fund');
  });
  return { name, checkout };
};

/** The folder of the peers. Those in Node are installed there once, and the one in Go is compiled. */
export const preparePeers = () => {
  const folder = once('peers', (made) => {
    console.error('Installs the peers, which takes a minute the first time.');
    cpSync(join(here, 'package.json'), join(made, 'package.json'));
    run(made, 'npm', 'install', '--no-audit', '--no-fund', '--ignore-scripts');
  });
  run(join(here, 'adapters/river'), 'go', 'build', '-o', join(folder, 'river'), '.');
  // Adapters find their libraries beside them.
  cpSync(join(here, 'adapters'), folder, { recursive: true, filter: (path) => !path.includes('/river') });
  return folder;
};
