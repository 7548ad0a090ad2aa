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

const areNumbers = (...values: readonly unknown[]): boolean => values.every(Number.isFinite);

/** Reads what is in that artifact. A task may write one of its own by that name, so it may hold anything. */
export const usageIn = (text: string): Usage => {
  const { peakMemoryBytes, cpuSeconds, samples } = (JSON.parse(text) ?? {}) as Partial<Usage>;
  const isUsage =
    areNumbers(peakMemoryBytes, cpuSeconds) &&
    Array.isArray(samples) &&
    samples.every((each) => areNumbers(each?.seconds, each?.memoryBytes, each?.cpuSeconds));
  if (!isUsage) throw new Error(`${usageName} is not what a worker writes.`);
  return { peakMemoryBytes, cpuSeconds, samples } as Usage;
};

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
