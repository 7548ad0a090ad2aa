import type { Line } from './lines.ts';

const endOf = ({ resolved, started, scheduled }: Line): string => resolved ?? started ?? scheduled ?? '';

const latest = (lines: readonly Line[]): Line | undefined =>
  lines.reduce<Line | undefined>(
    (last, line) => (!last || endOf(line) > endOf(last) ? line : last),
    undefined,
  );

/**
 * The chain of tasks that decided when the group was over, or that it waits for now: from what ended last, or runs still,
 * back to what each of them could not begin without. A group is not done sooner unless one of these is.
 */
export const criticalPath = (lines: readonly Line[]): Line[] => {
  const byId = new Map(lines.map((line) => [line.taskId, line]));
  const begun = lines.filter((line) => line.runs > 0);
  const unresolved = begun.filter(({ resolved }) => !resolved);
  const path: Line[] = [];
  const seen = new Set<string>();
  // Of what still runs, the one that has begun first has taken longest.
  let line =
    unresolved.length > 0 ? unresolved.reduce((a, b) => (endOf(a) <= endOf(b) ? a : b)) : latest(begun);
  while (line) {
    seen.add(line.taskId);
    path.push(line);
    line = latest(
      line.dependencies.flatMap((id) => {
        const needed = byId.get(id);
        return needed && needed.runs > 0 && !seen.has(id) ? [needed] : [];
      }),
    );
  }
  return path.reverse();
};
