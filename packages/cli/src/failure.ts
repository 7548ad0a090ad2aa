import { ApiError, ArtifactError, ConnectionError, DownloadError, UploadError } from '@taskyard/client';
import { MistakesError } from '@taskyard/taskcluster-yml/mistakes';
import { CommanderError } from 'commander';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';

/** The exit status and the message of a failed command. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly message: string;
  /** The message as data, for programs. */
  readonly details: Readonly<Record<string, unknown>>;
}

// After this line, a server's message repeats the request.
const withoutRequest = (message: string): string => (message.split('\n\n---\n')[0] ?? message).trim();

/** What a server says when a parameter has no form of an id, as somebody writes a name instead; it goes on with a pattern. */
const notAnId = /^URL parameter '(?:taskId|taskGroupId)' given as '(.*)' must match /;

const apiFailure = (error: ApiError): Failure => {
  const message = withoutRequest(error.message);
  const { statusCode, code, body } = error;
  const [, name] = notAnId.exec(message) ?? [];
  if (name !== undefined) {
    return {
      exitCode: exitCodes.usage,
      message: `"${name}" is not the id of a task or group. "task list --name" and "group list --name" find it by its name.`,
      details: { statusCode, code, message, body },
    };
  }
  return {
    exitCode: exitCodes.failed,
    message: `${message} (${code})`,
    details: { statusCode, code, message, body },
  };
};

// The packages of server and worker are loaded only by commands that need them, so their errors are recognized by name.
const configErrors = ['ConfigError', 'WorkerConfigError', 'TraceError'];
const dataErrors = ['BackupError', 'CleaningError'];

/** The failure of a command by its error. Without a message when commander has already printed it. */
export const failureOf = (error: unknown): Failure | undefined => {
  if (error instanceof CommanderError) return undefined;
  if (error instanceof ApiError) return apiFailure(error);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof CommandError) return { exitCode: error.exitCode, message, details: { message } };
  if (error instanceof ConnectionError)
    return { exitCode: exitCodes.unreachable, message, details: { message } };
  if (error instanceof MistakesError) {
    return { exitCode: exitCodes.usage, message, details: { message, mistakes: error.mistakes } };
  }
  if ([ArtifactError, DownloadError, UploadError].some((kind) => error instanceof kind)) {
    return { exitCode: exitCodes.failed, message, details: { message } };
  }
  if (error instanceof Error && dataErrors.includes(error.name)) {
    return { exitCode: exitCodes.failed, message, details: { message } };
  }
  if (error instanceof Error && configErrors.includes(error.name)) {
    return { exitCode: exitCodes.usage, message, details: { message } };
  }
  return { exitCode: exitCodes.defect, message: stack ?? message, details: { message } };
};
