// What many tests start with, made once for all tests of a run.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writePrograms } from './programs.mjs';

/**
 * Makes the data of PostgreSQL as a platform makes them at its first start, for the tests of whole platforms to copy.
 *
 * @returns their folder, for test/support/made-database.ts
 */
const makeDatabase = async (folder) => {
  const { startEmbeddedPostgres, migrate, silentLog } = await import(
    '../../packages/server/dist/base/index.js'
  );
  const server = await startEmbeddedPostgres({ dataDir: folder, log: silentLog, settings: { fsync: 'off' } });
  await migrate(server.tcpUrl);
  await server.stop();
  const made = join(folder, 'postgres');
  // A test kills processes, and what these have written stays: only a machine that stops would lose it.
  appendFileSync(join(made, 'data/postgresql.conf'), 'fsync = off\nfull_page_writes = off\n');
  // Each copy chooses a port of its own.
  for (const name of ['port', 'log']) rmSync(join(made, name), { recursive: true, force: true });
  return made;
};

/** Makes the packages that users install, for test/support/installed.ts. Returns their folder. */
const makePackages = async (folder) => {
  const script = fileURLToPath(new URL('../pack.mjs', import.meta.url));
  await promisify(execFile)(process.execPath, [script, folder]);
  return folder;
};

/**
 * Makes what these test files use of it.
 *
 * @param folder that is made for it
 * @param databases the folder of databases, those of tests too
 * @returns variables of the environment that tell the tests where it is
 */
export const makeForAll = async (files, { folder, databases }) => {
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const isNamed = (name) => texts.some((text) => text.includes(name));
  const hasPlatforms = files.some((file) => file.startsWith(join('test', 'dist')));
  mkdirSync(folder);
  const wanted = [
    ['MADE_DATABASE', hasPlatforms, () => makeDatabase(join(databases, 'made'))],
    ['PROGRAMS', hasPlatforms || isNamed('programAt('), () => writePrograms(join(folder, 'programs'))],
    ['PACKAGES', isNamed('/support/installed.js'), () => makePackages(join(folder, 'packages'))],
  ].filter(([, isWanted]) => isWanted);
  const made = wanted.map(async ([name, , make]) => [`TASKYARD_TEST_${name}`, await make()]);
  return { TASKYARD_TEST_DATABASES: databases, ...Object.fromEntries(await Promise.all(made)) };
};
