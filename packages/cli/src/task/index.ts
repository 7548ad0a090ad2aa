import { Command } from 'commander';
import type { Io } from '../io.ts';
import { whyCommand } from '../why.ts';
import { artifactsCommand } from './artifacts.ts';
import { cancelCommand } from './cancel.ts';
import { createCommand } from './create.ts';
import { defCommand } from './def.ts';
import { downloadCommand } from './download.ts';
import { listCommand } from './list.ts';
import { logCommand } from './log.ts';
import { priorityCommand } from './priority.ts';
import { rerunCommand } from './rerun.ts';
import { shellCommand } from './shell.ts';
import { statusCommand } from './status.ts';

/** The commands about one task. */
export const taskCommands = (io: Io): Command => {
  const task = new Command('task').description('Work with one task.');
  const verbs = [
    createCommand,
    listCommand,
    statusCommand,
    whyCommand,
    defCommand,
    logCommand,
    shellCommand,
    cancelCommand,
    rerunCommand,
    priorityCommand,
    artifactsCommand,
    downloadCommand,
  ];
  for (const verb of verbs) task.addCommand(verb(io));
  return task;
};
