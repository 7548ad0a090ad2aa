import { type TaskExplanation, Views } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';

const unmetLines = ({ unmet, unmetCount }: TaskExplanation): string[] => {
  const rows = unmet.map(({ taskId, state, name }) => [`  ${taskId}`, state, harmless(name)]);
  const others = unmetCount - unmet.length;
  return [...columns(rows), ...(others > 0 ? [`  and ${others} more`] : [])];
};

const lineLines = ({ line }: TaskExplanation): string[] => {
  if (!line) return [];
  const { decision } = line;
  return columns([
    ['queue', line.taskQueueId],
    ['waits since', line.since],
    ['before it', String(line.before)],
    ['running', String(line.running)],
    ['workers', `${line.workersSeen}, ${line.workersQuarantined} of them quarantined`],
    ['last seen', line.lastSeen ?? 'never'],
    ...(decision
      ? [['provisioner', `${decision.decided}  ${decision.action}: ${harmless(decision.reason)}`]]
      : []),
    ...(decision?.trouble ? [['trouble', harmless(decision.trouble)]] : []),
  ]);
};

/** `taskyard task why <taskId>` */
export const whyCommand = (io: Io): Command =>
  connectedCommand('why')
    .description('Say why a task waits: what it needs, its place in the queue, who works there.')
    .argument('<taskId>')
    .action(async (taskId: string, options: ConnectedOptions) => {
      const found = await new Views({ ...serverOf(io, options), retries: 3 }).explainTask(taskId);
      if (options.json) return sayJson(io, found);
      const lines = [`${found.state}: ${harmless(found.because)}`, ...unmetLines(found), ...lineLines(found)];
      for (const line of lines) say(io, line);
    });
