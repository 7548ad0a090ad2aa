import type { Queue } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { viewsOf } from '../found.ts';
import { columns, type Io, say, sayJson } from '../io.ts';
import { allQueues, requireQueue } from '../known-names.ts';
import { listWorkers, workerQuarantineCommand } from '../worker-fleet/index.ts';
import { cancelCommand, pendingCommand, priorityCommand } from './waiting.ts';

interface Counts {
  readonly taskQueueId: string;
  readonly pendingTasks: number;
  readonly claimedTasks: number;
}

/** Queues in one call. */
const countedAtOnceMax = 1000;

const countsOf = async (queue: Queue, names: readonly string[]): Promise<Counts[]> => {
  const counts: Counts[] = [];
  for (let from = 0; from < names.length; from += countedAtOnceMax) {
    const taskQueueIds = names.slice(from, from + countedAtOnceMax);
    counts.push(...(await queue.taskQueueCountsBatch({ taskQueueIds })).taskQueueCounts);
  }
  return counts;
};

const printCounts = (io: Io, counts: readonly Counts[]): void => {
  const rows = counts.map(({ taskQueueId, pendingTasks, claimedTasks }) => [
    taskQueueId,
    String(pendingTasks),
    String(claimedTasks),
  ]);
  for (const line of columns([['queue', 'pending', 'running'], ...rows])) say(io, line);
};

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List task queues, with what waits and what runs in each.')
    .action(async (options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const names = await allQueues(queue, viewsOf(io, options));
      const counts = await countsOf(queue, names);
      if (options.json) sayJson(io, counts);
      else printCounts(io, counts);
    });

const countsCommand = (io: Io): Command =>
  connectedCommand('counts')
    .description('Count what waits and what runs in some task queues.')
    .argument('<taskQueueId...>')
    .action(async (names: string[], options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const counts = await countsOf(queue, names);
      for (const { taskQueueId, pendingTasks, claimedTasks } of counts) {
        if (pendingTasks + claimedTasks === 0) await requireQueue(queue, taskQueueId);
      }
      if (options.json) sayJson(io, counts);
      else printCounts(io, counts);
    });

const workersCommand = (io: Io): Command =>
  connectedCommand('workers')
    .description('List the workers that were seen at a queue within the last day; "worker list" lists all.')
    .argument('<taskQueueId>')
    .action((taskQueueId: string, options: ConnectedOptions) => listWorkers(io, taskQueueId, options));

/** The commands about task queues and their workers. */
export const queueCommands = (io: Io): Command => {
  const queue = new Command('queue').description(
    'Look at task queues, change what waits in them, and look at their workers.',
  );
  const verbs = [
    listCommand,
    countsCommand,
    pendingCommand,
    priorityCommand,
    cancelCommand,
    workersCommand,
    workerQuarantineCommand,
  ];
  for (const verb of verbs) queue.addCommand(verb(io));
  return queue;
};
