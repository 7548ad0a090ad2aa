import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './command.ts';
import { type Ending, root } from './platform.ts';

/** The command as it is installed on a machine without a checkout. */
export interface Installation {
  /** The folder that it was installed in. */
  readonly folder: string;
  /** The program. */
  readonly tyard: string;
}

/**
 * What `npm run pack` makes of this checkout, which `npm test` does once for a run. A file that is run without it packs them
 * to the folder that it names.
 *
 * @returns the folder of the packages, which is to be left as it is
 */
export const packagesIn = async (folder: string): Promise<string> => {
  const made = process.env.TASKYARD_TEST_PACKAGES;
  if (made) return made;
  const { code, err } = await runProgram(process.execPath, [join(root, 'scripts/pack.mjs'), folder], {
    cwd: root,
  });
  assert.equal(code, 0, err);
  return folder;
};

/** Installs the packed command in an empty folder without asking any registry. */
export const install = async (test: Ending): Promise<Installation> => {
  const folder = await mkdtemp(join(tmpdir(), 'taskyard-installed-'));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
  const packed = await packagesIn(join(folder, 'packages'));
  const [file = ''] = (await readdir(packed)).filter((name) => name.startsWith('taskyard-cli-'));
  const words = ['install', '--offline', '--no-audit', '--no-fund', join(packed, file)];
  const installed = await runProgram('npm', words, {
    cwd: folder,
    env: { npm_config_prefix: folder, npm_config_cache: join(folder, 'cache') },
  });
  assert.equal(installed.code, 0, installed.err);
  return { folder, tyard: join(folder, 'node_modules/.bin/tyard') };
};
