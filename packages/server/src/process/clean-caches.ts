import { randomBytes } from 'node:crypto';
import { lstat, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hours, isProcessAlive, later } from '../base/index.ts';

/** How much may stay of what workers on this machine keep for later tasks. */
export interface CacheBounds {
  /** What no task has used since then goes. */
  readonly usedBefore: Date;
  readonly now: Date;
  /** What was used longest ago goes until all together have no more bytes than this. */
  readonly bytesMax: number;
}

/** What was deleted, or would be. */
export interface CleanedFiles {
  readonly count: number;
  readonly bytes: number;
}

/** A cache or a download. */
interface Kept {
  readonly slot: string;
  /** Below the folder of the slot. */
  readonly path: string;
  readonly bytes: number;
  readonly usedAt: Date;
}

const asidePrefix = 'cleaned-';

const removeTree = (path: string): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });

const missing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
};

const namesIn = async (folder: string): Promise<string[]> => (await readdir(folder).catch(missing)) ?? [];

/** The bytes of all files in a tree; what goes meanwhile does not count. */
const bytesOf = async (path: string): Promise<number> => {
  const facts = await lstat(path).catch(missing);
  if (!facts?.isDirectory()) return facts?.size ?? 0;
  let sum = 0;
  for (const name of await namesIn(path)) sum += await bytesOf(join(path, name));
  return sum;
};

/** Whether a worker uses this folder: the first word of the lock that it writes there is its process. */
const isUsed = async (folder: string): Promise<boolean> => {
  const [pid = ''] = ((await readFile(join(folder, 'worker.lock'), 'utf8').catch(missing)) ?? '').split(' ');
  return /^\d+$/.test(pid) && isProcessAlive(Number(pid));
};

const keptIn = async (work: string, slot: string): Promise<Kept[]> => {
  const kept: Kept[] = [];
  for (const kind of ['caches', 'downloads'])
    for (const name of await namesIn(join(work, slot, kind))) {
      const path = join(kind, name);
      const facts = await lstat(join(work, slot, path)).catch(missing);
      // What begins with a dot is the worker's own.
      if (!facts || name.startsWith('.')) continue;
      // A cache is moved to each task and back, which changes the time of its state. A download counts from its making.
      const usedAt = new Date(Math.max(facts.ctimeMs, facts.mtimeMs));
      kept.push({ slot, path, bytes: await bytesOf(join(work, slot, path)), usedAt });
    }
  return kept;
};

/**
 * Removes some of what an idle slot keeps. The folder has another name meanwhile: a worker that starts now begins with an
 * empty one and never sees half of a cache. Returns false when a worker was faster.
 */
const removeFrom = async (work: string, slot: string, doomed: readonly Kept[]): Promise<boolean> => {
  const [place, aside] = [
    join(work, slot),
    join(work, `${asidePrefix}${slot}-${randomBytes(4).toString('hex')}`),
  ];
  if (await isUsed(place)) return false;
  await rename(place, aside);
  const isTaken = await isUsed(aside);
  try {
    for (const { path } of isTaken ? [] : doomed) await removeTree(join(aside, path));
  } finally {
    // Where a worker has begun another folder meanwhile, that one stays.
    await rename(aside, place).catch(() => removeTree(aside));
  }
  return !isTaken;
};

/** Removes what a cleaning left that was killed in the middle. */
const removeLeftovers = async (work: string, now: Date): Promise<void> => {
  for (const name of (await namesIn(work)).filter((one) => one.startsWith(asidePrefix))) {
    const facts = await lstat(join(work, name)).catch(missing);
    if (facts && facts.ctime < later(now, -hours(1))) await removeTree(join(work, name));
  }
};

/**
 * Deletes caches and downloads of workers on this machine beyond the bounds, in the folders that no worker uses now. With
 * `isDryRun` it only says what it would delete.
 *
 * @param work the folder of the workers' folders
 */
export const cleanCaches = async (
  work: string,
  { usedBefore, now, bytesMax }: CacheBounds,
  { isDryRun }: { readonly isDryRun: boolean },
): Promise<CleanedFiles> => {
  if (!isDryRun) await removeLeftovers(work, now);
  const idle: Kept[] = [];
  let left = 0;
  for (const slot of (await namesIn(work)).filter((name) => /^\d+$/.test(name))) {
    const kept = await keptIn(work, slot);
    left += kept.reduce((sum, { bytes }) => sum + bytes, 0);
    if (!(await isUsed(join(work, slot)))) idle.push(...kept);
  }
  idle.sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime());
  const doomed = idle.filter(({ usedAt, bytes }) => {
    const goes = usedAt < usedBefore || left > bytesMax;
    if (goes) left -= bytes;
    return goes;
  });
  const cleaned = { count: 0, bytes: 0 };
  for (const slot of new Set(doomed.map((kept) => kept.slot))) {
    const own = doomed.filter((kept) => kept.slot === slot);
    if (!isDryRun && !(await removeFrom(work, slot, own))) continue;
    cleaned.count += own.length;
    cleaned.bytes += own.reduce((sum, { bytes }) => sum + bytes, 0);
  }
  return cleaned;
};
