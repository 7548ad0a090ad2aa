import { readdir, readFile } from 'node:fs/promises';

/** The environment variable by which the processes of a task are known. */
export const markerVariable = 'TASK_WORKDIR';

const roundsMax = 5;

const belongsTo = (environment: string, directory: string): boolean =>
  environment
    .split('\0')
    .some(
      (entry) =>
        entry === `${markerVariable}=${directory}` || entry.startsWith(`${markerVariable}=${directory}/`),
    );

const straysOf = async (directory: string): Promise<number[]> => {
  const entries = await readdir('/proc').catch(() => []);
  const found: number[] = [];
  for (const entry of entries) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    // Processes of others, and those that end meanwhile, cannot be read.
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (belongsTo(environment, directory)) found.push(pid);
  }
  return found;
};

/**
 * Kills processes that left their group (daemons) but still carry the environment of a task at or below this
 * directory. Answers how many there were. Does nothing where there is no /proc; a process that has emptied its
 * environment is not found.
 */
export const killStrays = async (directory: string): Promise<number> => {
  let killed = 0;
  for (let round = 0; round < roundsMax; round++) {
    const strays = await straysOf(directory);
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
