import { execFile } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, type Logger, seconds } from '../../../base/index.ts';

interface Process {
  readonly pid: number;
  readonly commandLine: string;
}

/** Where the files of each worker lie, as long as it is there; what outlives it lies beside. */
export const runsFolder = 'runs';

/** Killed hard when they have not ended by then. */
const patienceMs = seconds(5);
const lookAgainMs = 50;

/** All processes that may be seen, with what they were started by. */
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

/** Workers whose settings lie in a folder: their command line says so, whoever has started them. */
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

/** Ends all workers whose files lie in this folder, and removes those. For a time when none of them is ours. */
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
