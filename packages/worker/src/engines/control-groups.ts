import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { messageOf } from '../worker-log.ts';

/** What each command may use. Undefined: there is no limit. */
export interface CommandLimits {
  readonly memoryMiB?: number | undefined;
  /** Processors, such as 1.5. */
  readonly cpus?: number | undefined;
  readonly pidsMax?: number | undefined;
}

/** A group of processes whose memory, time and number the kernel limits. */
export interface ControlGroup {
  /** A command line that puts itself into the group first. */
  entering(argv: readonly string[]): readonly string[];
  /** Whether the kernel has ended a process of it because it had too much memory. */
  ranOutOfMemory(): boolean;
  /** Ends what is left in it, and removes it. Never rejects. */
  close(): Promise<void>;
}

export interface ControlGroups {
  /** A group for one command. */
  open(): ControlGroup;
}

export interface ControlGroupsOptions extends CommandLimits {
  readonly clock: Clock;
  /** Tells the groups of one worker from those of others; the same after a restart. */
  readonly name: string;
  /** Where the kernel shows control groups, and those that this process is in. */
  readonly root?: string;
  readonly own?: string;
}

/** What a version of control groups calls things. */
interface Hierarchy {
  /** Where this worker may make groups: one directory for each controller of version 1, one for all of version 2. */
  readonly parents: readonly string[];
  /** Files of a group, by name, and what is written to them. */
  readonly settings: readonly { readonly parent: string; readonly file: string; readonly value: string }[];
  /** The file that counts the processes that ended for lack of memory, below a group. */
  readonly oomFile: string;
}

// The kernel's own default: how often a group gets its share of the processors.
const cpuPeriodUs = 100_000;

/** In microseconds of each period. The kernel takes no less than a thousand. */
const quotaOf = (cpus: number): string => String(Math.max(1000, Math.round(cpus * cpuPeriodUs)));

const bytesOf = (mebibytes: number): string => String(mebibytes * 1024 * 1024);

/** The path of this process in a hierarchy, as `/proc/self/cgroup` tells it: `4:memory:/path`, `0::/path`. */
const pathIn = (own: string, controller: string): string | undefined => {
  const lines = readFileSync(own, 'utf8').split('\n');
  const found = lines
    .map((line) => line.split(':'))
    .find(([, names = '']) => names.split(',').includes(controller));
  return found?.slice(2).join(':');
};

const version1 = (root: string, own: string, { memoryMiB, cpus, pidsMax }: CommandLimits): Hierarchy => {
  const parentOf = (controller: string): string => {
    const path = pathIn(own, controller);
    if (path === undefined) throw new Error(`there is no controller for ${controller}`);
    return join(root, controller, path);
  };
  const [memory, pids] = [memoryMiB && parentOf('memory'), pidsMax && parentOf('pids')];
  const cpu = cpus && parentOf('cpu');
  return {
    parents: [memory, cpu, pids].filter((parent) => typeof parent === 'string'),
    settings: [
      ...(memory && memoryMiB
        ? [
            { parent: memory, file: 'memory.limit_in_bytes', value: bytesOf(memoryMiB) },
            // Without swap, where the kernel counts it.
            ...(existsSync(join(memory, 'memory.memsw.limit_in_bytes'))
              ? [{ parent: memory, file: 'memory.memsw.limit_in_bytes', value: bytesOf(memoryMiB) }]
              : []),
          ]
        : []),
      ...(cpu && cpus
        ? [
            { parent: cpu, file: 'cpu.cfs_period_us', value: String(cpuPeriodUs) },
            { parent: cpu, file: 'cpu.cfs_quota_us', value: quotaOf(cpus) },
          ]
        : []),
      ...(pids && pidsMax ? [{ parent: pids, file: 'pids.max', value: String(pidsMax) }] : []),
    ],
    oomFile: 'memory.oom_control',
  };
};

/**
 * A group of version 2 with groups below it holds no processes itself, so the worker moves into one of its own. It has to be
 * allowed to: systemd delegates its group with `Delegate=yes`.
 */
