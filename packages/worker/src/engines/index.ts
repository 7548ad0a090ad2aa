import type { Clock } from '../clock.ts';
import { bubblewrapEngine, findSandbox } from './bubblewrap.ts';
import type { Engine } from './engine.ts';
import { processEngine } from './process.ts';
import { startWatchdog } from './watchdog.ts';

export type { Command, CommandExit, Engine, RunningCommand } from './engine.ts';
export { killStrays, markerVariable } from './strays.ts';

export const engineChoices = ['auto', 'process', 'bubblewrap'] as const;
export type EngineChoice = (typeof engineChoices)[number];

export interface EngineOptions {
  readonly clock: Clock;
  readonly choice: EngineChoice;
  /** The worker's PATH. */
  readonly path: string;
  readonly readOnlyPaths: readonly string[];
  readonly hiddenPaths: readonly string[];
  readonly isolateNetwork: boolean;
  /** Tasks' directories will lie below it. It must exist. */
  readonly directory: string;
}

/** The engine that was asked for; with `auto`, bubblewrap where it works on this machine, else process. */
export const chooseEngine = async (options: EngineOptions): Promise<Engine> => {
  const { choice, clock, path, isolateNetwork, directory } = options;
  const sandbox = choice === 'process' ? undefined : await findSandbox(options, directory);
  if (choice === 'bubblewrap' && !sandbox) {
    throw new Error(
      'The bubblewrap engine does not work here: `bwrap` is missing, or may not make namespaces.',
    );
  }
  if (!sandbox && isolateNetwork) {
    throw new Error('Only the bubblewrap engine can isolate the network, and it does not run here.');
  }
  const spawning = { clock, watchdog: startWatchdog() };
  return sandbox ? bubblewrapEngine(spawning, sandbox) : processEngine(spawning, { path });
};
