import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { CommandError, exitCodes } from '../exit-codes.ts';
import { dateOption } from '../input.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List task queues, with what waits and what runs in each.')
    .action(async (options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const found = await allItems(
        (query) => queue.listTaskQueues(query),
        (page) => page.taskQueues,
      );
      const counts = await Promise.all(found.map(({ taskQueueId }) => queue.taskQueueCounts(taskQueueId)));
      if (options.json) return sayJson(io, counts);
      const rows = counts.map(({ taskQueueId, pendingTasks, claimedTasks }) => [
        taskQueueId,
        String(pendingTasks),
        String(claimedTasks),
      ]);
      for (const line of columns([['queue', 'pending', 'running'], ...rows])) say(io, line);
    });

const pendingCommand = (io: Io): Command =>
  connectedCommand('pending')
    .description('List the tasks that wait in a queue, the oldest first.')
    .argument('<taskQueueId>')
    .action(async (taskQueueId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const found = await allItems(
        (query) => queue.listPendingTasks(taskQueueId, query),
        (page) => page.tasks,
      );
      if (options.json) return sayJson(io, found);
      const rows = found.map(({ taskId, inserted, task }) => [
        taskId,
        inserted,
        task.priority ?? '',
        harmless(task.metadata.name),
      ]);
      for (const line of columns(rows)) say(io, line);
    });

/** The two halves of a task queue's name, as the older methods want them. */
const halvesOf = (taskQueueId: string): [provisionerId: string, workerType: string] => {
  const [provisionerId = '', workerType = '', more] = taskQueueId.split('/');
  if (!provisionerId || !workerType || more !== undefined) {
    throw new CommandError(
      exitCodes.usage,
      `"${taskQueueId}" must be written as <provisioner>/<worker type>.`,
    );
  }
  return [provisionerId, workerType];
};

const workersCommand = (io: Io): Command =>
  connectedCommand('workers')
    .description('List the workers that were seen at a queue within the last day.')
    .argument('<taskQueueId>')
    .action(async (taskQueueId: string, options: ConnectedOptions) => {
      const queue = queueOf(io, options);
      const found = await allItems(
        (query) => queue.listWorkers(...halvesOf(taskQueueId), query),
        (page) => page.workers,
      );
      if (options.json) return sayJson(io, found);
      const rows = found.map((worker) => [
        `${worker.workerGroup}/${worker.workerId}`,
        worker.lastDateActive ?? worker.firstClaim,
        worker.latestTask?.taskId ?? '-',
        worker.quarantineUntil ? `quarantined until ${worker.quarantineUntil}` : '',
      ]);
      for (const line of columns(rows)) say(io, line);
    });

interface QuarantineOptions extends ConnectedOptions {
  readonly until: Date;
  readonly reason?: string;
}

const quarantineCommand = (io: Io): Command =>
  connectedCommand('quarantine')
    .description('Give a worker no more tasks until a time; a time that has passed lets it work again.')
    .argument('<taskQueueId>')
    .argument('<group/worker>')
    .option('--until <when>', 'a date, or a time from now', dateOption, dateOption('1 week'))
    .option('--reason <text>', 'why, for its history')
    .action(async (taskQueueId: string, worker: string, { until, reason, ...options }: QuarantineOptions) => {
      const at = worker.indexOf('/');
      if (at < 1) throw new CommandError(exitCodes.usage, `"${worker}" must be written as <group>/<worker>.`);
      const [workerGroup, workerId] = [worker.slice(0, at), worker.slice(at + 1)];
      const reply = await queueOf(io, options).quarantineWorker(
        ...halvesOf(taskQueueId),
        workerGroup,
        workerId,
        { quarantineUntil: until.toJSON(), ...(reason === undefined ? {} : { quarantineInfo: reason }) },
      );
      if (options.json) return sayJson(io, reply);
      const isPast = until.getTime() <= Date.now();
      say(io, isPast ? `${worker} works again` : `${worker} gets no task until ${until.toJSON()}`);
    });

/** The commands about task queues and who works at them. */
export const queueCommands = (io: Io): Command => {
  const queue = new Command('queue').description('Look at task queues and their workers.');
  for (const verb of [listCommand, pendingCommand, workersCommand, quarantineCommand]) {
    queue.addCommand(verb(io));
  }
  return queue;
};
