import type { Engine } from './engines/index.ts';
import type { Features } from './payload/index.ts';
import type { SigningKey } from './trust/index.ts';
import type { WorkerOptions } from './worker-options.ts';

/** The features of a worker around the commands of its tasks. */
export const featuresOf = (
  { isolateNetwork = false, containers }: WorkerOptions,
  { engine, signingKey }: { engine: Engine; signingKey: SigningKey | undefined },
): Features => ({
  // A task without a network could not reach it.
  taskclusterProxy: !isolateNetwork && containers?.network !== 'none',
  // A certificate is worthless when every task can read the key.
  chainOfTrust: signingKey !== undefined && engine.name !== 'process',
  resourceMonitor: true,
  interactive: engine.openTerminal !== undefined,
});
