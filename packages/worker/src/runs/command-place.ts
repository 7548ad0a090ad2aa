import type { ShellPlace } from '../engines/index.ts';
import type { TaskDescription } from '../payload/index.ts';
import { taskEnvironment } from './environment.ts';
import type { Run } from './run.ts';
import type { Surroundings } from './surroundings.ts';

/** The directory, environment and container of a shell in a task: those of its commands, and the kind of the terminal. */
export const shellPlaceOf = (
  run: Run,
  description: TaskDescription,
  surroundings: Pick<Surroundings, 'container' | 'environment'>,
): ShellPlace => ({
  directory: run.taskDirectory,
  privateDirectory: run.privateDirectory,
  environment: { ...taskEnvironment(run, description.environment, surroundings), TERM: 'xterm-256color' },
  container: surroundings.container,
});
