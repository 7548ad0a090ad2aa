import { type Clock, seconds } from './clock.ts';
import type { Logger } from './log.ts';

/** A metric: its name, what it means, and the labels of its values. */
export interface MetricSpec {
  /** Ends with its unit: `…_seconds`, `…_total` for what only grows. */
  readonly name: string;
  /** A sentence. */
  readonly help: string;
  readonly labels?: readonly string[];
}

export interface HistogramSpec extends MetricSpec {
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/** Adds one value to a distribution. */
export type Observe = (value: number) => void;

/** Adds one to a count. */
export type Count = () => void;

/** A value that was read, with the values of its labels. */
export interface Reading {
  readonly labels: readonly string[];
  readonly value: number;
}

/** One line of the text that is scraped. */
export interface Sample {
  /** What follows the name of the metric: `_bucket`, `_sum`, `_count`, or nothing. */
  readonly suffix: string;
  /** Names and values of labels. */
  readonly labels: readonly (readonly [string, string])[];
  readonly value: number;
}

/** A metric with all its values, as one process sends it to another. */
export interface MetricValues {
  readonly name: string;
  readonly help: string;
  readonly type: 'histogram' | 'gauge' | 'counter';
  readonly samples: readonly Sample[];
}

/** The metrics of a process. */
export interface Metrics {
  /** A distribution. Resolve the labels once and keep the result: an observation then costs some nanoseconds. */
  histogram(spec: HistogramSpec): (...labels: readonly string[]) => Observe;
  /** A count of events, kept in memory. Its name ends with `_total`. Resolve the labels once where many events share them. */
  counter(spec: MetricSpec): (...labels: readonly string[]) => Count;
  /** A value that is read when metrics are asked for. A name that ends with `_total` makes it a counter. */
  gauge(
    spec: MetricSpec,
    read: () => number | readonly Reading[] | Promise<number | readonly Reading[]>,
  ): void;
  /** All current values. A reading that fails, or takes longer than two seconds, is left out. */
  read(): Promise<MetricValues[]>;
}

/** Measures nothing, for processes whose metrics are never read. */
export const noMetrics: Metrics = {
  histogram: () => () => () => {},
  counter: () => () => () => {},
  gauge: () => {},
  read: async () => [],
};

const readWithinMs = seconds(2);

type Labels = readonly (readonly [string, string])[];

/**
 * Metrics of this process; every value has `labels`. Written by hand, since each request makes several observations: one
 * is a search in a short array and three additions.
 */
export const createMetrics = (
  { clock, log }: { clock: Clock; log: Logger },
  labels: Readonly<Record<string, string>> = {},
): Metrics => {
  const common = Object.entries(labels);
  const readers: (() => Promise<MetricValues | undefined>)[] = [];
  const sampleOf = (spec: MetricSpec, { labels: values, value }: Reading): Sample => ({
    suffix: '',
    labels: [...common, ...named(spec, values)],
    value,
  });
  return {
    histogram: (spec) => {
      const series = new Map<string, Series>();
      readers.push(async () => ({
        ...described(spec, 'histogram'),
        samples: [...series.values()].flatMap((each) => samplesOf(spec, each)),
      }));
      return (...values) => {
        const key = values.join('\n');
        const found = series.get(key) ?? newSeries(spec, [...common, ...named(spec, values)]);
        series.set(key, found);
        return observerOf(spec, found);
      };
    },
    counter: (spec) => {
      const counts = new Map<string, { readonly labels: readonly string[]; value: number }>();
      readers.push(async () => ({
        ...described(spec, 'counter'),
        samples: [...counts.values()].map((each) => sampleOf(spec, each)),
      }));
      return (...values) => {
        const key = values.join('\n');
        const found = counts.get(key) ?? { labels: values, value: 0 };
        counts.set(key, found);
        return () => {
          found.value++;
        };
      };
    },
    gauge: (spec, read) => {
      const type = spec.name.endsWith('_total') ? 'counter' : 'gauge';
      readers.push(async () => {
        const value = await inTime(clock, read).catch((err) => {
          log.warn({ err, metric: spec.name }, 'a metric could not be read');
        });
        if (value === undefined) return undefined;
        const readings = typeof value === 'number' ? [{ labels: [], value }] : value;
        return { ...described(spec, type), samples: readings.map((each) => sampleOf(spec, each)) };
      });
    },
    read: async () => (await Promise.all(readers.map((read) => read()))).flatMap((values) => values ?? []),
  };
};

const described = ({ name, help }: MetricSpec, type: MetricValues['type']) => ({ name, help, type });

const named = ({ labels = [] }: MetricSpec, values: readonly string[]): Labels =>
  labels.map((label, i) => [label, values[i] ?? ''] as const);

/** The value of a reading, unless it fails or takes too long. One that hangs must not hide the others. */
const inTime = async <T>(clock: Clock, read: () => T | Promise<T>): Promise<T> => {
  const done = new AbortController();
  const late = clock.sleep(readWithinMs, done.signal).then(() => {
    throw new Error('The reading took too long');
  });
  // Not awaited any more when the reading came first.
  late.catch(() => {});
  try {
    return await Promise.race([read(), late]);
  } finally {
    done.abort();
  }
};

/** The distribution of the values with certain labels. */
interface Series {
  readonly labels: Labels;
  /** How many values fell into each bucket; the last one has no upper bound. */
  readonly counts: number[];
  sum: number;
}

const newSeries = ({ buckets }: HistogramSpec, labels: Labels): Series => ({
  labels,
  counts: new Array<number>(buckets.length + 1).fill(0),
  sum: 0,
});

const observerOf =
  ({ buckets }: HistogramSpec, series: Series): Observe =>
  (value) => {
    let i = 0;
    while (i < buckets.length && value > (buckets[i] as number)) i++;
    (series.counts[i] as number)++;
    series.sum += value;
  };

/** Cumulative buckets, as Prometheus expects them: each counts all values up to its bound. */
const samplesOf = ({ buckets }: HistogramSpec, { labels, counts, sum }: Series): Sample[] => {
  let total = 0;
  const cumulative = counts.map((count, i): Sample => {
    total += count;
    const le = i < buckets.length ? String(buckets[i]) : '+Inf';
    return { suffix: '_bucket', labels: [...labels, ['le', le]], value: total };
  });
  return [...cumulative, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: total }];
};

/** The values of some processes in the text format of Prometheus, version 0.0.4. All values of a metric follow each other. */
export const metricsText = (processes: readonly (readonly MetricValues[])[]): string => {
  const metrics = new Map<string, MetricValues[]>();
  for (const values of processes.flat()) {
    metrics.set(values.name, [...(metrics.get(values.name) ?? []), values]);
  }
  return [...metrics.values()].map(metricText).join('');
};

const metricText = (parts: readonly MetricValues[]): string => {
  const [{ name, help, type } = { name: '', help: '', type: '' }] = parts;
  const lines = parts.flatMap(({ samples }) => samples.map((sample) => sampleText(name, sample)));
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
};

const sampleText = (name: string, { suffix, labels, value }: Sample): string => {
  const text = labels.map(([label, of]) => `${label}="${escaped(of).replaceAll('"', '\\"')}"`).join(',');
  return `${name}${suffix}${text ? `{${text}}` : ''} ${value}`;
};

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
