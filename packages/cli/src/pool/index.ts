import { Command } from 'commander';
import type { Io } from '../io.ts';
import { deleteCommand, setCommand, showCommand } from './definition.ts';
import { errorsCommand } from './errors.ts';
import { explainCommand } from './explain.ts';
import { listCommand } from './list.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { simulateCommand } from './simulate.ts';
import { traceCommand } from './trace.ts';
import { usageCommand } from './usage.ts';
import { workersCommand } from './workers.ts';

/** The commands about worker pools. */
export const poolCommands = (io: Io): Command => {
  const pool = new Command('pool').description('Work with worker pools.');
  const verbs = [
    listCommand,
    showCommand,
    explainCommand,
    workersCommand,
    usageCommand,
    errorsCommand,
    pauseCommand,
    resumeCommand,
    setCommand,
    deleteCommand,
    simulateCommand,
    traceCommand,
  ];
  for (const verb of verbs) pool.addCommand(verb(io));
  return pool;
};
