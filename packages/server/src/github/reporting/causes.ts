import type { ViewVerbs } from '../../views/index.ts';
import { wentWrong } from '../lifecycle.ts';

export type Line = Awaited<ReturnType<ViewVerbs['listGroupLines']>>['tasks'][number];

/** What a group failed by: tasks that went wrong though nothing that they needed did, the earliest first. */
export const firstCauses = (lines: readonly Line[]): Line[] => {
  const wrong = new Set(lines.filter(wentWrong).map(({ taskId }) => taskId));
  const isConsequence = ({ requires, dependencies }: Line): boolean =>
    requires === 'all-completed' && dependencies.some((id) => wrong.has(id));
  return lines
    .filter((line) => wentWrong(line) && !isConsequence(line))
    .toSorted((a, b) => ((a.resolved ?? '') < (b.resolved ?? '') ? -1 : 1));
};

/** Tasks that never ran because something that they need went wrong. */
export const neverRun = (lines: readonly Line[]): number =>
  lines.filter(({ state }) => state === 'unscheduled').length;
