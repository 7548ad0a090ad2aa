import type { Readable, Writable } from 'node:stream';
import type { TerminalSize } from '@taskyard/client';
import type { Images } from '../images/index.ts';
import type { AbsolutePath, Privileges, Volume } from '../payload/index.ts';

/** A command of a task, with everything that it may see of this machine. */
export interface Command {
  readonly argv: readonly string[];
  /** The task's own directory: the command starts in it. */
  readonly directory: string;
  /** A directory that the command never sees, for the engine's own use. */
  readonly privateDirectory: string;
  /** The whole environment; only the variables of an image are added. */
  readonly environment: Readonly<Record<string, string>>;
  /** Only for an engine with containers: the command sees these and the image, not the task's directory. */
  readonly container?: ContainerRequest | undefined;
  /** Where an engine with `outside` finds what has an absolute path. Undefined: nothing has one. */
  readonly outside?: Outside | undefined;
}

/** What a task has at absolute paths. */
export interface Outside {
  /** The directory that stands for the root. Never shown as a whole. */
  readonly root: string;
  /** The paths below which its commands find what is at the same paths below `root`, outer ones before inner ones. */
  readonly shown: readonly string[];
}

/** The absolute paths that tasks of an engine can have, which hides this machine's own. */
export interface OutsideRules {
  /** Why a task cannot have anything at a path, in words that follow the path; undefined where it can. */
  refusal(place: AbsolutePath): string | undefined;
  /** What commands have to be shown, so that they and the worker find the same at these places. */
  shownFor(places: readonly AbsolutePath[]): readonly string[];
}

/** The container for a task with its own image. */
export interface ContainerRequest {
  /** An image that `images` of the engine provided, by its id. */
  readonly image: string;
  readonly volumes: readonly Volume[];
  readonly privileges: Privileges;
}

export type CommandExit =
  | { readonly exitCode: number; readonly signal?: never }
  | { readonly signal: NodeJS.Signals; readonly exitCode?: never };

export interface Usage {
  readonly memoryBytes: number;
  /** Since the command has started. */
  readonly cpuSeconds: number;
}

/** A started command. When it has ended, so have all processes that it started. */
export interface RunningCommand {
  /** Resolves when the command has ended and all its output has been written. */
  wait(): Promise<CommandExit>;
  /** The memory and CPU that its processes use now; undefined when that is unknown. */
  usage?(): Usage | undefined;
  /** Asks all its processes to end (SIGTERM). */
  terminate(): void;
  /** Ends all its processes (SIGKILL). */
  kill(): void;
}

/** A shell in a task, for people. */
export interface Terminal {
  /** Takes what is typed. */
  readonly keys: Writable;
  /** Gives what is shown, until the shell ends. */
  readonly screen: Readable;
  resize(size: TerminalSize): void;
  /** Resolves with the shell's exit code when it has ended. */
  wait(): Promise<number>;
  /** Ends the shell. What it left behind ends with the task. */
  kill(): void;
}

/** Where a shell is opened: as a command that has none of its own. */
export type ShellPlace = Omit<Command, 'argv'>;

/** The functions of an engine with containers. */
export interface Containers {
  readonly images: Images;
  /** Why this worker does not grant some of these privileges; empty when it grants all. */
  refusals(privileges: Privileges): readonly string[];
  /** The address at which the containers of a task reach this worker; undefined where they have no network. */
  addressForTask(directory: string): Promise<string | undefined>;
  /**
   * Copies a file or directory out of the last of a task's containers that has it, to a new path of this machine. Returns
   * whether one has it. Possible until the task is swept.
   */
  copyOut(directory: string, copy: { readonly path: string; readonly to: string }): Promise<boolean>;
}

/** A way to run commands isolated from the rest of the machine. */
export interface Engine {
  readonly name: 'process' | 'bubblewrap' | 'docker';
  /** Undefined when tasks cannot have their own image. */
  readonly containers?: Containers | undefined;
  /** Undefined where tasks see the paths of this machine itself. */
  readonly outside?: OutsideRules | undefined;
  /**
   * The command line of a program of the worker's so that it sees nothing of this machine but the system and one
   * directory. Undefined where the engine has no way to do that.
   */
  readonly confine?: ((argv: readonly string[], directory: string) => readonly string[]) | undefined;
  /** Starts a command; its standard output and error go to `output`, in the order in which they were printed. */
  start(command: Command, output: Writable): Promise<RunningCommand>;
  /**
   * Opens a shell that finds what the commands of the task find. Rejects with a sentence for the person when that is not
   * possible at the moment. Undefined where this machine has no way to make terminals.
   */
  readonly openTerminal?: ((place: ShellPlace, size: TerminalSize) => Promise<Terminal>) | undefined;
  /** Ends processes that a task left when its commands ended, and removes what the engine kept for it. */
  sweep(directory: string): Promise<void>;
  /** Releases the engine's resources. Commands that run are killed. */
  close(): void | Promise<void>;
}
