import { ApiError, type Queue } from '@taskyard/client';
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

/** All task queues that the server knows. */
export const knownQueues = (queue: Queue): Promise<string[]> =>
  allItems(
    (query) => queue.listTaskQueues(query),
    (page) => page.taskQueues.map(({ taskQueueId }) => taskQueueId),
  );

/** Refuses a task queue that the server does not know. Callers who may not list task queues are not refused. */
export const requireQueue = async (queue: Queue, taskQueueId: string): Promise<void> => {
  try {
    await queue.getTaskQueue(taskQueueId);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.statusCode === 403) return;
    if (error.statusCode !== 404) throw error;
    throw unknownName('task queue', taskQueueId, await knownQueues(queue));
  }
};
