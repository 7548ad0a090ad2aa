// What processes cost, from /proc: the generator is not among them.
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** pid → parent, CPU seconds with those of children that have ended. */
const readProcesses = () => {
  const processes = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const text = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      processes.set(Number(name), { parent: Number(fields[1]), cpu: ticks / ticksPerSecond });
    } catch {
      // It has ended since.
    }
  }
  return processes;
};

/** A process and all below it. */
const familyOf = (root, processes) => {
  const family = processes.has(root) ? [root] : [];
  for (const pid of family) {
    for (const [child, { parent }] of processes) if (parent === pid) family.push(child);
  }
  return family;
};

/** CPU seconds that each of the named processes has used since its start, children included. */
export const cpuOf = (pids) => {
  const processes = readProcesses();
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [
      name,
      familyOf(pid, processes).reduce((sum, each) => sum + processes.get(each).cpu, 0),
    ]),
  );
};

/** CPU seconds that all processes of the machine have used. */
export const cpuOfMachine = () => {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const [user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
};

const pssOf = (pid) => {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
};

/** Memory of each of the named processes with its children, in MB (PSS: what is shared counts in parts). */
export const memoryOf = (pids) => {
  const processes = readProcesses();
  return Object.fromEntries(
    Object.entries(pids).map(([name, pid]) => [
      name,
      familyOf(pid, processes).reduce((sum, each) => sum + pssOf(each), 0),
    ]),
  );
};

/** Latencies in milliseconds. */
export const latencies = () => {
  const values = [];
  const at = (fraction) => {
    const sorted = Float64Array.from(values).sort();
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
  };
  return {
    add: (ms) => values.push(ms),
    /** Awaits the result of `run`, and records how long that took. */
    time: async (run) => {
      const start = performance.now();
      const value = await run();
      values.push(performance.now() - start);
      return value;
    },
    p50: () => at(0.5),
    p99: () => at(0.99),
  };
};

/** Runs something and returns its cost: wall time, and CPU seconds of each process for 1,000 operations. */
export const measure = async (pids, run) => {
  const before = cpuOf(pids);
  const start = performance.now();
  const operations = await run();
  const seconds = (performance.now() - start) / 1000;
  const after = cpuOf(pids);
  const cpu = Object.fromEntries(Object.keys(pids).map((name) => [name, after[name] - before[name]]));
  const cpuPer1000 = Object.fromEntries(
    Object.entries(cpu).map(([name, used]) => [name, (used / operations) * 1000]),
  );
  return { seconds, rate: operations / seconds, cpu, cpuPer1000 };
};
