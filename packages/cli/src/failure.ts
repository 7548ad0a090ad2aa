import { ApiError, ArtifactError, ConnectionError, DownloadError } from '@taskyard/client';
import { CommanderError } from 'commander';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { GraphFileError } from './graph-file/mistakes.ts';

/** How a command that failed ends, and what it says. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly message: string;
  /** The same for programs. */
  readonly details: Readonly<Record<string, unknown>>;
}

// Below this line a server's message repeats what it was asked.
const withoutRequest = (message: string): string => (message.split('\n\n---\n')[0] ?? message).trim();

const apiFailure = (error: ApiError): Failure => {
  const message = withoutRequest(error.message);
  const { statusCode, code, body } = error;
  return {
    exitCode: exitCodes.failed,
    message: `${message} (${code})`,
    details: { statusCode, code, message, body },
  };
};

// Only commands that need them load the packages of server and worker: their errors are known by name.
const configErrors = ['ConfigError', 'WorkerConfigError', 'TraceError'];

/** Says what went wrong, in words, and as an exit status. Nothing for what commander has said itself. */
export const failureOf = (error: unknown): Failure | undefined => {
  if (error instanceof CommanderError) return undefined;
  if (error instanceof ApiError) return apiFailure(error);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof CommandError) return { exitCode: error.exitCode, message, details: { message } };
  if (error instanceof ConnectionError)
    return { exitCode: exitCodes.unreachable, message, details: { message } };
  if (error instanceof GraphFileError) {
    return { exitCode: exitCodes.usage, message, details: { message, mistakes: error.mistakes } };
  }
  if (error instanceof ArtifactError || error instanceof DownloadError) {
    return { exitCode: exitCodes.failed, message, details: { message } };
  }
  if (error instanceof Error && error.name === 'BackupError') {
    return { exitCode: exitCodes.failed, message, details: { message } };
  }
  if (error instanceof Error && configErrors.includes(error.name)) {
    return { exitCode: exitCodes.usage, message, details: { message } };
  }
  return { exitCode: exitCodes.defect, message: stack ?? message, details: { message } };
};
