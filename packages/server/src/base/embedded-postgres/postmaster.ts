import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, readlink, realpath, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { minutes, seconds, systemClock } from '../clock.ts';
import { isProcessAlive } from '../process-alive.ts';
import type { ClusterPaths } from './cluster.ts';
import { cleanEnvironment, runProgram } from './programs.ts';

/** What a running server writes into its lock file. */
interface Lock {
  readonly pid: number;
  /** starting, ready, stopping, standby */
  readonly status: string;
  readonly text: string;
}

/** Reads the server's lock file, `postmaster.pid`; undefined when there is none. */
export const readLock = async (data: string): Promise<Lock | undefined> => {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  return pid > 0 ? { pid, status: (lines[7] ?? '').trim(), text } : undefined;
};

/** Whether this process is the server of that data. An old lock may name a process id that another program has now. */
const serves = async (pid: number, data: string): Promise<boolean> => {
  if (!isProcessAlive(pid)) return false;
  if (process.platform === 'linux') {
    const folder = await readlink(`/proc/${pid}/cwd`).catch((error: NodeJS.ErrnoException) => error.code);
    return folder === (await realpath(data)) || folder === 'EACCES';
  }
  const { output } = await runProgram(['/bin/ps', '-p', String(pid), '-o', 'command=']);
  return output.includes(data);
};

/** Whether a server runs on that data. */
export const isServed = async (data: string): Promise<boolean> => {
  const lock = await readLock(data);
  return lock !== undefined && (await serves(lock.pid, data));
};

/** Without the system's help a server outlives a parent that was killed; then the first process is its parent. */
const isOrphan = async (pid: number): Promise<boolean> => {
  const { output } = await runProgram(['/bin/ps', '-p', String(pid), '-o', 'ppid=']);
  return output.trim() === '1';
};

const shutdownPatience = seconds(60);
const orphanPatience = seconds(1);
const pollMs = 5;

/**
 * Waits until no server runs on the data. A server that has lost its parent is shut down; one that belongs to a living
 * process is an error.
 */
export const waitForPrevious = async (data: string, diesWithParent: boolean): Promise<void> => {
  const started = systemClock.now().getTime();
  const waited = () => systemClock.now().getTime() - started;
  let isTold = false;
  for (;;) {
    const lock = await readLock(data);
    if (!lock || !(await serves(lock.pid, data))) return;
    const isStopping = isTold || lock.status === 'stopping';
    if (waited() > (isStopping ? shutdownPatience : orphanPatience)) {
      throw new Error(
        `Another process uses ${data}: its PostgreSQL has process id ${lock.pid}. Stop it, or choose another data folder.`,
      );
    }
    if (!isStopping && !diesWithParent && (await isOrphan(lock.pid))) {
      process.kill(lock.pid, 'SIGINT');
      isTold = true;
    }
    await systemClock.sleep(pollMs);
  }
};

const logBytesMax = 1_000_000;

/** Opens the server's log for appending; a long one becomes `log.1` first, so two are kept. */
const openLog = async (path: string): Promise<{ descriptor: number; offset: number }> => {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  const isLong = size > logBytesMax;
  if (isLong) await rename(path, `${path}.1`);
  return { descriptor: openSync(path, 'a', 0o600), offset: isLong ? 0 : size };
};

export interface Attempt {
  /** The whole command line. */
  readonly command: readonly string[];
  readonly paths: ClusterPaths;
}

export type Started =
  | { readonly kind: 'ready'; readonly child: ChildProcess; readonly pid: number }
  | { readonly kind: 'ended'; readonly said: string };

// After a crash the server first replays up to a gigabyte of its journal.
const startPatience = minutes(10);

const spawnServer = async ({ command, paths }: Attempt) => {
  const { descriptor, offset } = await openLog(paths.log);
  const [program = '', ...args] = command;
  try {
    // A group of its own: Ctrl-C in a terminal reaches the whole group, and the platform must drain before its database stops.
    const child = spawn(program, args, {
      detached: true,
      env: cleanEnvironment,
      stdio: ['ignore', descriptor, descriptor],
    });
    child.unref();
    return { child, offset };
  } finally {
    closeSync(descriptor);
  }
};

/** Starts the server and waits until it accepts connections. Throws what it wrote to its log when it ends instead. */
export const startServer = async (attempt: Attempt): Promise<Started> => {
  const { data, log } = attempt.paths;
  const before = await readLock(data);
  const { child, offset } = await spawnServer(attempt);
  let ended: string | undefined;
  child.once('error', (error) => {
    ended = error.message;
  });
  child.once('exit', () => {
    ended ??= '';
  });
  const cancel = systemClock.after(startPatience, () => child.kill('SIGQUIT'));
  for (;;) {
    if (ended !== undefined) {
      cancel();
      const text = (await readFile(log)).subarray(offset).toString('utf8');
      return { kind: 'ended', said: `${ended}${text}`.trim() };
    }
    const lock = await readLock(data);
    // An old lock may by chance name the process id of our server, but then its text has not changed.
    // A standby, as tests run one, accepts connections that read.
    if (
      lock?.pid === child.pid &&
      (lock?.status === 'ready' || lock?.status === 'standby') &&
      lock.text !== before?.text
    ) {
      cancel();
      return { kind: 'ready', child, pid: lock.pid };
    }
    await systemClock.sleep(pollMs);
  }
};

/** Fast shutdown: sessions are ended, everything is written. A server that does not end is killed. */
export const stopServer = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  // Keeps our process alive while it waits.
  child.ref();
  const exit = once(child, 'exit');
  const cancel = systemClock.after(shutdownPatience, () => child.kill('SIGQUIT'));
  child.kill('SIGINT');
  await exit;
  cancel();
};
