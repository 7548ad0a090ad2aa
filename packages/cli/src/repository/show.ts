import { stringify } from 'yaml';
import { type Io, say, sayJson } from '../io.ts';
import type { RenderedHere } from './render-here.ts';

/** Prints what would be created, and creates nothing. */
export const showRendering = (io: Io, { rendering }: RenderedHere, format: 'yaml' | 'json'): void => {
  const { tasks, taskGroupId, scopes, hooks, reporting, policy, autoCancelPreviousChecks } = rendering;
  const shown = {
    ...(taskGroupId !== undefined && { taskGroupId }),
    scopes,
    ...(reporting && { reporting }),
    autoCancelPreviousChecks,
    policy,
    ...(hooks.length > 0 && { hooks }),
    tasks: tasks.map(({ taskId, task }) => ({ taskId, task })),
  };
  if (format === 'json') sayJson(io, shown);
  else say(io, stringify(shown, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd());
};
