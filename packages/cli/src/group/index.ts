import { Command } from 'commander';
import type { Io } from '../io.ts';
import { cancelCommand } from './cancel.ts';
import { causesCommand } from './causes.ts';
import { createCommand } from './create.ts';
import { downloadCommand } from './download.ts';
import { graphCommand } from './graph.ts';
import { listCommand } from './list.ts';
import { priorityCommand } from './priority.ts';
import { rerunCommand } from './rerun.ts';
import { sealCommand } from './seal.ts';
import { statusCommand } from './status.ts';
import { watchCommand } from './watch.ts';

/** The commands about groups of tasks. */
export const groupCommands = (io: Io): Command => {
  const group = new Command('group').description('Work with the tasks of a group.');
  const verbs = [
    createCommand,
    statusCommand,
    causesCommand,
    listCommand,
    graphCommand,
    downloadCommand,
    watchCommand,
    rerunCommand,
    priorityCommand,
    sealCommand,
    cancelCommand,
  ];
  for (const verb of verbs) group.addCommand(verb(io));
  return group;
};
