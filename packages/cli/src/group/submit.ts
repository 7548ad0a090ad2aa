import { type CreateTaskGroupTasksRequest, type Queue, slugid } from '@taskyard/client';
import { type Graph, loadGraph } from '../graph-file/index.ts';

/** The task queue of tasks that name none: that of the built-in worker. */
export const builtInTaskQueueId = 'local/built-in';

export interface GraphSource {
  readonly file: string;
  readonly params: Readonly<Record<string, string>>;
  readonly taskQueueId?: string | undefined;
  /** The JSON schema of payloads in that queue. */
  readonly payloadSchema?: object;
}

/** Reads a graph file with what the command line says. */
export const readGraph = ({
  file,
  taskQueueId = builtInTaskQueueId,
  ...source
}: GraphSource): Promise<Graph> => loadGraph(file, { ...source, now: new Date(), slugid, taskQueueId });

/** Creates all tasks of a graph by one request: all of them, or none. */
export const submitGraph = (queue: Queue, { taskGroupId, tasks }: Graph) => {
  const body = { tasks: tasks.map(({ taskId, task }) => ({ taskId, task })) };
  return queue.createTaskGroupTasks(taskGroupId, body as CreateTaskGroupTasksRequest);
};
