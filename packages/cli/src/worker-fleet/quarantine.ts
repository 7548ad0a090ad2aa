import { ApiError, type Queue } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { dateOption } from '../input.ts';
import { harmless, type Io, say, sayJson } from '../io.ts';
import { requireQueue, unknownName } from '../known-names.ts';
import { allItems } from '../listings.ts';
import { shownMoment } from '../times.ts';
import { halvesOf, workerNamed } from './names.ts';

/** Suggests a similar worker when the server does not know this one. */
const refuseUnknown = async (queue: Queue, taskQueueId: string, worker: string): Promise<void> => {
  await requireQueue(queue, taskQueueId);
  const known = await allItems(
    (query) => queue.listWorkers(...halvesOf(taskQueueId), query),
    (page) => page.workers.map(({ workerGroup, workerId }) => `${workerGroup}/${workerId}`),
  );
  throw unknownName(`worker of ${taskQueueId}`, worker, known);
};

interface Order {
  readonly taskQueueId: string;
  readonly worker: string;
  readonly until: Date;
  readonly reason?: string | undefined;
}

/** Gives a worker no tasks until a time; a time in the past lets it work again. */
const setQuarantine = async (
  io: Io,
  { taskQueueId, worker, until, reason }: Order,
  options: ConnectedOptions,
): Promise<void> => {
  const queue = queueOf(io, options);
  const body = {
    quarantineUntil: until.toJSON(),
    ...(reason === undefined ? {} : { quarantineInfo: reason }),
  };
  const asked = queue.quarantineWorker(...halvesOf(taskQueueId), ...workerNamed(worker), body);
  const reply = await asked.catch(async (error: unknown) => {
    if (error instanceof ApiError && error.statusCode === 404)
      await refuseUnknown(queue, taskQueueId, worker);
    throw error;
  });
  if (options.json) {
    sayJson(io, reply);
    return;
  }
  const isPast = until.getTime() <= Date.now();
  const name = harmless(worker);
  say(io, isPast ? `${name} works again` : `${name} gets no task until ${shownMoment(io, until.toJSON())}`);
};

interface QuarantineOptions extends ConnectedOptions {
  readonly until: Date;
  readonly reason?: string;
}

/** `taskyard worker quarantine <taskQueueId> <group/worker>` */
export const workerQuarantineCommand = (io: Io): Command =>
  connectedCommand('quarantine')
    .description('Give a worker no more tasks until a time; a time that has passed lets it work again.')
    .argument('<taskQueueId>')
    .argument('<group/worker>')
    .option('--until <when>', 'a date, or a time from now', dateOption, dateOption('1 week'))
    .option('--reason <text>', 'why, for its history')
    .action((taskQueueId: string, worker: string, { until, reason, ...options }: QuarantineOptions) =>
      setQuarantine(io, { taskQueueId, worker, until, reason }, options),
    );

/** `taskyard worker release <taskQueueId> <group/worker>` */
export const workerReleaseCommand = (io: Io): Command =>
  connectedCommand('release')
    .description('End the quarantine of a worker: it gets tasks again at once.')
    .argument('<taskQueueId>')
    .argument('<group/worker>')
    .option('--reason <text>', 'why, for its history')
    .action((taskQueueId: string, worker: string, { reason, ...options }: Omit<QuarantineOptions, 'until'>) =>
      setQuarantine(io, { taskQueueId, worker, until: new Date(0), reason }, options),
    );
