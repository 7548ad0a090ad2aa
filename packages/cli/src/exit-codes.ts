/** The exit statuses of the command, which docs/guides/command-line.md documents. */
export const exitCodes = {
  ok: 0,
  /** A task did not complete, or the server refused the call. */
  failed: 1,
  /** Wrong use of the command, or a mistake in a file. */
  usage: 2,
  /** No server answered. */
  unreachable: 3,
  /** A worker's file of settings cannot be read: this and the next two are those of the original's workers. */
  workerFileUnreadable: 64,
  /** A worker could not start, or failed. */
  workerBroken: 69,
  /** A worker's settings are wrong. */
  workerSettingsWrong: 73,
  /** A defect in the command itself. */
  defect: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Ends a command with a sentence for the user, and an exit status. */
export class CommandError extends Error {
  readonly exitCode: ExitCode;
  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}
