import { type CachesToPurge, PurgeCache } from '@taskyard/client';
import { Command } from 'commander';
import { type ConnectedOptions, connectedCommand, serverOf } from '../connected.ts';
import { columns, harmless, type Io, say, sayJson } from '../io.ts';
import { allItems } from '../listings.ts';
import { shownMoment } from '../times.ts';
import { warnOfUnservedQueues } from '../unserved-queues.ts';

const purgesOf = (io: Io, options: ConnectedOptions): PurgeCache =>
  new PurgeCache({ ...serverOf(io, options), retries: 3 });

const purgeCommand = (io: Io): Command =>
  connectedCommand('purge')
    .description('Make the workers of a pool throw a cache away before their next task that wants it.')
    .argument('<workerPoolId>')
    .argument('<cacheName>')
    .action(async (workerPoolId: string, cacheName: string, options: ConnectedOptions) => {
      await purgesOf(io, options).purgeCache(workerPoolId, { cacheName });
      await warnOfUnservedQueues(io, serverOf(io, options), [workerPoolId]);
      if (options.json) sayJson(io, { workerPoolId, cacheName });
      else say(io, `The workers of ${workerPoolId} throw ${harmless(cacheName)} away`);
    });

const row = (io: Io, { provisionerId, workerType, cacheName, before }: CachesToPurge): string[] => [
  `${provisionerId}/${workerType}`,
  harmless(cacheName),
  shownMoment(io, before),
];

const listCommand = (io: Io): Command =>
  connectedCommand('list')
    .description('List what was asked to be purged within the last day.')
    .argument('[workerPoolId]', 'of one pool; of all without')
    .action(async (workerPoolId: string | undefined, options: ConnectedOptions) => {
      const purges = purgesOf(io, options);
      const found = workerPoolId
        ? (await purges.purgeRequests(workerPoolId)).requests
        : await allItems(
            (query) => purges.allPurgeRequests(query),
            (page) => page.requests,
          );
      if (options.json) return sayJson(io, found);
      for (const line of columns(found.map((purge) => row(io, purge)))) say(io, line);
    });

/** The commands about caches of workers. */
export const cacheCommands = (io: Io): Command => {
  const cache = new Command('cache').description('Purge caches of workers.');
  for (const verb of [purgeCommand, listCommand]) cache.addCommand(verb(io));
  return cache;
};
