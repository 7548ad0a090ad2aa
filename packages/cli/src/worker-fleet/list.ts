import type { ListWorkersResponse, Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { knownQueues, requireQueue } from '../known-names.ts';
import { allItems } from '../listings.ts';
import { shownTime } from '../times.ts';
import { halvesOf } from './names.ts';

type ListedWorker = ListWorkersResponse['workers'][number];

interface SeenWorker extends ListedWorker {
  readonly taskQueueId: string;
}

const queuesAtOnce = 8;

const workersOf = async (queue: Queue, taskQueueId: string): Promise<SeenWorker[]> => {
  const found = await allItems(
    (query) => queue.listWorkers(...halvesOf(taskQueueId), query),
    (page) => page.workers,
  );
  return found.map((worker) => ({ taskQueueId, ...worker }));
};

const workersOfAll = async (queue: Queue): Promise<SeenWorker[]> => {
  const names = await knownQueues(queue);
  const found: SeenWorker[] = [];
  for (let at = 0; at < names.length; at += queuesAtOnce) {
    const some = names.slice(at, at + queuesAtOnce);
    found.push(...(await Promise.all(some.map((name) => workersOf(queue, name)))).flat());
  }
  return found;
};

const latestTask = ({ latestTask: latest }: ListedWorker): string => latest?.taskId ?? '-';

const stateOf = (io: Io, { quarantineUntil }: ListedWorker): string =>
  quarantineUntil && Date.parse(quarantineUntil) > Date.now()
    ? `quarantined until ${shownTime(io, quarantineUntil)}`
    : '';

const printWorkers = (
  io: Io,
  workers: readonly SeenWorker[],
  { withQueue }: { withQueue: boolean },
): void => {
  const rows = workers.map((worker) => [
    harmless(`${worker.workerGroup}/${worker.workerId}`),
    ...(withQueue ? [worker.taskQueueId] : []),
    shownTime(io, worker.lastDateActive ?? worker.firstClaim),
    latestTask(worker),
    stateOf(io, worker),
  ]);
  for (const line of columns(rows)) say(io, line);
};

/** Lists the workers of a task queue, or of all; refuses a queue that the server does not know. */
export const listWorkers = async (
  io: Io,
  taskQueueId: string | undefined,
  options: ConnectedOptions,
): Promise<void> => {
  const queue = queueOf(io, options);
  const found = await (taskQueueId === undefined ? workersOfAll(queue) : workersOf(queue, taskQueueId));
  if (found.length === 0 && taskQueueId !== undefined) await requireQueue(queue, taskQueueId);
  if (options.json) sayJson(io, found);
  else printWorkers(io, found, { withQueue: taskQueueId === undefined });
};

/** `taskyard worker list [taskQueueId]` */
export const workerListCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List the workers that were seen within the last day: name, last seen, latest task.')
    .argument('[taskQueueId]', 'of one task queue; of all without')
    .action((taskQueueId: string | undefined, options: ConnectedOptions) =>
      listWorkers(io, taskQueueId, options),
    );
