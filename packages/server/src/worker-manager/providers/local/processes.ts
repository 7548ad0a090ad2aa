import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, minutes } from '../../../base/index.ts';
import type { ProviderDeps } from '../provider.ts';
import type { LocalSettings } from './index.ts';
import { endLeftovers, runsFolder } from './leftovers.ts';

/** A worker that is to be started. */
export interface LocalWorker {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly token: string;
  readonly secret: string;
  /** What stands in its file of settings, besides the folder that it works in. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** A worker with its process. */
export interface StartedProcess extends LocalWorker {
  readonly pid: number;
}

interface Entry extends StartedProcess {
  readonly child: ChildProcess;
  readonly slot: number;
  isToldToEnd: boolean;
  /** Why it is there no more. */
  ending: string | undefined;
}

/** How long after SIGTERM the rest is killed when the platform ends. */
const closeWithinMs = minutes(1);
const logExcerptBytes = 1000;

/** The processes of workers that this process has started. */
export const createProcesses = (
  { clock, log, changed }: ProviderDeps,
  { command, environment, folder }: LocalSettings,
) => {
  const entries = new Map<string, Entry>();
  /** Slots of those that are just being started. */
  const starting = new Set<number>();
  let isClosed = false;
  let cleared: Promise<void> | undefined;
  const folderOf = (workerId: string): string => join(folder, runsFolder, workerId);
  /** Folders to work in are used again, one worker at a time: what is cached there serves the next one. */
  const freeSlot = (): number => {
    const taken = new Set([...entries.values()].map(({ slot }) => slot).concat([...starting]));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  };

  const run = async (worker: LocalWorker, slot: number): Promise<Entry> => {
    const path = join(folderOf(worker.workerId), 'settings.json');
    const [program = '', ...args] = command;
    await mkdir(folderOf(worker.workerId), { recursive: true, mode: 0o700 });
    const workDir = join(folder, 'work', String(slot));
    await writeFile(path, JSON.stringify({ ...worker.settings, workDir }), { mode: 0o600 });
    const output = await open(join(folderOf(worker.workerId), 'worker.log'), 'a', 0o600);
    try {
      // Its standard input is a pipe that nobody writes to: when it ends, so has the platform, and then so does the worker.
      // A group of its own keeps an interrupt from the terminal to us: it is told to end in its turn.
      const child = spawn(program, [...args, '--config', path], {
        stdio: ['pipe', output.fd, output.fd],
        env: environment,
        detached: true,
      });
      await once(child, 'spawn');
      child.stdin?.on('error', () => {});
      return { ...worker, pid: child.pid ?? 0, child, slot, isToldToEnd: false, ending: undefined };
    } finally {
      await output.close();
    }
  };

  const start = async (worker: LocalWorker): Promise<StartedProcess> => {
    if (isClosed) throw new Error('The platform is ending.');
    const slot = freeSlot();
    starting.add(slot);
    const entry = await run(worker, slot).finally(() => starting.delete(slot));
    entries.set(worker.workerId, entry);
    entry.child.once('exit', (code, signal) => {
      entry.ending = signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`;
      log.debug({ workerId: worker.workerId, ending: entry.ending }, 'a local worker has ended');
      changed();
    });
    return entry;
  };

  /** Forgets a process that has ended, with its files; answers why it ended, and what it said at last. */
  const bury = async (workerId: string, ending: string): Promise<string> => {
    const said = await readFile(join(folderOf(workerId), 'worker.log'), 'utf8').catch(() => '');
    await rm(folderOf(workerId), { recursive: true, force: true, maxRetries: 3 }).catch((err: unknown) =>
      log.warn({ err, workerId }, 'the files of a local worker could not be removed'),
    );
    entries.delete(workerId);
    return said === '' ? ending : `${ending}; at last it said: ${said.slice(-logExcerptBytes).trim()}`;
  };

  const end = (workerId: string): void => {
    const entry = entries.get(workerId);
    if (!entry || entry.ending !== undefined) return;
    // Whoever has been asked before and is still there has had its time.
    entry.child.kill(entry.isToldToEnd ? 'SIGKILL' : 'SIGTERM');
    entry.isToldToEnd = true;
  };

  return {
    start,
    end,
    /** A process that runs. */
    find: (workerId: string): StartedProcess | undefined => {
      const entry = entries.get(workerId);
      return entry && entry.ending === undefined ? entry : undefined;
    },
    all: (): StartedProcess[] => [...entries.values()].filter(({ ending }) => ending === undefined),
    /** Why a worker is there no more; nothing while it is. */
    look: async (workerId: string): Promise<string | undefined> => {
      const entry = entries.get(workerId);
      if (entry && entry.ending === undefined) return undefined;
      return bury(workerId, entry?.ending ?? 'it ended with the platform that had started it');
    },
    /** Ends, once, what was started on this folder by a process that is no more. */
    endLeftovers: (): Promise<void> => {
      cleared ??= endLeftovers(folder, { clock, log }).catch((error: unknown) => {
        cleared = undefined;
        throw error;
      });
      return cleared;
    },
    /** Ends all, and waits for it. */
    close: async (): Promise<void> => {
      isClosed = true;
      const running = [...entries.values()].filter(({ ending }) => ending === undefined);
      for (const { workerId } of running) end(workerId);
      await allEnded(running, clock);
    },
  };
};

const allEnded = async (running: readonly Entry[], clock: Clock): Promise<void> => {
  const gone = Promise.all(
    running.map((entry) => (entry.ending === undefined ? once(entry.child, 'exit') : undefined)),
  );
  const over = new AbortController();
  const late = clock.sleep(closeWithinMs, over.signal).then(() => 'late' as const);
  if ((await Promise.race([gone, late])) === 'late') {
    for (const { child } of running) child.kill('SIGKILL');
    await gone;
  }
  over.abort();
};
