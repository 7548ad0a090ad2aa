import type * as Server from '@taskyard/server';
import type { Command } from 'commander';
import { commandNamed } from './connected.ts';
import type { Io } from './io.ts';
import { loadServer } from './load-server.ts';

/** The options of every command about a data folder. */
export interface DataOptions {
  readonly json?: true;
  readonly data?: string;
  readonly config?: string;
}

/** A command about the data folder of a platform on this machine, running or not. */
export const dataCommand = (name: string): Command =>
  commandNamed(name)
    .option('--data <folder>', 'where the platform keeps its data (default: TASKYARD_DATA or .taskyard)')
    .option('--config <file>', 'a YAML file of settings (default: TASKYARD_CONFIG)');

/**
 * The server's package, and the configuration of the platform in a data folder.
 *
 * @param settings go before what files and environment say
 */
export const configOf = async (
  io: Io,
  { data, config: file }: DataOptions,
  settings: object = {},
): Promise<{ readonly server: typeof Server; readonly config: Server.Config }> => {
  const server = await loadServer();
  const overrides = { data: data ?? io.environment.folder, ...settings };
  return { server, config: server.readConfig({ file, overrides }) };
};

/** A size for people: `12.3 MB`. */
export const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
