import { createHash } from 'node:crypto';
import { boundedProcess, type Clock, minutes, RequestError, seconds } from '../../base/index.ts';
import type { Reply, Request } from './requests.ts';

/** The trigger schema and the task template of a hook; both JSON. */
export interface Template {
  readonly triggerSchema: string;
  readonly task: string;
}

/** Checks schemas and renders templates of hooks in a process where they can do no harm. */
export interface Rendering {
  /** Throws an InputError that says where a trigger schema is no JSON schema. */
  requireSoundSchema(triggerSchema: string): Promise<void>;
  /**
   * Renders a template with `context`, or tells why it cannot be rendered. Throws a {@link Misfit} when there is a
   * payload that does not fit the trigger schema.
   */
  render(template: Template, context: object): Promise<unknown | RequestError>;
}

/** The payload does not fit the trigger schema of the hook. */
export class Misfit extends RequestError {
  constructor(misfits: readonly string[]) {
    const list = misfits.map((misfit) => `  * ${misfit}`).join('\n');
    super('InputError', `The payload does not fit the triggerSchema of the hook:\n${list}`);
  }
}

export interface RenderingLimits {
  /** For each template or schema; the thread may have to start first. */
  readonly timeMs: number;
  readonly memoryMb: number;
  /** Of the JSON that a template renders to. */
  readonly charactersMax: number;
}

const limitsDefault: RenderingLimits = { timeMs: seconds(5), memoryMb: 128, charactersMax: 10 * 2 ** 20 };

// A template that took too long has delayed all others, so it is not rendered again at once.
const restMs = minutes(5);
const restingMax = 1000;

const tooMuch = 'it takes too long, or too much memory';

/** Opens a thread for schemas and templates. */
export const createRendering = (clock: Clock, limits: RenderingLimits = limitsDefault): Rendering => {
  const apart = boundedProcess(new URL('./worker.js', import.meta.url), clock, limits);
  const resting = new Map<string, number>();
  const ask = async (request: Request): Promise<Reply> => {
    const key = keyOf(request);
    if (clock.elapsed() < (resting.get(key) ?? Number.NEGATIVE_INFINITY))
      return { mistake: `${tooMuch}; it may rest a while` };
    const reply = (await apart.ask(request)) as Reply | undefined;
    if (reply) return reply;
    resting.delete(key);
    resting.set(key, clock.elapsed() + restMs);
    if (resting.size > restingMax) resting.delete(resting.keys().next().value as string);
    return { mistake: tooMuch };
  };
  return {
    requireSoundSchema: async (triggerSchema) => {
      const { mistake } = await ask({ kind: 'check', triggerSchema });
      if (mistake) throw new RequestError('InputError', `triggerSchema is no JSON schema: ${mistake}`);
    },
    render: async ({ triggerSchema, task }, context) => {
      const { charactersMax } = limits;
      const { misfits, mistake, text } = await ask({
        kind: 'render',
        triggerSchema,
        template: task,
        context: JSON.stringify(context),
        charactersMax,
      });
      if (misfits) throw new Misfit(misfits);
      if (text !== undefined) return JSON.parse(text) as unknown;
      return new RequestError('InputError', `The template of the hook cannot be rendered: ${mistake}`);
    },
  };
};

const keyOf = (request: Request): string =>
  createHash('sha256')
    .update(request.triggerSchema)
    .update(request.kind === 'render' ? request.template : '')
    .digest('base64url');
