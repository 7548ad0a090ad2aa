import { Queue, WorkerManager } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { wholeNumber } from '../input.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { utcText } from '../times.ts';
import { sayError } from './errors.ts';

interface ExplainOptions extends ConnectedOptions {
  readonly limit: number;
}

const read = async (io: Io, workerPoolId: string, options: ExplainOptions) => {
  const server = { ...serverOf(io, options), retries: 3 };
  const manager = new WorkerManager(server);
  const [pool, { pause }, counts, { decisions }, { workerPoolErrors }] = await Promise.all([
    manager.workerPool(workerPoolId),
    manager.workerPoolPause(workerPoolId),
    new Queue(server).taskQueueCounts(workerPoolId),
    manager.workerPoolDecisions(workerPoolId, { limit: options.limit }),
    manager.listWorkerPoolErrors(workerPoolId, { limit: 5 }),
  ]);
  return { pool, pause, counts, decisions, errors: workerPoolErrors };
};
type Explanation = Awaited<ReturnType<typeof read>>;

const decisionLine = (decision: Explanation['decisions'][number]): string[] => {
  const { action, count, launchConfigId, workerGroup, workerId, outcome, trouble, times, repeated } =
    decision;
  const what = {
    launch: `${count} × ${launchConfigId}`,
    wait: times > 1 ? `${times} times until ${utcText(repeated ?? '').slice(11)}` : '',
  };
  const became = outcome === 'done' ? '' : `[${[outcome, trouble].filter(Boolean).join(': ')}] `;
  return [
    utcText(decision.decided),
    action,
    what[action as keyof typeof what] ?? `${workerGroup}/${workerId}`,
    became + harmless(decision.reason),
  ];
};

const tell = (
  io: Io,
  workerPoolId: string,
  { pool, pause, counts, decisions, errors }: Explanation,
): void => {
  const { minCapacity = 0, maxCapacity = '-' } = pool.config as {
    minCapacity?: number;
    maxCapacity?: number;
  };
  const facts = [
    ['pool', workerPoolId],
    ['provider', pool.providerId],
    ['capacity', `${pool.currentCapacity}, at least ${minCapacity}, at most ${maxCapacity}`],
    [
      'workers',
      `${pool.requestedCount} requested, ${pool.runningCount} running, ${pool.stoppingCount} stopping, ` +
        `${pool.stoppedCount} stopped`,
    ],
    ...(pause
      ? [['paused', `since ${utcText(pause.since)}: ${harmless(pause.reason) || 'no reason given'}`]]
      : []),
    ['tasks', `${counts.pendingTasks} pending, ${counts.claimedTasks} claimed`],
  ];
  for (const line of columns(facts)) say(io, line);
  say(io, '\nWhat was decided, the latest first:');
  if (decisions.length === 0) say(io, '  nothing yet');
  for (const line of columns(decisions.map(decisionLine))) say(io, `  ${line}`);
  if (errors.length === 0) return;
  say(io, '\nWhat went wrong, the latest first:');
  for (const error of errors) sayError(io, error);
};

/** `taskyard pool explain <pool>` */
export const explainCommand = (io: Io): Command =>
  connectedCommand('explain')
    .description('Say why a worker pool has the workers that it has.')
    .argument('<workerPoolId>', 'like local/built-in')
    .option('--limit <count>', 'how many decisions are shown', wholeNumber, 20)
    .action(async (workerPoolId: string, options: ExplainOptions) => {
      const explanation = await read(io, workerPoolId, options);
      if (options.json) sayJson(io, explanation);
      else tell(io, workerPoolId, explanation);
    });
