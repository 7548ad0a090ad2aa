import { bindQueries } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { listFirstCauses, selectGroupPart } from './causes.ts';
import { explainTask } from './explain.ts';
import { describeGroup, listGroups, listTasks } from './finding.ts';
import { listGroupLines } from './lines.ts';
import { readOverview } from './overview.ts';
import { profileQueries } from './profiles.ts';
import { countGroupLines, selectGroupLines } from './selection.ts';

const queries = {
  listGroupLines,
  selectGroupLines,
  countGroupLines,
  selectGroupPart,
  listFirstCauses,
  describeGroup,
  explainTask,
  readOverview,
  listGroups,
  listTasks,
};

/** The verbs of views, all of which read, bound to what they were opened with. */
export const viewVerbs = (context: Context) => ({
  ...bindQueries(context, queries),
  ...profileQueries(context),
});

export { selectionOrders } from './selection.ts';
export type ViewVerbs = ReturnType<typeof viewVerbs>;
