import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { type Clock, seconds } from '../clock.ts';

/** Ends tasks before the machine runs out of memory, and takes others or the worker itself with them. */
export interface MemoryGuard {
  /** Watches a task. Returns a function that ends the watch. */
  watch(task: WatchedTask): () => void;
  close(): void;
}

export interface WatchedTask {
  readonly memoryBytes: () => number;
  readonly end: () => void;
}

export interface MachineMemory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

// The original's: both must hold, and for as long.
const usedShareMax = 0.9;
const availableBytesMin = 500 * 1024 * 1024;
const allowedMs = seconds(5);

const lookAgainMs = seconds(1);

const machineMemory = async (): Promise<MachineMemory> => {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(text)?.[1];
  return {
    totalBytes: totalmem(),
    availableBytes: available === undefined ? freemem() : Number(available) * 1024,
  };
};

const isScarce = ({ totalBytes, availableBytes }: MachineMemory): boolean =>
  availableBytes < availableBytesMin && availableBytes < totalBytes * (1 - usedShareMax);

/** Ends the largest task when memory has been scarce for too long, and then checks again. */
export const startMemoryGuard = (clock: Clock, look = machineMemory): MemoryGuard => {
  const tasks = new Set<WatchedTask>();
  const over = new AbortController();
  let scarceSince: number | undefined;
  const step = async (): Promise<void> => {
    const now = clock.now().getTime();
    if (tasks.size === 0 || !isScarce(await look())) {
      scarceSince = undefined;
      return;
    }
    scarceSince ??= now;
    if (now - scarceSince < allowedMs) return;
    const [largest] = [...tasks].sort((a, b) => b.memoryBytes() - a.memoryBytes());
    scarceSince = undefined;
    largest?.end();
  };
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await step();
      await clock.sleep(lookAgainMs, over.signal);
    }
  };
  void keep();
  return {
    watch: (task) => {
      tasks.add(task);
      return () => tasks.delete(task);
    },
    close: () => over.abort(),
  };
};
