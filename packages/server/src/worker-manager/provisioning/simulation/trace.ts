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
/** The columns of a trace; each says its unit. */
const traceHead = /^at_(seconds|ms),duration_(seconds|ms)$/;
const decimal = /^\d+(\.\d+)?(e[+-]?\d+)?$/i;
const mistakesTold = 5;
const yearMs = 366 * 86_400_000;
/** In seconds that is the year 5138, in milliseconds 1973: nobody means the former. */
const secondsMax = 1e11;

interface Line {
  readonly number: number;
  readonly cells: readonly string[];
}

/** The first line, without the mark that some programs begin a file with, and the others. */
const linesOf = (text: string): { head: string; lines: readonly string[] } => {
  const [head = '', ...lines] = text.trimEnd().split(/\r?\n/);
  return { head: head.trim(), lines };
};

/** Reads all lines; those that are wrong refuse the file, and the first of them are named. */
const readLines = <T>(lines: readonly string[], width: number, read: (line: Line) => T): T[] => {
  const mistakes: string[] = [];
  const rows: T[] = [];
  for (const [i, line] of lines.entries()) {
    const number = i + 2;
    try {
      const cells = line.split(',');
      if (cells.length !== width) {
        throw new TraceError(`Line ${number} has ${cells.length} columns instead of ${width}.`);
      }
      rows.push(read({ number, cells }));
    } catch (error) {
      if (!(error instanceof TraceError)) throw error;
      mistakes.push(error.message);
    }
  }
  refuse(mistakes);
  return rows;
};

const refuse = (mistakes: readonly string[]): void => {
  if (mistakes.length === 0) return;
  const more = mistakes.length - mistakesTold;
  const told = [...mistakes.slice(0, mistakesTold), ...(more > 0 ? [`And ${more} more.`] : [])];
  throw new TraceError(told.join('\n'));
};

const numberIn = (cell: string | undefined, line: number): number => {
  const value = Number(cell);
  if (cell && decimal.test(cell.trim()) && Number.isFinite(value)) return value;
  throw new TraceError(`Line ${line}: "${cell ?? ''}" is not a number of 0 or more.`);
};

const timeIn = (cell: string | undefined, line: number, unit: string): number => {
  const value = numberIn(cell, line);
  if (unit === 'ms') return value;
  if (value < secondsMax) return 1000 * value;
  throw new TraceError(
    `Line ${line}: ${cell} is not a time in seconds; call the column at_ms if that is what it is.`,
  );
};

const durationIn = (cell: string | undefined, line: number, unit: string): number => {
  const ms = numberIn(cell, line) * (unit === 'ms' ? 1 : 1000);
  if (ms <= yearMs) return ms;
  throw new TraceError(`Line ${line}: no task runs for ${cell} ${unit}, which is more than a year.`);
};

/** A trace of these tasks, whatever their order. */
export const traceOf = (tasks: readonly (readonly [atMs: number, durationMs: number])[]): Trace => {
  const sorted = [...tasks].sort(([a], [b]) => a - b);
  return {
    atMs: Float64Array.from(sorted, ([atMs]) => atMs),
    durationMs: Float64Array.from(sorted, ([, durationMs]) => durationMs),
  };
};

/**
 * Reads a trace of tasks; its lines may be in any order. Times count from the start of the trace. If all of them are more
 * than a year they are taken for times since 1970, and the trace starts with its first task. A file with a wrong line is
 * refused as a whole.
 */
export const readTrace = (text: string): Trace => {
  const { head, lines } = linesOf(text);
  const [, atUnit = '', durationUnit = ''] = traceHead.exec(head) ?? [];
  if (!atUnit)
    throw new TraceError(`The first line must be "${traceColumns}", or say ms in place of seconds.`);
  const tasks = readLines(
    lines,
    2,
    ({ number, cells: [at, duration] }) =>
      [timeIn(at, number, atUnit), durationIn(duration, number, durationUnit)] as const,
  );
  const firstMs = tasks.reduce((least, [atMs]) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  const startMs = firstMs > yearMs ? firstMs : 0;
  const isFar = ([atMs]: readonly [number, number]): boolean => atMs - startMs > yearMs;
  refuse(
    tasks.flatMap((task, i) =>
      isFar(task) ? [`Line ${i + 2}: it comes more than a year after the trace has started.`] : [],
    ),
  );
  return traceOf(tasks.map(([atMs, durationMs]) => [atMs - startMs, durationMs] as const));
};

/** Reads how a market changes, in order of time. */
export const readMarket = (text: string): MarketChange[] => {
  const { head, lines } = linesOf(text);
  if (head !== marketColumns) throw new TraceError(`The first line must be "${marketColumns}".`);
  return readLines(
    lines,
    5,
    ({ number, cells: [at, launchConfigId = '', usdPerHour, interruptions, instancesMax] }) => ({
      atMs: timeIn(at, number, 'seconds'),
      launchConfigId,
      usdPerHour: numberIn(usdPerHour, number),
      interruptionsPerHour: numberIn(interruptions, number),
      instancesMax: numberIn(instancesMax, number),
    }),
  ).sort((a, b) => a.atMs - b.atMs);
};

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
