import { type CreateTaskRequest, fromNow, slugid } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf, serverOf } from '../connected.ts';
import { readDocument } from '../input.ts';
import { type Io, remark, say, sayJson } from '../io.ts';
import { taskPage } from '../pages.ts';
import { warnOfUnservedQueues } from '../unserved-queues.ts';

const withDates = (task: Record<string, unknown>): CreateTaskRequest =>
  ({ created: new Date().toJSON(), deadline: fromNow('1 day').toJSON(), ...task }) as CreateTaskRequest;

/** `taskyard task create <file>` */
export const createCommand = (io: Io): Command =>
  connectedCommand('create')
    .description('Create a task. Without dates it is created now, and must be done within a day.')
    .argument('<file>', 'its definition: JSON or YAML; "-" reads standard input')
    .option('--task-id <taskId>', 'the identifier of the task; by default a fresh one')
    .action(async (file: string, options: ConnectedOptions & { taskId?: string }) => {
      const queue = queueOf(io, options);
      const { taskId = slugid() } = options;
      const reply = await queue.createTask(taskId, withDates(await readDocument(io, file)));
      await warnOfUnservedQueues(io, serverOf(io, options), [reply.status.taskQueueId]);
      if (options.json) return sayJson(io, reply);
      say(io, taskId);
      remark(io, taskPage(queue.options.rootUrl, taskId));
    });
