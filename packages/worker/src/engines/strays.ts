import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { type Clock, seconds } from '../clock.ts';

/** The environment variable by which the processes of a task are known. */
export const markerVariable = 'TASK_WORKDIR';

// Processes that are being killed, or start a program, are looked at again after this time.
const roundMs = 5;
const roundsMax = 400;

const belongsTo = (environment: string, directory: string): boolean => {
  const marker = `${markerVariable}=${directory}`;
  if (!environment.includes(marker)) return false;
  return environment.split('\0').some((entry) => entry === marker || entry.startsWith(`${marker}/`));
};

const kernelThreadFlag = 0x00200000;

/** The fields of a line in `/proc/<pid>/stat` from the state on. The name of the program, in brackets, may hold spaces and brackets. */
const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ');

const isOfKernel = (fields: readonly string[]): boolean => (Number(fields[6]) & kernelThreadFlag) !== 0;

/** Whether it is a thread of the kernel, which has no environment and never comes to belong to a task. */
const isKernelThread = (pid: number): boolean => {
  try {
    return isOfKernel(fieldsOf(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  } catch {
    return false;
  }
};

/**
 * Whether a process that showed no environment may show one soon, by its line in `/proc/<pid>/stat` (see proc(5)). While
 * it starts a program its environment is empty: it has left that of the old one and has not got that of the new one yet.
 */
export const mayShowMore = (stat: string): boolean => {
  const fields = fieldsOf(stat);
  const [state = 'X'] = fields;
  const [endOfCode, start, end] = [24, 47, 48].map((index) => Number(fields[index]));
  if (state === 'Z' || state === 'X' || isOfKernel(fields)) return false;
  // Where the code of the new program is comes last: without it, an environment of no length has not been filled yet.
  return endOfCode === 0 || start !== end;
};

/** The environment of a process; undefined while it is not to be seen. */
export const environmentOf = (pid: number): string | undefined => {
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    if (environment !== '') return environment;
    return mayShowMore(readFileSync(`/proc/${pid}/stat`, 'utf8')) ? undefined : '';
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return '';
  }
};

// Read in one go: files of /proc never wait for a disk, and a thread's way there and back for each of hundreds
// costs ten times as much as the reading.
const look = (directory: string, strangers: Strangers | undefined): { strays: number[]; hidden: number } => {
  const strays: number[] = [];
  let hidden = 0;
  for (const entry of existsSync('/proc/self/environ') ? readdirSync('/proc') : []) {
    const pid = Number(entry);
    if (!/^\d+$/.test(entry) || pid === process.pid || strangers?.has(pid)) continue;
    const environment = environmentOf(pid);
    if (environment === undefined) hidden++;
    else if (belongsTo(environment, directory)) strays.push(pid);
    else strangers?.note(pid, environment);
  }
  return { strays, hidden };
};

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

  /** Takes note of a process by its environment. One without may be about to get one, unless it is the kernel's. */
  note(pid: number, environment: string): void {
    const isStranger = environment === '' ? isKernelThread(pid) : !belongsTo(environment, this.#runs);
    if (isStranger) this.#pids.add(pid);
  }
}

/**
 * Kills processes that left their group (daemons, what a shell in a terminal runs) but still carry the environment of a
 * task at or below this directory. Returns how many there were. Does nothing where there is no /proc; a process that has
 * emptied its environment is not found.
 */
export const killStrays = async (
  directory: string,
  { clock, strangers }: { clock: Clock; strangers?: Strangers },
): Promise<number> => {
  strangers?.refresh();
  const killed = new Set<number>();
  for (let round = 0; round < roundsMax; round++) {
    const { strays, hidden } = look(directory, strangers);
    if (strays.length === 0 && hidden === 0) break;
    for (const pid of strays) {
      try {
        process.kill(pid, 'SIGKILL');
        killed.add(pid);
      } catch {
        // It ended on its own.
      }
    }
    await clock.sleep(roundMs);
  }
  return killed.size;
};
