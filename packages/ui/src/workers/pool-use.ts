import type { WorkerPoolSampleList } from '@taskyard/client/browser';

type Samples = Pick<WorkerPoolSampleList, 'samples' | 'seconds'>;

/** Curves of a pool: seconds since 1970, workers, idle share in percent, and dollars per hour; null where unknown. */
export type PoolCurves = [number[], number[], (number | null)[], (number | null)[]];

const idleShare = ({ running, idle }: { running: number; idle: number }): number | null =>
  running > 0 ? (100 * idle) / running : null;

/** What is drawn of the samples of a pool. */
export const poolCurves = ({ samples }: Samples): PoolCurves => [
  samples.map(({ begins }) => Date.parse(begins) / 1000),
  samples.map(({ workers }) => workers),
  samples.map(idleShare),
  samples.map(({ usdPerHour }) => usdPerHour ?? null),
];

/** The same in words: the hours of workers, how many of them were idle, and what they cost. */
export const poolUseText = ({ samples, seconds }: Samples): string => {
  const hours = (of: (sample: Samples['samples'][number]) => number): number =>
    (samples.reduce((sum, sample) => sum + of(sample), 0) * seconds) / 3600;
  const [workers, running, idle] = [
    hours((sample) => sample.workers),
    hours((sample) => sample.running),
    hours((sample) => sample.idle),
  ];
  const share = running > 0 ? `, ${Math.round((100 * idle) / running)} % of their running time idle` : '';
  const isPriced = samples.every(({ usdPerHour }) => usdPerHour !== undefined);
  const cost = isPriced
    ? `, for ${hours(({ usdPerHour = 0 }) => usdPerHour).toFixed(2)} USD`
    : '; the price of some of them is not known';
  return `${workers.toFixed(1)} hours of workers in the last week${share}${cost}.`;
};
