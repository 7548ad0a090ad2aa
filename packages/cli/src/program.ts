import { Command } from 'commander';
import { adminCommands, clientCommands, roleCommands, scopesCommands } from './admin/index.ts';
import { apiCommand } from './api.ts';
import { backupCommand, restoreCommand } from './backup.ts';
import { cacheCommands } from './cache/index.ts';
import { cleanCommand } from './clean.ts';
import { commandName } from './command-name.ts';
import { completionCommand } from './completion.ts';
import { doctorCommand } from './doctor.ts';
import { eventsCommand } from './events.ts';
import { groupCommands } from './group/index.ts';
import { hookCommands } from './hook/index.ts';
import { indexCommands } from './index/index.ts';
import type { Io } from './io.ts';
import { mcpCommand } from './mcp/index.ts';
import { migrateCommand } from './migrate.ts';
import { poolCommands } from './pool/index.ts';
import { queueCommands } from './queue/index.ts';
import { runCommand } from './run.ts';
import { secretCommands } from './secret/index.ts';
import { serveCommand } from './serve.ts';
import { signinCommand } from './signin.ts';
import { slugidCommand } from './slugid.ts';
import { taskCommands } from './task/index.ts';
import { version } from './version.ts';
import { whyCommand } from './why.ts';
import { workerCommand } from './worker.ts';

/** Makes commander write to our outputs, and never end the process. */
const redirectOutput = (io: Io, command: Command): void => {
  command.exitOverride().configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: (text) => void io.stderr.write(text),
    getOutHelpWidth: () => io.stdout.columns ?? 80,
    getErrHelpWidth: () => io.stderr.columns ?? 80,
  });
  for (const child of command.commands) redirectOutput(io, child);
};

/** The whole command line. */
export const createProgram = (io: Io): Command => {
  const program = new Command(commandName)
    .description('Runs graphs of tasks: on this machine, or on any server that speaks the Taskcluster APIs.')
    .version(version())
    // Options after the name of a command belong to it: `worker` and `worker list` both have --json.
    .enablePositionalOptions()
    .showHelpAfterError('(--help says how it is used)');
  const commands = [
    runCommand,
    serveCommand,
    doctorCommand,
    migrateCommand,
    backupCommand,
    restoreCommand,
    cleanCommand,
    workerCommand,
    taskCommands,
    groupCommands,
    whyCommand,
    indexCommands,
    hookCommands,
    queueCommands,
    poolCommands,
    secretCommands,
    cacheCommands,
    clientCommands,
    roleCommands,
    scopesCommands,
    eventsCommand,
    mcpCommand,
    signinCommand,
    apiCommand,
    slugidCommand,
  ];
  for (const command of commands) program.addCommand(command(io));
  // The three commands above under their older name.
  program.addCommand(adminCommands(io), { hidden: true });
  program.addCommand(completionCommand(io, program));
  redirectOutput(io, program);
  return program;
};
