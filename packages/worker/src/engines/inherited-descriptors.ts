import { readdirSync, readFileSync } from 'node:fs';

const directory = '/proc/self/fdinfo';
const closesOnExec = 0o2_000_000;

const isInherited = (descriptor: number): boolean => {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`${directory}/${descriptor}`, 'utf8'))?.[1] ?? '0';
    return (Number.parseInt(flags, 8) & closesOnExec) === 0;
  } catch {
    // It was the one through which the directory was read.
    return false;
  }
};

/**
 * Descriptors that this process was started with and would hand on to every process it starts: a shell's, a service
 * manager's. Node's own are none of them. Empty where there is no /proc.
 */
export const inheritedDescriptors = (): number[] => {
  try {
    return readdirSync(directory)
      .map(Number)
      .filter((descriptor) => descriptor > 2 && isInherited(descriptor));
  } catch {
    return [];
  }
};
