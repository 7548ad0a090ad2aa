import type { Entry, Recovery } from './history.ts';

/** A fault that was made, and how long callers were without answers. */
export interface Struck {
  readonly kind: string;
  /** The moment from which recovery counts, in milliseconds since 1970. */
  readonly at: number;
  /** Whether all machines ran before it; otherwise one of them was still starting after an earlier fault. */
  readonly isWhole: boolean;
  readonly recovery: Recovery;
}

const median = (numbers: readonly number[]): number => {
  const sorted = [...numbers].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  const [low = 0, high = 0] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return Math.round((low + high) / 2);
};

const headings = ['fault', 'count', 'next: median', 'worst', 'all: median', 'worst'];

const nameOf = ({ kind, isWhole }: Struck): string =>
  isWhole ? kind : `${kind}, while a machine was starting`;

/**
 * A line for each kind of fault: how many there were, and the median and worst recovery in milliseconds. Those that struck
 * a fleet in which a machine was still starting have lines of their own: callers waited for that one.
 */
export const tableOf = (struck: readonly Struck[]): string[] => {
  const names = [...new Set(struck.map(nameOf))].sort();
  const rows = names.map((name) => {
    const recoveries = struck.filter((each) => nameOf(each) === name).map(({ recovery }) => recovery);
    const [next, all] = [recoveries.map((each) => each.next), recoveries.map((each) => each.all)];
    const numbers = [recoveries.length, median(next), Math.max(...next), median(all), Math.max(...all)];
    return [name, ...numbers.map(String)];
  });
  const lines = [headings, ...rows];
  const widths = headings.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
};

const wordsOf = ({ caller, verb, runId, outcome, says, status, takenUntil }: Entry): string =>
  [
    caller.padEnd(10),
    runId === undefined ? verb : `${verb} run ${runId}`,
    status === undefined ? outcome : `${outcome} with ${status}`,
    says,
    takenUntil === undefined ? '' : `until ${new Date(takenUntil).toJSON()}`,
  ]
    .filter(Boolean)
    .join('  ');

/** The whole history of a task, with the faults that were made meanwhile: what happened first comes first. */
export const historyOf = (entries: readonly Entry[], struck: readonly Struck[]): string[] => {
  const [from, to] = [entries[0]?.sent ?? 0, entries.at(-1)?.ended ?? 0];
  const calls = entries.map((entry) => ({
    at: entry.ended,
    line: `${wordsOf(entry)}  (sent ${new Date(entry.sent).toJSON().slice(14, -1)})`,
  }));
  const faults = struck
    .filter(({ at }) => at >= from && at <= to)
    .map(({ at, kind }) => ({ at, line: `--- ${kind} ---` }));
  return [...calls, ...faults]
    .sort((one, other) => one.at - other.at)
    .map(({ at, line }) => `  ${new Date(at).toJSON().slice(11, -1)}  ${line}`);
};
