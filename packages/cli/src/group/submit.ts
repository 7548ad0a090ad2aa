import { dirname, resolve } from 'node:path';
import { type CreateTaskGroupTasksRequest, type Queue, slugid } from '@taskyard/client';
import { type Graph, loadGraph } from '../graph-file/index.ts';
import { harmless, type Io, remark } from '../io.ts';

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

const isLoopback = (rootUrl: string): boolean =>
  ['localhost', '127.0.0.1', '[::1]'].includes(new URL(rootUrl).hostname);

/**
 * The tasks of a graph that name the folder of its file, and may run on another machine: on one of another server, or of
 * another task queue than that of the built-in worker.
 */
export const tasksBoundHere = ({ tasks }: Graph, file: string, rootUrl: string): string[] => {
  const folder = dirname(resolve(file));
  // The root folder is part of every path.
  if (folder === dirname(folder)) return [];
  const isHere = isLoopback(rootUrl);
  return tasks
    .filter(({ task }) => !isHere || task.taskQueueId !== builtInTaskQueueId)
    .filter(({ task }) => JSON.stringify(task.payload).includes(JSON.stringify(folder).slice(1, -1)))
    .map(({ label }) => label);
};

/** Warns of tasks that need a folder which other machines do not have. */
export const warnOfTasksBoundHere = (io: Io, graph: Graph, file: string, rootUrl: string): void => {
  const labels = tasksBoundHere(graph, file, rootUrl);
  if (labels.length === 0) return;
  const named = labels.slice(0, 3).map((label) => `"${harmless(label)}"`);
  const more = labels.length > named.length ? ` and ${labels.length - named.length} more` : '';
  remark(
    io,
    `Warning: ${named.join(', ')}${more}: the payload names ${dirname(resolve(file))}, a folder of this machine. ` +
      'Workers on other machines do not have it: mount artifacts of other tasks instead, or fetch from a URL.',
  );
};
