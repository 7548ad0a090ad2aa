import { existsSync, readdirSync, readFileSync } from 'node:fs';

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
const straysOf = (directory: string): number[] =>
  (existsSync('/proc/self/environ') ? readdirSync('/proc') : [])
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== process.pid && belongsTo(environmentOf(pid), directory));

/**
 * Kills processes that left their group (daemons) but still carry the environment of a task at or below this
 * directory. Returns how many there were. Does nothing where there is no /proc; a process that has emptied its
 * environment is not found.
 */
export const killStrays = (directory: string): number => {
  let killed = 0;
  for (let round = 0; round < roundsMax; round++) {
    const strays = straysOf(directory);
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
