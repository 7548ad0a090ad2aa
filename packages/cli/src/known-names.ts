import { ApiError, type Queue, type Views } from '@taskyard/client';
import { suggestion } from '@taskyard/taskcluster-yml/mistakes';
import { CommandError, exitCodes } from './exit-codes.ts';
import { harmless } from './io.ts';
import { allItems } from './listings.ts';

/** Refuses an unknown name, and suggests a similar known one. */
export const unknownName = (what: string, name: string, known: readonly string[]): CommandError => {
  const meant = suggestion(name, known);
  const message = `There is no ${what} "${harmless(name)}"${meant || `; known: ${listed(known)}`}.`;
  return new CommandError(exitCodes.usage, message);
};

const namesShownMax = 20;

const listed = (names: readonly string[]): string =>
  names.length === 0
    ? 'none'
    : [...names.slice(0, namesShownMax), ...(names.length > namesShownMax ? ['…'] : [])].join(', ');

/** The task queues at which workers were seen, or that worker pools are for. */
export const knownQueues = (queue: Queue): Promise<string[]> =>
  allItems(
    (query) => queue.listTaskQueues(query),
    (page) => page.taskQueues.map(({ taskQueueId }) => taskQueueId),
  );

/** Those, and the ones in which tasks wait or run though no worker was ever seen there. */
export const allQueues = async (queue: Queue, views: Views): Promise<string[]> => {
  const [known, busy] = await Promise.all([knownQueues(queue), busyQueues(views)]);
  return [...new Set([...known, ...busy])].sort();
};

/** None where the caller may not see them, or the server is one of Taskcluster, which does not tell. */
const busyQueues = async (views: Views): Promise<string[]> => {
  try {
    return (await views.overview()).queues.map(({ taskQueueId }) => taskQueueId);
  } catch (error) {
    if (error instanceof ApiError && (error.statusCode === 403 || error.statusCode === 404)) return [];
    throw error;
  }
};

/**
 * Refuses a task queue that the server does not know. Callers who may not list task queues are not refused. With `views`,
 * a queue in which tasks wait or run is known, too.
 */
export const requireQueue = async (queue: Queue, taskQueueId: string, views?: Views): Promise<void> => {
  try {
    await queue.getTaskQueue(taskQueueId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.statusCode === 403) return;
    if (error.statusCode !== 404) throw error;
    const known = await (views ? allQueues(queue, views) : knownQueues(queue));
    if (!known.includes(taskQueueId)) throw unknownName('task queue', taskQueueId, known);
  }
};
