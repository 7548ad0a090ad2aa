import { readdirSync, readFileSync } from 'node:fs';
import type { Usage } from './engine.ts';

// The kernel tells user programs of time in hundredths of a second, whatever it counts in itself.
const ticksPerSecond = 100;

// A task that forks without end must not stop its worker as well.
const processesMax = 5000;

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended meanwhile, or belongs to somebody else.
    return '';
  }
};

const threadsOf = (pid: number): string[] => {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
};

const childrenOf = (pid: number): number[] =>
  threadsOf(pid).flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`)
      .split(' ')
      .filter((text) => text !== '')
      .map(Number),
  );

/** Its own time, and that of its children that it has waited for. */
const cpuTicksOf = (stat: string): number => {
  // The name of the program, in brackets, may itself hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
};

const memoryBytesOf = (status: string): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;

/**
 * What a process and all that descend from it use at this moment. Pages that several of them share are counted
 * for each. Undefined when it has ended, or where there is no /proc.
 */
export const usageOfTree = (root: number): Usage | undefined => {
  if (read(`/proc/${root}/stat`) === '') return undefined;
  const rest = [root];
  let ticks = 0;
  let memoryBytes = 0;
  for (let seen = 0; seen < processesMax; seen++) {
    const pid = rest.pop();
    if (pid === undefined) break;
    const stat = read(`/proc/${pid}/stat`);
    if (stat !== '') ticks += cpuTicksOf(stat);
    memoryBytes += memoryBytesOf(read(`/proc/${pid}/status`));
    rest.push(...childrenOf(pid));
  }
  return { cpuSeconds: ticks / ticksPerSecond, memoryBytes };
};
