import type { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, queueOf } from '../connected.ts';
import { wholeNumber } from '../input.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { listArtifacts } from '../listings.ts';

/** `taskyard task artifacts <taskId>` */
export const artifactsCommand = (io: Io): Command =>
  connectedCommand('artifacts')
    .description('List the artifacts of a task, and their URLs.')
    .argument('<taskId>')
    .option('--run <runId>', 'of this run; by default of the latest', wholeNumber)
    .action(async (taskId: string, options: ConnectedOptions & { run?: number }) => {
      const queue = queueOf(io, options);
      const { run: runId } = options;
      const urlOf = (name: string): string =>
        runId === undefined
          ? queue.buildUrl('getLatestArtifact', taskId, name)
          : queue.buildUrl('getArtifact', taskId, runId, name);
      const found = (await listArtifacts(queue, { taskId, runId })).map((artifact) => ({
        ...artifact,
        url: urlOf(artifact.name),
      }));
      if (options.json) return sayJson(io, found);
      const rows = found.map(({ name, storageType, url }) => [harmless(name), storageType, url]);
      for (const line of columns(rows)) say(io, line);
    });
