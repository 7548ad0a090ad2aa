import { networkInterfaces } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import { type CreateTaskGroupTasksRequest, type Queue, slugid } from '@taskyard/client';
import { commandName } from '../command-name.ts';
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

/** Whether a URL names this machine. */
const isOfThisMachine = (rootUrl: string): boolean => {
  const name = new URL(rootUrl).hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return name === 'localhost' || addresses.some(({ address }) => address === name);
};

/**
 * The tasks of a graph that name the folder of its file, and may run on another machine: on one of another server, or of
 * another task queue than that of the built-in worker.
 */
export const tasksBoundHere = ({ tasks }: Graph, file: string, rootUrl: string): string[] => {
  const isHere = isOfThisMachine(rootUrl);
  return tasks
    .filter(({ task }) => !isHere || task.taskQueueId !== builtInTaskQueueId)
    .filter(namesFolderOf(file))
    .map(({ label }) => label);
};

/** Whether the payload of a task names the folder of a graph file. */
const namesFolderOf = (file: string): ((planned: Graph['tasks'][number]) => boolean) => {
  const folder = dirname(resolve(file));
  const text = JSON.stringify(folder).slice(1, -1);
  // The root folder is part of every path.
  const isRoot = folder === dirname(folder);
  return ({ task }) => !isRoot && JSON.stringify(task.payload).includes(text);
};

/** `"one", "two" and 3 more` */
const namesOf = (labels: readonly string[]): string => {
  const named = labels.slice(0, 3).map((label) => `"${harmless(label)}"`);
  return `${named.join(', ')}${labels.length > named.length ? ` and ${labels.length - named.length} more` : ''}`;
};

/** Warns of tasks that name a folder which a platform of this machine, started by somebody else, does not show them. */
export const warnOfHiddenProject = (
  io: Io,
  graph: Graph,
  { file, project }: { readonly file: string; readonly project: string | undefined },
): void => {
  const folder = dirname(resolve(file));
  if (project !== undefined && !relative(project, folder).startsWith('..')) return;
  const labels = graph.tasks
    .filter(({ task }) => task.taskQueueId === builtInTaskQueueId)
    .filter(namesFolderOf(file))
    .map(({ label }) => label);
  if (labels.length === 0) return;
  remark(
    io,
    `Warning: ${namesOf(labels)}: the payload names ${folder}, which the platform that runs here does not show to ` +
      `sandboxed tasks. Start it with "${commandName} serve --project ${folder}".`,
  );
};

/** Warns of tasks that need a folder which other machines do not have. */
export const warnOfTasksBoundHere = (io: Io, graph: Graph, file: string, rootUrl: string): void => {
  const labels = tasksBoundHere(graph, file, rootUrl);
  if (labels.length === 0) return;
  remark(
    io,
    `Warning: ${namesOf(labels)}: the payload names ${dirname(resolve(file))}, a folder of this machine. ` +
      'Workers on other machines do not have it: mount artifacts of other tasks instead, or fetch from a URL.',
  );
};
