import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { uploadFile } from '../artifacts/index.ts';
import type { RunningCommand } from '../engines/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { usageRecord } from '../resources/index.ts';
import type { Run } from './run.ts';

/** Watches the resource usage of the commands of a run. */
export interface Monitor {
  /** Aborts when the machine has too little memory for this task. */
  readonly pressure: AbortSignal;
  /** Starts the watch of a command. Returns a function that ends it. */
  watch(command: RunningCommand): () => void;
  /** Writes a summary to the log, and uploads the figures as an artifact if the task wants that. */
  report(): Promise<void>;
  close(): void;
}

// The first looks come fast, for commands that are over soon.
const firstLookMs = 50;
const lookMsMax = 500;

const figuresName = 'public/resource-usage.json';

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Starts to watch a run; undefined for a task that does not want it. */
export const openMonitor = (run: Run, { features, keepsFigures }: TaskDescription): Monitor | undefined => {
  if (!features.resourceMonitor) return undefined;
  const { clock, memoryGuard } = run.tools;
  const startedAt = clock.now().getTime();
  const record = usageRecord();
  const pressure = new AbortController();
  let memoryBytes = 0;
  const unwatch = memoryGuard.watch({ memoryBytes: () => memoryBytes, end: () => pressure.abort() });

  const look = (command: RunningCommand): void => {
    const usage = command.usage?.();
    if (!usage) return;
    memoryBytes = usage.memoryBytes;
    record.add({ ...usage, seconds: (clock.now().getTime() - startedAt) / 1000 });
  };
  const watch = (command: RunningCommand): (() => void) => {
    const over = new AbortController();
    const keep = async (): Promise<void> => {
      for (let pauseMs = firstLookMs; !over.signal.aborted; pauseMs = Math.min(pauseMs * 2, lookMsMax)) {
        look(command);
        await clock.sleep(pauseMs, over.signal);
      }
    };
    void keep();
    return () => {
      over.abort();
      record.nextCommand();
    };
  };

  return {
    pressure: pressure.signal,
    watch,
    report: async () => {
      const figures = record.figures();
      const { peakMemoryBytes, cpuSeconds, samples } = figures;
      if (samples.length === 0) return;
      run.log.info(
        `[resources] Memory at most ${mebibytes(peakMemoryBytes)}, ${cpuSeconds.toFixed(1)} s of processor time`,
      );
      if (keepsFigures) await keepFigures(run, figures);
    },
    close: () => void unwatch(),
  };
};

const keepFigures = async ({ claim, privateDirectory, interrupted }: Run, figures: object): Promise<void> => {
  const path = join(privateDirectory, 'resource-usage.json');
  await writeFile(path, `${JSON.stringify(figures)}\n`);
  const expires = new Date(claim.task.expires ?? claim.task.deadline);
  const file = {
    name: figuresName,
    path,
    expires,
    contentType: 'application/json',
    contentEncoding: 'gzip',
  } as const;
  await uploadFile(claim, file, interrupted);
};
