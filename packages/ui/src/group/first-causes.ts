import { type Line, wentWrong } from './lines.ts';

/** A task that went wrong on its own, and how many wait for it in vain. */
export interface Cause {
  readonly line: Line;
  readonly waiting: number;
}

/** A task may name itself as dependency, which is no cause of anything. */
const othersNeeded = ({ taskId, dependencies }: Line): string[] => dependencies.filter((id) => id !== taskId);

const dependentsIn = (lines: readonly Line[]): Map<string, Line[]> => {
  const dependents = new Map<string, Line[]>();
  for (const line of lines) {
    for (const id of othersNeeded(line)) {
      const known = dependents.get(id);
      if (known) known.push(line);
      else dependents.set(id, [line]);
    }
  }
  return dependents;
};

/** Tasks that cannot start, or did not, because this one went wrong. */
const consequencesOf = (cause: Line, dependents: ReadonlyMap<string, readonly Line[]>): Set<string> => {
  const reached = new Set<string>();
  const ahead = [cause];
  for (let line = ahead.pop(); line; line = ahead.pop()) {
    for (const dependent of dependents.get(line.taskId) ?? []) {
      const isKept = dependent.state === 'unscheduled' || wentWrong(dependent);
      if (!isKept || reached.has(dependent.taskId) || dependent.requires === 'all-resolved') continue;
      reached.add(dependent.taskId);
      ahead.push(dependent);
    }
  }
  return reached;
};

/**
 * What a group failed by: tasks that went wrong though nothing that they depend on did, those first that keep most others
 * waiting. What went wrong or waits because of them is no cause.
 */
export const firstCauses = (lines: readonly Line[]): Cause[] => {
  const byId = new Map(lines.map((line) => [line.taskId, line]));
  const dependents = dependentsIn(lines);
  const isConsequence = (line: Line): boolean =>
    line.requires === 'all-completed' &&
    othersNeeded(line).some((id) => {
      const dependency = byId.get(id);
      return dependency !== undefined && wentWrong(dependency);
    });
  return lines
    .filter((line) => wentWrong(line) && !isConsequence(line))
    .map((line) => ({ line, waiting: consequencesOf(line, dependents).size }))
    .sort((a, b) => b.waiting - a.waiting || ((a.line.resolved ?? '') < (b.line.resolved ?? '') ? -1 : 1));
};
