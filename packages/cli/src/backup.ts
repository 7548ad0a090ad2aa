import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { commandName } from './command-name.ts';
import { commandNamed } from './connected.ts';
import { type Io, say, sayJson } from './io.ts';
import { loadServer } from './load-server.ts';

interface BackupOptions {
  readonly json?: true;
  readonly data?: string;
  readonly config?: string;
}

const dataCommand = (name: string): Command =>
  commandNamed(name)
    .argument('<file>', 'the file of the backup, such as taskyard.tar.gz')
    .option('--data <folder>', 'where the platform keeps its data (default: TASKYARD_DATA or .taskyard)')
    .option('--config <file>', 'a YAML file of settings (default: TASKYARD_CONFIG)');

const configOf = async (io: Io, { data, config: file }: BackupOptions) => {
  const server = await loadServer();
  const overrides = { data: data ?? io.environment.folder };
  return { ...server, config: server.readConfig({ file, overrides }) };
};

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;

/** `taskyard backup <file>` */
export const backupCommand = (io: Io): Command =>
  dataCommand('backup')
    .description(
      'Write a backup of the platform in a data folder, running or not: database, keys and artifacts on disk. ' +
        'Keep it secret: it holds the keys.',
    )
    .action(async (file: string, options: BackupOptions) => {
      const { backUp, config } = await configOf(io, options);
      const manifest = await backUp(config, file);
      const { size } = await stat(file);
      if (options.json) return sayJson(io, { file, bytes: size, ...manifest });
      say(io, `${file}: ${megabytes(size)}, of Taskyard ${manifest.taskyard} in ${config.data}`);
      if (config.encryptionKeys)
        say(io, 'Keep ENCRYPTION_KEYS with it: its keys are not in the data folder.');
      if (config.s3.bucket) say(io, `Artifacts in the bucket ${config.s3.bucket} are not part of it.`);
    });

/** `taskyard restore <file>` */
export const restoreCommand = (io: Io): Command =>
  dataCommand('restore')
    .description('Restore a backup into a data folder that is empty or does not exist.')
    .action(async (file: string, options: BackupOptions) => {
      const { restore, config } = await configOf(io, options);
      const manifest = await restore(config, file);
      if (options.json) return sayJson(io, { data: config.data, ...manifest });
      say(
        io,
        `${config.data} is as it was at ${manifest.created}. Start it: ${commandName} serve --data ${config.data}`,
      );
    });
