import type { ShellPlace } from '../engines/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { taskEnvironment } from './environment.ts';
import { outsideOf } from './outside.ts';
import type { Run } from './run.ts';
import type { Surroundings } from './surroundings.ts';

/** What the commands of a task find: everything of a command but its words. */
export const commandPlaceOf = (
  run: Run,
  description: TaskDescription,
  surroundings: Pick<Surroundings, 'container' | 'environment'>,
): ShellPlace => ({
  directory: run.taskDirectory,
  privateDirectory: run.privateDirectory,
  environment: taskEnvironment(run, description.environment, surroundings),
  container: surroundings.container,
  outside: outsideOf(run, description),
});

/** The same for a shell, with the kind of its terminal. */
export const shellPlaceOf = (...given: Parameters<typeof commandPlaceOf>): ShellPlace => {
  const place = commandPlaceOf(...given);
  return { ...place, environment: { ...place.environment, TERM: 'xterm-256color' } };
};
