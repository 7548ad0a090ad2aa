import type { EventContext } from '@taskyard/taskcluster-yml';

/** A request to the process that renders. */
export type Request =
  | { readonly kind: 'policy'; readonly text: string }
  | {
      readonly kind: 'render';
      readonly text: string;
      readonly context: EventContext;
      /** What a request for a task has to be. */
      readonly taskSchema: object;
      readonly charactersMax: number;
    };

/** Its reply: JSON text of what was asked for, or what is wrong, a line for each mistake. */
export interface Reply {
  readonly text?: string;
  readonly mistakes?: readonly string[];
}
