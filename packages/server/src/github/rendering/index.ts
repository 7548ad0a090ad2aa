import type { EventContext, Policy, Rendering as Rendered } from '@taskyard/taskcluster-yml';
import { boundedProcess, type Clock, seconds } from '../../base/index.ts';
import { createTaskRequest } from '../../queue/index.ts';
import type { Reply, Request } from './requests.ts';

/** What is wrong with a file: a line for each mistake, with the file's name, line and column. */
export interface Mistaken {
  readonly mistakes: readonly string[];
}

/** Files of repositories, looked at where they can do no harm. */
export interface Rendering {
  /** The tasks, the hooks and the scopes that a file asks for at an event. */
  render(text: string, context: EventContext): Promise<Rendered | Mistaken>;
  /** The policy in a file, which need not be right otherwise. */
  policyIn(text: string): Promise<Policy | Mistaken>;
}

export interface RenderingLimits {
  /** For each file; the process may have to start first. */
  readonly timeMs: number;
  readonly memoryMb: number;
  /** Of the JSON that a file renders to. */
  readonly charactersMax: number;
}

const limitsDefault: RenderingLimits = { timeMs: seconds(10), memoryMb: 192, charactersMax: 10 * 2 ** 20 };

const tooMuch: Mistaken = {
  mistakes: ['.taskcluster.yml:1:1: it takes too long to render, or too much memory'],
};

/** Opens a process for files of repositories. */
export const createRendering = (clock: Clock, limits: RenderingLimits = limitsDefault): Rendering => {
  const apart = boundedProcess(new URL('./worker.js', import.meta.url), clock, limits);
  const ask = async <T>(request: Request): Promise<T | Mistaken> => {
    const reply = (await apart.ask(request)) as Reply | undefined;
    if (!reply) return tooMuch;
    return reply.text === undefined ? { mistakes: reply.mistakes ?? [] } : (JSON.parse(reply.text) as T);
  };
  return {
    render: (text, context) => {
      const { charactersMax } = limits;
      return ask<Rendered>({
        kind: 'render',
        text,
        context,
        taskSchema: createTaskRequest.schema,
        charactersMax,
      });
    },
    policyIn: (text) => ask<Policy>({ kind: 'policy', text }),
  };
};
