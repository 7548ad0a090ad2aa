import type { Command } from 'commander';
import { commandName } from './command-name.ts';
import { commandNamed } from './connected.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { type Io, say, sayJson } from './io.ts';
import { loadServer } from './load-server.ts';

interface MigrateOptions {
  readonly json?: true;
  readonly config?: string;
  readonly grantTo?: string;
}

/** `taskyard migrate` */
export const migrateCommand = (io: Io): Command =>
  commandNamed('migrate')
    .description(
      'Apply the migrations that the PostgreSQL of DATABASE_URL lacks, as a start does. Needs the role that owns the ' +
        'tables; processes that start afterwards need less.',
    )
    .option('--grant-to <role>', 'a role that gets the rights to read and write rows of all tables')
    .option('--config <file>', 'a YAML file of settings (default: TASKYARD_CONFIG)')
    .action(async ({ json, config: file, grantTo }: MigrateOptions) => {
      const server = await loadServer();
      const config = server.readConfig({ file });
      const url = config.databaseSessionUrl ?? config.databaseUrl;
      if (url === undefined) {
        throw new CommandError(
          exitCodes.usage,
          `DATABASE_URL is not set. An embedded database is migrated by "${commandName} serve".`,
        );
      }
      const applied = await server.migrate(url, { grantTo }).catch((error: Error) => {
        throw new CommandError(exitCodes.failed, error.message);
      });
      if (json) return sayJson(io, { applied, grantedTo: grantTo });
      say(
        io,
        applied.length > 0 ? `Applied migrations ${applied.join(', ')}.` : 'There was nothing to apply.',
      );
      if (grantTo !== undefined) say(io, `${grantTo} may read and write all tables.`);
    });
