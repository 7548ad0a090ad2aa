import { Command } from 'commander';
import type { Io } from '../io.ts';
import { findCommand } from './find.ts';
import { listCommand } from './list.ts';

/** The commands about the index. */
export const indexCommands = (io: Io): Command => {
  const index = new Command('index').description('Find tasks by their paths.');
  for (const verb of [findCommand, listCommand]) index.addCommand(verb(io));
  return index;
};
