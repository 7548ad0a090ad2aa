import { defaultPath } from './config.ts';
import { type EngineChoice, engineNameFor } from './engines/index.ts';

// A door of its own: a platform asks before its workers start, and loads nothing else of them.

export interface EngineQuestion {
  readonly choice: Exclude<EngineChoice, 'docker'>;
  /** A folder that exists; tasks' directories will lie below it. */
  readonly directory: string;
  readonly readOnlyPaths: readonly string[];
  readonly hiddenPaths: readonly string[];
  readonly isolateNetwork: boolean;
}

/**
 * The engine that a worker with these settings would use on this machine. Throws a sentence when it could not start
 * with them.
 */
export const engineHere = (question: EngineQuestion): Promise<'bubblewrap' | 'process'> =>
  engineNameFor({ ...question, path: defaultPath() });
