import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isProcessAlive, makeFolder } from '@taskyard/client';
import { systemClock } from './clock.ts';
import { killStrays } from './engines/index.ts';
import { ignoring, removeTree } from './trees/index.ts';

/** The places of a worker on disk, which it alone uses. */
export interface WorkDirectory {
  /** Stays with the directory, whatever workers use it, and tells it from one at the same path of another machine. */
  readonly id: string;
  readonly runs: string;
  readonly caches: string;
  readonly downloads: string;
  /** For pipes that commands print into. */
  readonly pipes: string;
  /** Lets another worker have the directory. */
  release(): Promise<void>;
}

/**
 * When a process started, in the kernel's ticks: with its number, that names it for good. Undefined for one that has ended,
 * also while its parent has not taken note of that: in a container it may never do so. Linux only.
 */
const startOf = async (pid: number): Promise<string | undefined> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The name of the program, in brackets, may itself hold spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return ['Z', 'X'].includes(fields[0] ?? '') ? undefined : fields[19];
};

// Within one process the lock file cannot tell two workers apart.
const takenHere = new Set<string>();

const isTaken = async (path: string, lock: string): Promise<boolean> => {
  if (takenHere.has(path)) return true;
  const [pid = '', start] = (await readFile(lock, 'utf8').catch(() => '')).split(' ');
  if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false;
  return isProcessAlive(Number(pid)) && (await startOf(Number(pid))) === (start || undefined);
};

const asidePrefix = 'left-';

/**
 * Removes what earlier runs left. What cannot be removed (files of another user, say) is at least out of the way:
 * a worker always starts, and tries again the next time.
 */
const putAside = async (path: string, runs: string): Promise<void> => {
  const aside = join(path, `${asidePrefix}${randomBytes(6).toString('hex')}`);
  await rename(runs, aside).catch(ignoring('ENOENT'));
  for (const entry of await readdir(path)) {
    if (entry.startsWith(asidePrefix)) await removeTree(join(path, entry)).catch(() => undefined);
  }
};

const idPattern = /^[0-9a-f]{24}$/;

/** The id that is kept in a directory. What a task without isolation has put in its place counts for nothing. */
const idIn = async (path: string): Promise<string> => {
  const file = join(path, 'directory-id');
  const isFile = await lstat(file).then((facts) => facts.isFile(), ignoring('ENOENT'));
  const known = isFile ? (await readFile(file, 'utf8')).trim() : '';
  if (idPattern.test(known)) return known;
  const id = randomBytes(12).toString('hex');
  await removeTree(file);
  await writeFile(file, `${id}\n`);
  return id;
};

/** Takes a directory for one worker, and clears away what an earlier one left there when it was killed. */
export const takeWorkDirectory = async (path: string): Promise<WorkDirectory> => {
  await makeFolder(path);
  const lock = join(path, 'worker.lock');
  if (await isTaken(path, lock)) {
    throw new Error(`Another worker is using ${path}: give this one a folder of its own (--work-dir).`);
  }
  takenHere.add(path);
  await writeFile(lock, `${process.pid} ${(await startOf(process.pid)) ?? ''}`);
  const runs = join(path, 'runs');
  await killStrays(runs, { clock: systemClock });
  await putAside(path, runs);
  await mkdir(runs, { recursive: true, mode: 0o700 });
  const pipes = join(path, 'pipes');
  await removeTree(pipes);
  await mkdir(pipes, { mode: 0o700 });
  return {
    id: await idIn(path),
    runs,
    caches: join(path, 'caches'),
    downloads: join(path, 'downloads'),
    pipes,
    release: async () => {
      takenHere.delete(path);
      await removeTree(pipes);
      await rm(lock, { force: true });
    },
  };
};
