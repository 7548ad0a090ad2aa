import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Clock, seconds } from '../clock.ts';

/** The environment variable by which the processes of a task are known. */
export const markerVariable = 'TASK_WORKDIR';

const roundsMax = 5;

const belongsTo = (environment: string, directory: string): boolean => {
  const marker = `${markerVariable}=${directory}`;
  if (!environment.includes(marker)) return false;
  return environment.split('\0').some((entry) => entry === marker || entry.startsWith(`${marker}/`));
};

const environmentOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return '';
  }
};

// Read in one go: files of /proc never wait for a disk, and a thread's way there and back for each of hundreds
// costs ten times as much as the reading.
const straysOf = (directory: string, strangers: Strangers | undefined): number[] =>
  (existsSync('/proc/self/environ') ? readdirSync('/proc') : [])
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      if (pid === process.pid || strangers?.has(pid)) return false;
      const environment = environmentOf(pid);
      strangers?.note(pid, environment);
      return belongsTo(environment, directory);
    });

// The kernel gives numbers of ended processes to new ones, but usually not again within this time.
const strangersForMs = seconds(5);

/** Processes of this machine that were seen to be of no task of this worker, so that they need not be looked at for each. */
export class Strangers {
  readonly #runs: string;
  readonly #clock: Clock;
  #pids = new Set<number>();
  #until = 0;

  /** `runs` is the directory of all runs of the worker. */
  constructor(runs: string, clock: Clock) {
    this.#runs = runs;
    this.#clock = clock;
  }

  has(pid: number): boolean {
    return this.#pids.has(pid);
  }

  /** Forgets those that were noted too long ago. */
  refresh(): void {
    const now = this.#clock.now().getTime();
    if (now < this.#until) return;
    this.#pids = new Set();
    this.#until = now + strangersForMs;
  }

  /** Takes note of a process by its environment. */
  note(pid: number, environment: string): void {
    if (environment !== '' && !belongsTo(environment, this.#runs)) this.#pids.add(pid);
  }
}

/**
 * Kills processes that left their group (daemons) but still carry the environment of a task at or below this
 * directory. Returns how many there were. Does nothing where there is no /proc; a process that has emptied its
 * environment is not found.
 */
export const killStrays = (directory: string, strangers?: Strangers): number => {
  strangers?.refresh();
  let killed = 0;
  for (let round = 0; round < roundsMax; round++) {
    const strays = straysOf(directory, strangers);
    if (strays.length === 0) break;
    for (const pid of strays) {
      try {
        process.kill(pid, 'SIGKILL');
        killed++;
      } catch {
        // It ended by itself.
      }
    }
  }
  return killed;
};
