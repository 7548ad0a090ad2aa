import { CommanderError } from 'commander';
import { commandName } from './command-name.ts';
import { readEnvironment } from './config.ts';
import { exitCodes } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

const signals = ['SIGINT', 'SIGTERM'] as const;

const processIo = (): Io => {
  process.stdout.on('error', endWithReader);
  // The result may still be wanted when standard error is closed.
  process.stderr.on('error', () => {});
  return {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    environment: readEnvironment(),
    onInterrupt: (handler) => {
      for (const signal of signals) process.on(signal, handler);
      return () => {
        for (const signal of signals) process.off(signal, handler);
      };
    },
    exit: (code) => process.exit(code),
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
};

/** Ends the process when standard output is closed. A reader that stops early, like `head`, is not a failure. */
const endWithReader = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit();
  process.stderr.write(`taskyard: standard output cannot be written: ${error.message}\n`);
  process.exit(exitCodes.failed);
};

/** Runs a command line (`argv` like `process.argv`), and sets the exit status. */
export const main = async (argv: readonly string[], io: Io = processIo()): Promise<void> => {
  try {
    await createProgram(io).parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      io.setExitCode(error.exitCode === 0 ? exitCodes.ok : exitCodes.usage);
      return;
    }
    const failure = failureOf(error);
    if (!failure) return;
    const { message, details, exitCode } = failure;
    io.stderr.write(
      argv.includes('--json') ? `${JSON.stringify({ error: details })}\n` : `${commandName}: ${message}\n`,
    );
    io.setExitCode(exitCode);
  }
};
