/** What a worker writes of the memory and the processor time of a run. */
export interface Usage {
  readonly peakMemoryBytes: number;
  readonly cpuSeconds: number;
  readonly samples: readonly {
    readonly seconds: number;
    readonly memoryBytes: number;
    /** Since the beginning. */
    readonly cpuSeconds: number;
  }[];
}

/** The artifact that holds it, for tasks whose payload says `resourceMonitor: true`. */
export const usageName = 'public/resource-usage.json';

/** Curves to draw: seconds since the beginning, with the memory in MiB and how many processors were busy before each. */
export const curvesOf = ({ samples }: Pick<Usage, 'samples'>): [number[], number[], number[]] => [
  samples.map(({ seconds }) => seconds),
  samples.map(({ memoryBytes }) => memoryBytes / 2 ** 20),
  samples.map(({ seconds, cpuSeconds }, i) => {
    const before = samples[i - 1] ?? { seconds: 0, cpuSeconds: 0 };
    const passed = seconds - before.seconds;
    return passed > 0 ? (cpuSeconds - before.cpuSeconds) / passed : 0;
  }),
];

/** The same in words. */
export const usageText = ({ peakMemoryBytes, cpuSeconds }: Usage): string =>
  `At most ${(peakMemoryBytes / 2 ** 20).toFixed(1)} MiB of memory, and ${cpuSeconds.toFixed(1)} s of processors.`;
