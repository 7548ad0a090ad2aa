import { Index, type IndexedTaskResponse } from '@taskyard/client';
import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';

/** An entry of the index, in lines. */
const entryLines = ({ namespace, taskId, rank, expires, data }: IndexedTaskResponse): string[] =>
  columns([
    ['path', namespace],
    ['task', taskId],
    ['rank', String(rank)],
    ['expires', expires],
    ...(Object.keys(data).length > 0 ? [['data', harmless(JSON.stringify(data))]] : []),
  ]);

/** `taskyard index find <path>` */
export const findCommand = (io: Io): Command =>
  connectedCommand('find')
    .description('Show the task at a path of the index.')
    .argument('<path>')
    .action(async (path: string, options: ConnectedOptions) => {
      const entry = await new Index({ ...serverOf(io, options), retries: 3 }).findTask(path);
      if (options.json) sayJson(io, entry);
      else say(io, entryLines(entry).join('\n'));
    });
