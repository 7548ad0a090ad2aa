import { networkInterfaces } from 'node:os';
import { dirname, relative, resolve } from 'node:path';
import { type CreateTaskGroupTasksRequest, type Queue, slugid } from '@taskyard/client';
import { commandName } from '../command-name.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import type { Graph } from '../graph-file/index.ts';
import { harmless, type Io, remark } from '../io.ts';

/** The task queue of tasks without one: that of the built-in worker. */
export const builtInTaskQueueId = 'local/built-in';

export interface GraphSource {
  readonly file: string;
  readonly params: Readonly<Record<string, string>>;
  readonly taskQueueId?: string | undefined;
  /** The JSON schema of payloads in that queue. */
  readonly payloadSchema?: object;
}

/** Reads a graph file with the options of the command line. */
export const readGraph = async ({
  file,
  taskQueueId = builtInTaskQueueId,
  ...source
}: GraphSource): Promise<Graph> => {
  // Most commands read no graph, and start faster without what reads one.
  const { loadGraph } = await import('../graph-file/index.ts');
  return loadGraph(file, { ...source, now: new Date(), slugid, taskQueueId });
};

/** Creates all tasks of a graph by one request: all of them, or none. */
export const submitGraph = (queue: Queue, { taskGroupId, tasks }: Graph) => {
  const body = { tasks: tasks.map(({ taskId, task }) => ({ taskId, task })) };
  return queue.createTaskGroupTasks(taskGroupId, body as CreateTaskGroupTasksRequest);
};

/** The task queues that a graph names, each as often as it does. */
export const queuesOf = ({ tasks }: Graph): string[] =>
  tasks.flatMap(({ task }) => (typeof task.taskQueueId === 'string' ? [task.taskQueueId] : []));

/** Whether a URL names this machine. */
const isOfThisMachine = (rootUrl: string): boolean => {
  const name = new URL(rootUrl).hostname.replace(/^\[(.*)\]$/, '$1');
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  return name === 'localhost' || addresses.some(({ address }) => address === name);
};

/** `"one", "two" and 3 more` */
const namesOf = (labels: readonly string[]): string => {
  const named = labels.slice(0, 3).map((label) => `"${harmless(label)}"`);
  return `${named.join(', ')}${labels.length > named.length ? ` and ${labels.length - named.length} more` : ''}`;
};

/** Warns of tasks that name a folder which a platform on this machine, started otherwise, does not show to them. */
export const warnOfHiddenProject = (
  io: Io,
  { tasks, boundTo }: Graph,
  { file, project }: { readonly file: string; readonly project: string | undefined },
): void => {
  const folder = dirname(resolve(file));
  if (project !== undefined && !relative(project, folder).startsWith('..')) return;
  const labels = tasks
    .filter(({ label, task }) => boundTo.dir.includes(label) && task.taskQueueId === builtInTaskQueueId)
    .map(({ label }) => label);
  if (labels.length === 0) return;
  remark(
    io,
    `Warning: ${namesOf(labels)}: the payload names ${folder}, which the platform that runs here does not show to ` +
      `sandboxed tasks. Write "source: ." in the file, or start the platform with "${commandName} serve --project ${folder}".`,
  );
};

const reasonsBound = {
  dir:
    `\${dir} is a folder of this machine, which workers on other machines do not have. ` +
    'Write "source: ." at the top of the file, and name files by their path below its folder: tasks find a copy of ' +
    'them where they start.',
  node:
    `\${node} is a program of this machine, which workers on other machines may have elsewhere. ` +
    'Write "node": they look for it in their PATH.',
};

/**
 * Refuses a graph whose tasks name a path of this machine, when they may run on another one: for another server, or for
 * another task queue than that of the built-in worker. Throws a CommandError.
 */
export const refuseTasksBoundHere = ({ tasks, boundTo }: Graph, file: string, rootUrl: string): void => {
  const isHere = isOfThisMachine(rootUrl);
  const elsewhere = tasks.filter(({ task }) => !isHere || task.taskQueueId !== builtInTaskQueueId);
  const reasons = (['dir', 'node'] as const).flatMap((name) => {
    const labels = elsewhere.map(({ label }) => label).filter((label) => boundTo[name].includes(label));
    return labels.length > 0 ? [`${file}: ${namesOf(labels)}: ${reasonsBound[name]}`] : [];
  });
  if (reasons.length > 0) throw new CommandError(exitCodes.usage, reasons.join('\n'));
};
