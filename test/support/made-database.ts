import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

// `npm test` spends the seconds of a processor that a first start of the platform takes once for all platforms of a run. A
// file that is run without it lets the platform do the same.
const { TASKYARD_TEST_MADE_DATABASE: made, TASKYARD_TEST_DATABASES: databases } = process.env;

const placeIn = (dataDir: string): string => join(dataDir, 'postgres');

// It keeps owners and modes, which PostgreSQL looks at.
const copy = (from: string, to: string) => promisify(execFile)('cp', ['-a', from, to]);

/** Puts the PostgreSQL data that a first start of the platform makes into a data folder that has none. */
export const putMadeDatabase = async (dataDir: string): Promise<void> => {
  const own = placeIn(dataDir);
  if (!made || existsSync(own)) return;
  await mkdir(dataDir, { recursive: true });
  await copy(made, own);
};

/** The same, but the data folder holds a link to the data, which are in `TASKYARD_TEST_DATABASES`. */
export const linkMadeDatabase = async (dataDir: string): Promise<void> => {
  const own = placeIn(dataDir);
  if (!made || !databases || existsSync(own)) return;
  const place = placeIn(await mkdtemp(join(databases, 'own-')));
  await copy(made, place);
  await mkdir(dataDir, { recursive: true });
  await symlink(place, own);
};

/** Removes a data folder, and the data that it has a link to. */
export const removeDataFolder = async (dataDir: string): Promise<void> => {
  const data = await realpath(placeIn(dataDir)).catch(() => dataDir);
  for (const path of [data, dataDir])
    await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
};
