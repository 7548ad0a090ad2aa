import type { TaskStatus } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { columns, type Io, say, sayJson } from '../io.ts';

/** A task's state and runs, in lines. */
export const statusLines = (status: TaskStatus): string[] => {
  const facts = [
    ['task', status.taskId],
    ['state', status.state],
    ['queue', status.taskQueueId],
    ['group', status.taskGroupId],
    ['deadline', status.deadline],
    ['retries left', String(status.retriesLeft)],
  ];
  const runs = status.runs.map((run) => [
    `run ${run.runId}`,
    run.state,
    run.reasonResolved ?? run.reasonCreated,
    run.started ?? run.scheduled,
    run.resolved ?? '',
    run.workerId ? `${run.workerGroup}/${run.workerId}` : '',
  ]);
  return [...columns(facts), ...columns(runs)];
};

/** Prints what the queue answers with after it changed a task. */
export const sayStatus = (io: Io, reply: { status: TaskStatus }, json: true | undefined): void => {
  if (json) sayJson(io, reply);
  else say(io, statusLines(reply.status).join('\n'));
};

/** `taskyard task status <taskId>` */
export const statusCommand = (io: Io): Command =>
  connectedCommand('status')
    .description('Show the state of a task, and its runs.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      sayStatus(io, await queueOf(io, options).status(taskId), options.json);
    });
