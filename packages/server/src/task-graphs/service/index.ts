import { bindQueries } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { statusOf } from '../events.ts';
import type { TaskGraphStatus } from '../schema.ts';
import { createTaskGraph, type GraphToCreate } from './create-task-graph.ts';
import { type Extension, extendTaskGraph } from './extend-task-graph.ts';
import * as reads from './reads.ts';

export type { GraphToCreate } from './create-task-graph.ts';
export type { Extension } from './extend-task-graph.ts';
export { resolveNodes } from './resolve-nodes.ts';

const queries = {
  readStatus: reads.readStatus,
  readInfo: reads.readInfo,
  inspect: reads.inspect,
  inspectTask: reads.inspectTask,
};

/** The verbs of task graphs, bound to what they were opened with. */
export const taskGraphVerbs = (context: Context) => ({
  ...bindQueries(context, queries),
  createTaskGraph: (graph: GraphToCreate): Promise<TaskGraphStatus> =>
    createTaskGraph(context, graph).then(statusOf),
  extendTaskGraph: (extension: Extension): Promise<TaskGraphStatus> =>
    extendTaskGraph(context, extension).then(statusOf),
});

/** The verbs of task graphs. */
export type TaskGraphVerbs = ReturnType<typeof taskGraphVerbs>;
