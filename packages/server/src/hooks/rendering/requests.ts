/** What the thread is asked; everything is JSON text. */
export type Request =
  | { readonly kind: 'check'; readonly triggerSchema: string }
  | {
      readonly kind: 'render';
      readonly triggerSchema: string;
      readonly template: string;
      readonly context: string;
      readonly charactersMax: number;
    };

/** What it answers: what is wrong with the payload, or with schema or template, or what the template became. */
export interface Reply {
  readonly misfits?: readonly string[];
  readonly mistake?: string;
  readonly text?: string;
}
