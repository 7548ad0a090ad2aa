/** Tasks as they arrive: when, from the start of the trace, and how long each runs. In order of arrival. */
export interface Trace {
  readonly atMs: Float64Array;
  readonly durationMs: Float64Array;
}

/** The price of a machine of a launch config from a time on, and how certain it is. */
export interface MarketChange {
  readonly atMs: number;
  readonly launchConfigId: string;
  readonly usdPerHour: number;
  readonly interruptionsPerHour: number;
  /** How many instances there may be. */
  readonly instancesMax: number;
}

/** A file of a simulation is not as it should be. The sentence names the line. */
export class TraceError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TraceError';
  }
}

const traceColumns = 'at_seconds,duration_seconds';
const marketColumns = 'at_seconds,launch_config_id,usd_per_hour,interruptions_per_hour,instances_max';

const rowsOf = (text: string, columns: string): string[][] => {
  const [head = '', ...lines] = text.trimEnd().split(/\r?\n/);
  if (head.trim() !== columns) throw new TraceError(`The first line must be "${columns}".`);
  const width = columns.split(',').length;
  return lines.map((line, i) => {
    const cells = line.split(',');
    if (cells.length === width) return cells;
    throw new TraceError(`Line ${i + 2} has ${cells.length} columns instead of ${width}.`);
  });
};

const numberIn = (cell: string | undefined, line: number): number => {
  const value = Number(cell);
  if (cell && Number.isFinite(value) && value >= 0) return value;
  throw new TraceError(`Line ${line}: "${cell ?? ''}" is no number from 0 on.`);
};

/** A trace of these tasks, whatever their order. */
export const traceOf = (tasks: readonly (readonly [atMs: number, durationMs: number])[]): Trace => {
  const sorted = [...tasks].sort(([a], [b]) => a - b);
  return {
    atMs: Float64Array.from(sorted, ([atMs]) => atMs),
    durationMs: Float64Array.from(sorted, ([, durationMs]) => durationMs),
  };
};

/** Reads a trace of tasks; its lines may be in any order. */
export const readTrace = (text: string): Trace =>
  traceOf(
    rowsOf(text, traceColumns).map(
      ([at, duration], i) => [1000 * numberIn(at, i + 2), 1000 * numberIn(duration, i + 2)] as const,
    ),
  );

/** Reads how a market changes, in order of time. */
export const readMarket = (text: string): MarketChange[] =>
  rowsOf(text, marketColumns)
    .map(([at, launchConfigId = '', usdPerHour, interruptions, instancesMax], i) => ({
      atMs: 1000 * numberIn(at, i + 2),
      launchConfigId,
      usdPerHour: numberIn(usdPerHour, i + 2),
      interruptionsPerHour: numberIn(interruptions, i + 2),
      instancesMax: numberIn(instancesMax, i + 2),
    }))
    .sort((a, b) => a.atMs - b.atMs);

/** A trace as a file. */
export const traceText = ({ atMs, durationMs }: Trace): string => {
  const lines = [traceColumns];
  for (let i = 0; i < atMs.length; i++) {
    lines.push(`${((atMs[i] ?? 0) / 1000).toFixed(1)},${((durationMs[i] ?? 0) / 1000).toFixed(1)}`);
  }
  return `${lines.join('\n')}\n`;
};

/** A market as a file. */
export const marketText = (changes: readonly MarketChange[]): string =>
  [
    marketColumns,
    ...changes.map((change) =>
      [
        change.atMs / 1000,
        change.launchConfigId,
        change.usdPerHour,
        change.interruptionsPerHour,
        change.instancesMax,
      ].join(','),
    ),
    '',
  ].join('\n');
