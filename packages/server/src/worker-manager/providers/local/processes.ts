import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, minutes } from '../../../base/index.ts';
import type { ProviderContext } from '../provider.ts';
import type { LocalSettings } from './index.ts';
import { endLeftovers, runsFolder } from './leftovers.ts';

/** A worker that is to be started. */
export interface LocalWorker {
  readonly workerPoolId: string;
  readonly workerGroup: string;
  readonly workerId: string;
  readonly token: string;
  readonly secret: string;
  /** The content of its settings file, besides its working directory. */
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
  /** Why it has ended. */
  ending: string | undefined;
}

/** How long after SIGTERM the rest is killed, when the platform ends. */
const closeWithinMs = minutes(1);
const logExcerptBytes = 1000;

/** The processes of workers that this process has started. */
export class Processes {
  readonly #deps: ProviderContext;
  readonly #settings: LocalSettings;
  readonly #entries = new Map<string, Entry>();
  /** Slots of those that are just being started. */
  readonly #starting = new Set<number>();
  #isClosed = false;
  #cleared: Promise<void> | undefined;

  constructor(deps: ProviderContext, settings: LocalSettings) {
    this.#deps = deps;
    this.#settings = settings;
  }

  async start(worker: LocalWorker): Promise<StartedProcess> {
    const { log, changed } = this.#deps;
    if (this.#isClosed) throw new Error('The platform is ending.');
    const slot = this.#freeSlot();
    this.#starting.add(slot);
    const entry = await this.#run(worker, slot).finally(() => this.#starting.delete(slot));
    this.#entries.set(worker.workerId, entry);
    entry.child.once('exit', (code, signal) => {
      entry.ending = signal === null ? `it ended with status ${code}` : `it was ended by ${signal}`;
      log.debug({ workerId: worker.workerId, ending: entry.ending }, 'a local worker has ended');
      changed();
    });
    return entry;
  }

  /** Tells a worker to end. One that was told before and still runs is killed: it has had its time. */
  end(workerId: string): void {
    const entry = this.#entries.get(workerId);
    if (!entry || entry.ending !== undefined) return;
    entry.child.kill(entry.isToldToEnd ? 'SIGKILL' : 'SIGTERM');
    entry.isToldToEnd = true;
  }

  /** A process that runs. */
  find(workerId: string): StartedProcess | undefined {
    const entry = this.#entries.get(workerId);
    return entry && entry.ending === undefined ? entry : undefined;
  }

  /** The processes that run. */
  all(): StartedProcess[] {
    return this.#running();
  }

  /** Why a worker has ended; undefined while it runs. */
  async look(workerId: string): Promise<string | undefined> {
    const entry = this.#entries.get(workerId);
    if (entry && entry.ending === undefined) return undefined;
    return this.#forget(workerId, entry?.ending ?? 'it ended with the platform that had started it');
  }

  /** Ends, once, the workers that an earlier process started on this folder. */
  endLeftovers(): Promise<void> {
    const { clock, log } = this.#deps;
    this.#cleared ??= endLeftovers(this.#settings.folder, { clock, log }).catch((error: unknown) => {
      this.#cleared = undefined;
      throw error;
    });
    return this.#cleared;
  }

  /** Ends all, and waits for it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const running = this.#running();
    for (const { workerId } of running) this.end(workerId);
    await allEnded(running, this.#deps.clock);
  }

  #running(): Entry[] {
    return [...this.#entries.values()].filter(({ ending }) => ending === undefined);
  }

  #folderOf(workerId: string): string {
    return join(this.#settings.folder, runsFolder, workerId);
  }

  /** Working directories are used again, by one worker at a time, so that the next one finds the caches. */
  #freeSlot(): number {
    const taken = new Set([...this.#entries.values()].map(({ slot }) => slot).concat([...this.#starting]));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  async #run(worker: LocalWorker, slot: number): Promise<Entry> {
    const { command, environment, folder } = this.#settings;
    const [program = '', ...args] = command;
    const own = this.#folderOf(worker.workerId);
    const path = join(own, 'settings.json');
    await mkdir(own, { recursive: true, mode: 0o700 });
    const workDir = join(folder, 'work', String(slot));
    await writeFile(path, JSON.stringify({ ...worker.settings, workDir }), { mode: 0o600 });
    const output = await open(join(own, 'worker.log'), 'a', 0o600);
    try {
      // Its standard input is a pipe without a writer's data: when the pipe ends, the platform has ended, and the worker ends too.
      // A process group of its own keeps a terminal's interrupt away from it: we tell it to end in its turn.
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
  }

  /** Forgets a process that has ended, with its files; returns why it ended, and the end of its log. */
  async #forget(workerId: string, ending: string): Promise<string> {
    const own = this.#folderOf(workerId);
    const said = await readFile(join(own, 'worker.log'), 'utf8').catch(() => '');
    await rm(own, { recursive: true, force: true, maxRetries: 3 }).catch((err: unknown) =>
      this.#deps.log.warn({ err, workerId }, 'the files of a local worker could not be removed'),
    );
    this.#entries.delete(workerId);
    return said === '' ? ending : `${ending}; at last it said: ${said.slice(-logExcerptBytes).trim()}`;
  }
}

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
