import type { Usage } from '../engines/index.ts';

/** One sample of a task's resource usage. */
export interface Sample extends Usage {
  /** Since the first command started. */
  readonly seconds: number;
}

export interface UsageFigures {
  readonly peakMemoryBytes: number;
  readonly cpuSeconds: number;
  readonly samples: readonly Sample[];
}

export interface UsageRecord {
  add(sample: Sample): void;
  /** The next samples are of another command, whose processor time begins at zero. */
  nextCommand(): void;
  figures(): UsageFigures;
}

// Enough for a curve as wide as a screen.
const samplesMax = 1000;

/** Records the resource usage of a task. Old samples are thinned out, so the record of a long task stays short. */
export const usageRecord = (): UsageRecord => {
  let samples: Sample[] = [];
  let stride = 1;
  let seen = 0;
  let peakMemoryBytes = 0;
  let earlierCpuSeconds = 0;
  let cpuSeconds = 0;
  return {
    add: ({ seconds, memoryBytes, cpuSeconds: ofCommand }) => {
      peakMemoryBytes = Math.max(peakMemoryBytes, memoryBytes);
      // A process that left its parents takes its time out of the sum.
      cpuSeconds = Math.max(cpuSeconds, earlierCpuSeconds + ofCommand);
      if (seen++ % stride !== 0) return;
      samples.push({ seconds, memoryBytes, cpuSeconds });
      if (samples.length < samplesMax) return;
      samples = samples.filter((_, index) => index % 2 === 0);
      stride *= 2;
    },
    nextCommand: () => {
      earlierCpuSeconds = cpuSeconds;
    },
    figures: () => ({ peakMemoryBytes, cpuSeconds, samples }),
  };
};
