import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { commandName } from './command-name.ts';
import { configOf, type DataOptions, dataCommand, megabytes } from './data-command.ts';
import { type Io, say, sayJson } from './io.ts';

const fileCommand = (name: string): Command =>
  dataCommand(name).argument('<file>', 'the file of the backup, such as taskyard.tar.gz');

/** `taskyard backup <file>` */
export const backupCommand = (io: Io): Command =>
  fileCommand('backup')
    .description(
      'Write a backup of the platform in a data folder, running or not: database, keys and artifacts on disk. ' +
        'Keep it secret: it holds the keys.',
    )
    .action(async (file: string, options: DataOptions) => {
      const { server, config } = await configOf(io, options);
      const manifest = await server.backUp(config, file);
      const { size } = await stat(file);
      if (options.json) return sayJson(io, { file, bytes: size, ...manifest });
      say(io, `${file}: ${megabytes(size)}, of Taskyard ${manifest.taskyard} in ${config.data}`);
      if (config.encryptionKeys)
        say(io, 'Keep ENCRYPTION_KEYS with it: its keys are not in the data folder.');
      if (config.s3.bucket) say(io, `Artifacts in the bucket ${config.s3.bucket} are not part of it.`);
    });

/** `taskyard restore <file>` */
export const restoreCommand = (io: Io): Command =>
  fileCommand('restore')
    .description('Restore a backup into a data folder that is empty or does not exist.')
    .action(async (file: string, options: DataOptions) => {
      const { server, config } = await configOf(io, options);
      const manifest = await server.restore(config, file);
      if (options.json) return sayJson(io, { data: config.data, ...manifest });
      say(
        io,
        `${config.data} is as it was at ${manifest.created}. Start it: ${commandName} serve --data ${config.data}`,
      );
    });
