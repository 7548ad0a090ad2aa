import { Command } from 'commander';
import type { Io } from '../io.ts';
import { cancelCommand } from './cancel.ts';
import { createCommand } from './create.ts';
import { listCommand } from './list.ts';
import { statusCommand } from './status.ts';
import { watchCommand } from './watch.ts';

/** The commands about groups of tasks. */
export const groupCommands = (io: Io): Command => {
  const group = new Command('group').description('Work with the tasks of a group.');
  for (const verb of [createCommand, statusCommand, listCommand, cancelCommand, watchCommand]) {
    group.addCommand(verb(io));
  }
  return group;
};
