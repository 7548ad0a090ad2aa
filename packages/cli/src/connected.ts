import { Queue } from '@taskyard/client';
import { Command } from 'commander';
import { findServer, type ServerAddress } from './config.ts';
import type { Io } from './io.ts';

/** The options of every command that calls a server. */
export interface ConnectedOptions {
  readonly json?: true;
  readonly credentials?: string;
}

/** A command with the common option. */
export const commandNamed = (name: string): Command =>
  new Command(name).option('--json', 'print JSON, for programs');

/** A command that calls a server. */
export const connectedCommand = (name: string): Command =>
  commandNamed(name).option(
    '--credentials <file>',
    'file with the address of the server and your credentials',
  );

/** The server that a command's options and environment name. */
export const serverOf = (io: Io, { credentials }: ConnectedOptions): ServerAddress =>
  findServer(io.environment, credentials);

/** A client of the queue of that server. */
export const queueOf = (io: Io, options: ConnectedOptions): Queue =>
  new Queue({ ...serverOf(io, options), retries: 3 });
