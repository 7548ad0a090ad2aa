import type { Config } from '@taskyard/server';
import { CommandError, exitCodes } from './exit-codes.ts';

/** How the workers of a platform on this machine isolate tasks. */
export type LocalEngine = 'bubblewrap' | 'process';

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);

/** Whether the platform can be reached from outside of this machine, directly or through a proxy. */
const isOpen = ({ host, rootUrl }: Config): boolean =>
  !isLoopback(host) || (rootUrl !== undefined && !isLoopback(new URL(rootUrl).hostname));

const cannotStart = (message: string): CommandError =>
  new CommandError(exitCodes.usage, `The platform cannot be started: ${message}`);

/** Isolation must not be lost silently where others can submit tasks. */
const refuseOpenFallback = (config: Config, engine: LocalEngine): void => {
  if (engine === 'bubblewrap' || config.worker.engine === 'process' || !isOpen(config)) return;
  throw cannotStart(
    'bubblewrap does not work here, so tasks could read all that this user can, and others than this machine are let ' +
      'in. Install bubblewrap; or leave its tasks to other machines with WORKER=false; or accept that with ' +
      'WORKER_ENGINE=process.',
  );
};

/**
 * The engine of the workers on this machine; undefined when the platform has no workers. Throws a CommandError when they
 * could not start, and when only an engine without isolation is left that was not asked for.
 *
 * @param project the folder that tasks may read
 */
export const settleEngine = async (
  config: Config,
  {
    project,
    demoCloud = false,
  }: { readonly project: string | undefined; readonly demoCloud?: boolean | undefined },
): Promise<LocalEngine | undefined> => {
  const { data, role, worker } = config;
  if (!demoCloud && (role !== 'all' || !worker.enabled)) return undefined;
  const { engineHere } = await import('@taskyard/worker/engine-here');
  const engine = await engineHere({
    choice: worker.engine,
    directory: data,
    readOnlyPaths: project === undefined ? [] : [project],
    hiddenPaths: [data],
    isolateNetwork: worker.isolateNetwork,
  }).catch((error: Error) => {
    throw cannotStart(error.message);
  });
  refuseOpenFallback(config, engine);
  return engine;
};

/** The isolation of an engine, in a sentence. */
export const engineSentence = (engine: LocalEngine, project: string | undefined): string => {
  if (engine === 'process') return 'Tasks are plain processes of this user, and can read what it can.';
  return `Tasks are kept apart by bubblewrap, and may read ${project ?? 'no folder of this machine but the system'}.`;
};
