import { defaultPath } from './config.ts';
import { type EngineChoice, engineNameFor } from './engines/index.ts';

// A separate entry point: a platform checks the engine before its workers start, without loading the rest.

export interface EngineQuestion {
  readonly choice: Exclude<EngineChoice, 'docker'>;
  /** An existing folder, below which tasks will have their directories. */
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
