import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isProcessAlive } from '@taskyard/client';
import { makeDataFolder } from '../data-folder.ts';

const pollMs = 50;
// A start takes seconds. A lock this old was left by a killed process, even if its process id is in use again.
const staleMs = 120_000;

const isStale = async (path: string): Promise<boolean> => {
  const [text, facts] = await Promise.all([
    readFile(path, 'utf8').catch(() => ''),
    stat(path).catch(() => undefined),
  ]);
  if (!facts) return false;
  const age = Date.now() - facts.mtimeMs;
  // An empty lock is being written at this moment.
  const isOrphaned = text === '' ? age > 1000 : !isProcessAlive(Number(text));
  return isOrphaned || age > staleMs;
};

const take = async (path: string): Promise<boolean> => {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (await isStale(path)) {
      // Of several processes that find it stale, one renames it; for the others it is gone.
      const aside = `${path}.${process.pid}`;
      await rename(path, aside).catch(() => undefined);
      await rm(aside, { force: true });
    }
    return false;
  }
};

/** Calls a function while no other process starts a platform in this data folder. */
export const whileNobodyStarts = async <T>(
  data: string,
  { pause }: { readonly pause: (milliseconds: number) => Promise<void> },
  action: () => Promise<T>,
): Promise<T> => {
  await makeDataFolder(data);
  const path = join(data, 'starting.lock');
  while (!(await take(path))) await pause(pollMs);
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
};
