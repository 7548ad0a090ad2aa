import { execFileSync } from 'node:child_process';

/** A process of the machine: its parent, and its command line. */
interface Process {
  readonly parent: number;
  readonly command: string;
}

/** All processes of the machine by id. */
export const processes = (): Map<number, Process> => {
  const lines = execFileSync('/bin/ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  return new Map(
    lines.flatMap((line) => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return pid ? [[Number(pid), { parent: Number(parent), command: command ?? '' }]] : [];
    }),
  );
};

/** Whether a process of this user runs. */
export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The ids of the processes that this one has started. */
export const childrenOf = (parent: number | undefined, all = processes()): number[] =>
  [...all].filter(([, process]) => process.parent === parent).map(([pid]) => pid);

/** Those of a platform's processes that serve the API, where there are several. */
export const apiProcessesOf = (platform: number | undefined): number[] => {
  const all = processes();
  return childrenOf(platform, all).filter((pid) => all.get(pid)?.command.includes('api-process'));
};
