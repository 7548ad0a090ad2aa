import type { Writable } from 'node:stream';

/** A command of a task, with all that it is to see of this machine. */
export interface Command {
  readonly argv: readonly string[];
  /** The task's own directory: the command starts in it. */
  readonly directory: string;
  /** A directory that the command never sees, for the engine's own use. */
  readonly privateDirectory: string;
  /** The whole environment: nothing is added to it. */
  readonly environment: Readonly<Record<string, string>>;
}

export type CommandExit =
  | { readonly exitCode: number; readonly signal?: never }
  | { readonly signal: NodeJS.Signals; readonly exitCode?: never };

/** A command that has started. When it has ended, so has every process that it started. */
export interface RunningCommand {
  /** Resolves when the command has ended and all that it printed has been written. */
  wait(): Promise<CommandExit>;
  /** Asks all its processes to end (SIGTERM). */
  terminate(): void;
  /** Ends all its processes (SIGKILL). */
  kill(): void;
}

/** A way to run commands apart from the rest of the machine. */
export interface Engine {
  readonly name: 'process' | 'bubblewrap';
  /** Starts a command; its standard output and error go to `output`, in the order in which they were printed. */
  start(command: Command, output: Writable): Promise<RunningCommand>;
  /** Ends what still runs of a task whose commands have ended. */
  sweep(directory: string): Promise<void>;
  /** Lets go of what the engine holds. Commands that run are killed. */
  close(): void;
}
