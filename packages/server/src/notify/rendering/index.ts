import { boundedProcess, type Clock, seconds } from '../../base/index.ts';

/** The result of a template, or why it cannot be rendered. */
export type Rendered = { readonly value: unknown } | { readonly mistake: string };

/** Renders templates of some messages that are looked at together. */
export type Render = (template: unknown, context: object) => Promise<Rendered>;

export interface RenderLimits {
  /** For each template. */
  readonly timeMs: number;
  readonly memoryMb: number;
  /** Of the JSON that it renders to. */
  readonly charactersMax: number;
  /** After so many templates that took too much, the others of these messages are not rendered any more. */
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
 * Renders json-e templates of anybody in a process that has little time and memory: a template can be a program, and one
 * that never ends must neither hold the platform up nor end it. Returns a function that begins a new page of messages.
 */
export const createRenderer = (clock: Clock, limits: RenderLimits = limitsDefault): (() => Render) => {
  const apart = boundedProcess(new URL('./worker.js', import.meta.url), clock, limits);
  return () => {
    let excesses = 0;
    return async (template, context) => {
      const text = JSON.stringify(template);
      // Nothing in it is to be rendered.
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
