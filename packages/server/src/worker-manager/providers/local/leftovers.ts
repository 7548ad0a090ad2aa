import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, type Logger, seconds } from '../../../base/index.ts';

interface Process {
  readonly pid: number;
  readonly commandLine: string;
}

/** The folder of each worker's files while it exists; files that outlive it lie beside. */
export const runsFolder = 'runs';

/** Processes that have not ended by then are killed. */
const patienceMs = seconds(5);
const lookAgainMs = 50;

/** All visible processes, with their parents. */
const listProcesses = async (): Promise<Process[]> => {
  if (process.platform === 'linux') {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    return Promise.all(
      pids.map(async (pid) => ({
        pid: Number(pid),
        commandLine: (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' '),
      })),
    );
  }
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,args='], {
    maxBuffer: 2 ** 24,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, commandLine = ''] = line.match(/^\s*(\d+)\s+(.*)$/) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), commandLine }];
  });
};

/** Workers whose settings lie in a folder, by their command lines, no matter what started them. */
const workersOf = async (folder: string): Promise<number[]> =>
  (await listProcesses())
    .filter(({ pid, commandLine }) => pid !== process.pid && commandLine.includes(`--config ${folder}/`))
    .map(({ pid }) => pid);

const send = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

/** Ends all workers whose files lie in this folder, and removes the files. To be called while none of them is ours. */
export const endLeftovers = async (
  folder: string,
  { clock, log }: { clock: Clock; log: Logger },
): Promise<void> => {
  const left = await workersOf(folder);
  if (left.length > 0)
    log.warn({ pids: left }, 'workers of a platform that has ended are still there; they are ended');
  for (const pid of left) send(pid, 'SIGTERM');
  for (let waitedMs = 0; (await workersOf(folder)).length > 0; waitedMs += lookAgainMs) {
    if (waitedMs >= patienceMs) for (const pid of await workersOf(folder)) send(pid, 'SIGKILL');
    await clock.sleep(lookAgainMs);
  }
  await rm(join(folder, runsFolder), { recursive: true, force: true, maxRetries: 3 });
};
