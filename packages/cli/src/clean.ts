import type { Cleaned } from '@taskyard/server';
import type { Command } from 'commander';
import { configOf, type DataOptions, dataCommand, megabytes } from './data-command.ts';
import { wholeNumber } from './input.ts';
import { type Io, say, sayJson } from './io.ts';

interface CleanOptions extends DataOptions {
  readonly dryRun?: true;
  readonly artifactDays?: number;
  readonly logDays?: number;
  readonly artifactMib?: number;
  readonly cacheDays?: number;
  readonly cacheMib?: number;
}

const boundsOf = ({ artifactDays, logDays, artifactMib, cacheDays, cacheMib }: CleanOptions): object => ({
  cleaning: { artifactDays, logDays, artifactMiB: artifactMib, cacheDays, cacheMiB: cacheMib },
});

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

const tell = (io: Io, { artifacts, caches, logs }: Cleaned, verb: string): void => {
  const lines = [
    `artifacts of ${plural(artifacts.runs, 'run', 'runs')}, ${megabytes(artifacts.bytes)}`,
    `${plural(caches.count, 'cache or download', 'caches and downloads')} of workers, ${megabytes(caches.bytes)}`,
    `${plural(logs.count, 'log file', 'log files')} of the platform, ${megabytes(logs.bytes)}`,
  ];
  for (const line of lines) say(io, `${verb} ${line}`);
};

/** `taskyard clean` */
export const cleanCommand = (io: Io): Command =>
  dataCommand('clean')
    .description(
      'Delete from a data folder what exceeds the limits of the configuration, as a running platform does each hour. Tasks ' +
        'that are not resolved, and what others still wait for, keep their artifacts.',
    )
    .option('--dry-run', 'only say what would be deleted')
    .option(
      '--artifact-days <days>',
      'delete artifacts that are older (default: CLEAN_ARTIFACT_DAYS)',
      wholeNumber,
    )
    .option('--log-days <days>', 'delete logs of tasks that are older (default: CLEAN_LOG_DAYS)', wholeNumber)
    .option(
      '--artifact-mib <MiB>',
      'the most that artifacts may take, the oldest go first (default: CLEAN_ARTIFACT_MIB)',
      wholeNumber,
    )
    .option(
      '--cache-days <days>',
      'delete caches that were not used for longer (default: CLEAN_CACHE_DAYS or 30)',
      wholeNumber,
    )
    .option(
      '--cache-mib <MiB>',
      'the most that caches may take (default: CLEAN_CACHE_MIB or 20480)',
      wholeNumber,
    )
    .action(async (options: CleanOptions) => {
      const { server, config } = await configOf(io, options, boundsOf(options));
      const isDryRun = options.dryRun ?? false;
      const cleaned = await server.clean(config, { isDryRun });
      if (options.json) sayJson(io, { isDryRun, ...cleaned });
      else tell(io, cleaned, isDryRun ? 'Would delete' : 'Deleted');
    });