const version2 = (root: string, own: string, { memoryMiB, cpus, pidsMax }: CommandLimits): Hierarchy => {
  const path = pathIn(own, '') ?? '/';
  const isMoved = path.endsWith('/worker');
  const parent = join(root, isMoved ? dirname(path) : path);
  const wanted = { memory: memoryMiB, cpu: cpus, pids: pidsMax };
  const controllers = Object.entries(wanted).flatMap(([name, limit]) => (limit ? [`+${name}`] : []));
  if (!isMoved) {
    mkdirSync(join(parent, 'worker'), { recursive: true });
    writeFileSync(join(parent, 'worker', 'cgroup.procs'), String(process.pid));
  }
  writeFileSync(join(parent, 'cgroup.subtree_control'), controllers.join(' '));
  return {
    parents: [parent],
    settings: [
      ...(memoryMiB
        ? [
            { parent, file: 'memory.max', value: bytesOf(memoryMiB) },
            { parent, file: 'memory.swap.max', value: '0' },
          ]
        : []),
      ...(cpus ? [{ parent, file: 'cpu.max', value: `${quotaOf(cpus)} ${cpuPeriodUs}` }] : []),
      ...(pidsMax ? [{ parent, file: 'pids.max', value: String(pidsMax) }] : []),
    ],
    oomFile: 'memory.events',
  };
};

const removable = ({ parents }: Hierarchy, prefix: string): string[] =>
  parents.flatMap((parent) =>
    readdirSync(parent)
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(parent, name)),
  );

const tryToRemove = (group: string): boolean => {
  try {
    rmdirSync(group);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
  return true;
};

const endAll = (group: string): void => {
  if (existsSync(join(group, 'cgroup.kill'))) {
    writeFileSync(join(group, 'cgroup.kill'), '1');
    return;
  }
  for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
};

// A process that was killed stays in its group for a moment.
const removeRoundsMax = 100;
const removeRoundMs = 10;

const enterScript =
  'while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 125; shift; done; shift; exec "$@"';

const setLimits = ({ settings }: Hierarchy, name: string): void => {
  for (const { parent, file, value } of settings) {
    const path = join(parent, name, file);
    // Not every kernel counts swap.
    if (file !== 'memory.swap.max' || existsSync(path)) writeFileSync(path, value);
  }
};

const openGroup = (hierarchy: Hierarchy, name: string, clock: Clock): ControlGroup => {
  const groups = hierarchy.parents.map((parent) => join(parent, name));
  try {
    for (const group of groups) mkdirSync(group);
    setLimits(hierarchy, name);
  } catch (error) {
    for (const group of groups) tryToRemove(group);
    throw error;
  }
  return {
    entering: (argv) => ['/bin/sh', '-c', enterScript, 'sh', ...groups, '--', ...argv],
    ranOutOfMemory: () =>
      groups
        .map((group) => join(group, hierarchy.oomFile))
        .filter((file) => existsSync(file))
        .some((file) => /^oom_kill [1-9]/m.test(readFileSync(file, 'utf8'))),
    close: async () => {
      for (const group of groups) {
        for (let round = 0; round < removeRoundsMax && !tryToRemove(group); round++) {
          endAll(group);
          await clock.sleep(removeRoundMs);
        }
      }
    },
  };
};

/**
 * Makes ready to limit commands by control groups of version 1 or 2; undefined where there is nothing to limit. Throws a
 * sentence where the machine cannot do what the operator wants.
 */
export const openControlGroups = (options: ControlGroupsOptions): ControlGroups | undefined => {
  const { clock, name, root = '/sys/fs/cgroup', own = '/proc/self/cgroup', ...limits } = options;
  if (Object.values(limits).every((limit) => limit === undefined)) return undefined;
  try {
    const isVersion2 = existsSync(join(root, 'cgroup.controllers'));
    const hierarchy = (isVersion2 ? version2 : version1)(root, own, limits);
    const prefix = `taskyard-${createHash('sha256').update(name).digest('hex').slice(0, 16)}-`;
    // A worker that was killed leaves empty groups: its commands ended with it.
    for (const group of removable(hierarchy, prefix)) tryToRemove(group);
    let count = 0;
    return { open: () => openGroup(hierarchy, `${prefix}${process.pid}-${count++}`, clock) };
  } catch (error) {
    throw new Error(`What commands use cannot be limited here: ${messageOf(error)}.`);
  }
};
