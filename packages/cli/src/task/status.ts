import type { TaskStatus, Views } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf, serverOf } from '../connected.ts';
import { viewsOf } from '../found.ts';
import { columns, harmless, type Io, paintFor, say, sayJson } from '../io.ts';
import { taskPage } from '../pages.ts';
import { paintState } from '../paint-state.ts';
import { shownMoment } from '../times.ts';

interface ShownStatus {
  readonly status: TaskStatus;
  /** Why the task waits. */
  readonly because?: string | undefined;
}

const statusLines = (io: Io, { status, because }: ShownStatus, page: string): string[] => {
  const paint = paintFor(io, io.stdout);
  const timeIn = (time: string | undefined): string => (time === undefined ? '' : shownMoment(io, time));
  const facts = [
    ['task', status.taskId],
    ['state', paintState(paint, status.state)],
    ...(because === undefined ? [] : [['because', harmless(because)]]),
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

/** Prints the status of a task. */
export const sayStatus = (io: Io, reply: ShownStatus, options: ConnectedOptions): void => {
  const page = taskPage(serverOf(io, options).rootUrl, reply.status.taskId);
  if (options.json) sayJson(io, reply);
  else say(io, statusLines(io, reply, page).join('\n'));
};

/** Why a task waits; nothing for one that does not, and of a server that does not say it. */
const whyItWaits = async (views: Views, { taskId, state }: TaskStatus): Promise<string | undefined> => {
  if (state !== 'unscheduled' && state !== 'pending') return undefined;
  return views.explainTask(taskId).then(
    ({ because }) => because,
    () => undefined,
  );
};

/** `taskyard task status <taskId>` */
export const statusCommand = (io: Io): Command =>
  connectedCommand('status')
    .description('Show the state of a task, why it waits, and its runs.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      const { status } = await queueOf(io, options).status(taskId);
      const because = await whyItWaits(viewsOf(io, options), status);
      sayStatus(io, { status, ...(because === undefined ? {} : { because }) }, options);
    });
