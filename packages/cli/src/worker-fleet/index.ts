import type { Command } from 'commander';
import type { Io } from '../io.ts';
import { workerDrainCommand } from './drain.ts';
import { workerListCommand } from './list.ts';
import { workerQuarantineCommand, workerReleaseCommand } from './quarantine.ts';

export { listWorkers } from './list.ts';
export { workerQuarantineCommand };

/** The commands about running workers, next to the one that runs a worker. */
export const workerFleetCommands = (io: Io): Command[] => [
  workerListCommand(io),
  workerQuarantineCommand(io),
  workerReleaseCommand(io),
  workerDrainCommand(io),
];
