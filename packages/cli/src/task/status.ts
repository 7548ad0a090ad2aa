import type { TaskStatus } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf, serverOf } from '../connected.ts';
import { columns, type Io, paintFor, say, sayJson } from '../io.ts';
import { taskPage } from '../pages.ts';
import { paintState } from '../paint-state.ts';
import { shownMoment } from '../times.ts';

const statusLines = (io: Io, status: TaskStatus, page: string): string[] => {
  const paint = paintFor(io, io.stdout);
  const timeIn = (time: string | undefined): string => (time === undefined ? '' : shownMoment(io, time));
  const facts = [
    ['task', status.taskId],
    ['state', paintState(paint, status.state)],
    ['queue', status.taskQueueId],
    ['group', status.taskGroupId],
    ['deadline', shownMoment(io, status.deadline)],
    ['retries left', String(status.retriesLeft)],
    ['page', page],
  ];
  const runs = status.runs.map((run) => [
    `run ${run.runId}`,
    paintState(paint, run.state),
    run.reasonResolved ?? run.reasonCreated,
    timeIn(run.started ?? run.scheduled),
    timeIn(run.resolved),
    run.workerId ? `${run.workerGroup}/${run.workerId}` : '',
  ]);
  return [...columns(facts), ...columns(runs)];
};

/** Prints what the queue answers with after it changed a task. */
export const sayStatus = (io: Io, reply: { status: TaskStatus }, options: ConnectedOptions): void => {
  const page = taskPage(serverOf(io, options).rootUrl, reply.status.taskId);
  if (options.json) sayJson(io, reply);
  else say(io, statusLines(io, reply.status, page).join('\n'));
};

/** `taskyard task status <taskId>` */
export const statusCommand = (io: Io): Command =>
  connectedCommand('status')
    .description('Show the state of a task, and its runs.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      sayStatus(io, await queueOf(io, options).status(taskId), options);
    });
