import { boundedProcess, type Clock, seconds } from '../../base/index.ts';

/** The result of a template, or why it cannot be rendered. */
export type Rendered = { readonly value: unknown } | { readonly mistake: string };

/** Renders the templates of a page of messages. */
export type Render = (template: unknown, context: object) => Promise<Rendered>;

export interface RenderLimits {
  /** Milliseconds for each template. */
  readonly timeMs: number;
  readonly memoryMb: number;
  /** Of the JSON that it renders to. */
  readonly charactersMax: number;
  /** After this many templates that took too long, the others of these messages are not rendered any more. */
  readonly excessesMax: number;
}

const limitsDefault: RenderLimits = {
  timeMs: seconds(2),
  memoryMb: 64,
  charactersMax: 200_000,
  excessesMax: 3,
};

type Reply = { readonly text: string } | { readonly mistake: string };

/**
 * Renders json-e templates in a process with little time and memory. Anybody may write a template, and it can be a program:
 * one that never ends must neither delay the platform nor end it. Returns a function that begins a new page of messages.
 */
export const createRenderer = (clock: Clock, limits: RenderLimits = limitsDefault): (() => Render) => {
  const apart = boundedProcess(new URL('./worker.js', import.meta.url), clock, limits);
  return () => {
    let excesses = 0;
    return async (template, context) => {
      const text = JSON.stringify(template);
      // It has no expression.
      if (!text.includes('$')) return { value: template };
      if (excesses >= limits.excessesMax) return { mistake: 'others took too long' };
      const reply = (await apart.ask({
        template: text,
        context: JSON.stringify(context),
        charactersMax: limits.charactersMax,
      })) as Reply | undefined;
      if (!reply) {
        excesses++;
        return { mistake: 'it takes too long, or too much memory' };
      }
      return 'text' in reply ? { value: JSON.parse(reply.text) as unknown } : reply;
    };
  };
};
