/** A request to the thread; everything is JSON text. */
export type Request =
  | { readonly kind: 'check'; readonly triggerSchema: string }
  | {
      readonly kind: 'render';
      readonly triggerSchema: string;
      readonly template: string;
      readonly context: string;
      readonly charactersMax: number;
    };

/** Its reply: what is wrong with the payload, the schema or the template, or the rendered template. */
export interface Reply {
  readonly misfits?: readonly string[];
  readonly mistake?: string;
  readonly text?: string;
}
