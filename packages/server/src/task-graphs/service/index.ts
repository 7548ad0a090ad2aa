import { statusOf } from '../events.ts';
import type { TaskGraphStatus } from '../schema.ts';
import { createTaskGraph, type GraphToCreate } from './create-task-graph.ts';
import { type Extension, extendTaskGraph } from './extend-task-graph.ts';
import * as reads from './reads.ts';
import type { Room } from './room.ts';

export type { GraphToCreate } from './create-task-graph.ts';
export type { Extension } from './extend-task-graph.ts';
export { resolveNodes } from './resolve-nodes.ts';
export type { Room } from './room.ts';

/** The verbs of task graphs. */
export type TaskGraphVerbs = ReturnType<typeof bindVerbs>;

/** Binds the verbs to what they need. */
export const bindVerbs = (room: Room) => ({
  createTaskGraph: (graph: GraphToCreate): Promise<TaskGraphStatus> =>
    createTaskGraph(room, graph).then(statusOf),
  extendTaskGraph: (extension: Extension): Promise<TaskGraphStatus> =>
    extendTaskGraph(room, extension).then(statusOf),
  readStatus: (taskGraphId: string) => reads.readStatus(room.db, taskGraphId),
  readInfo: (taskGraphId: string) => reads.readInfo(room.db, taskGraphId),
  inspect: (taskGraphId: string) => reads.inspect(room.db, taskGraphId),
  inspectTask: (taskGraphId: string, taskId: string) => reads.inspectTask(room.db, taskGraphId, taskId),
});
