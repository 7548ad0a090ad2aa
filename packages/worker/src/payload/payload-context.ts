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
  /** Paths of this machine itself may be named: nothing hides it from tasks. */
  readonly absolutePaths?: boolean;
}

export type PayloadReading =
  | { readonly description: TaskDescription; readonly errors?: never }
  | { readonly errors: readonly string[]; readonly description?: never };
