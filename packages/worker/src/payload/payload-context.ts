import type { Features, Privileges, TaskDescription } from './task-description.ts';

/** The facts besides a task's payload that decide whether the payload is valid. */
export interface PayloadContext {
  readonly deadline: Date;
  readonly expires: Date;
  readonly dependencies: readonly string[];
  readonly taskQueueId: string;
  readonly maxRunTimeSecondsMax: number;
  readonly abilities: Abilities;
}

/** Features that not every worker has. */
export interface Abilities {
  /** Undefined where no image can be run; else why containers get none of some privileges. */
  readonly containers: { refusals(privileges: Privileges): readonly string[] } | undefined;
  readonly features: Features;
  /** Why a task cannot have something at an absolute path, in words that follow the path. Undefined: at none. */
  readonly refusalOfPath?: ((place: AbsolutePath) => string | undefined) | undefined;
}

/** An absolute path in a payload: of a mount, or of an artifact of this type. */
export interface AbsolutePath {
  readonly path: string;
  readonly use: 'mount' | 'file' | 'directory';
}

export type PayloadReading =
  | { readonly description: TaskDescription; readonly errors?: never }
  | { readonly errors: readonly string[]; readonly description?: never };
