import type { Config } from '@taskyard/server';
import { CommandError, exitCodes } from './exit-codes.ts';

/** How the workers of a platform on this machine keep tasks apart. */
export type LocalEngine = 'bubblewrap' | 'process';

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[?::1\]?)$/.test(host);

/** Whether anybody outside of this machine is meant to reach the platform, by itself or through a proxy. */
const isOpen = ({ host, rootUrl }: Config): boolean =>
  !isLoopback(host) || (rootUrl !== undefined && !isLoopback(new URL(rootUrl).hostname));

const cannotStart = (message: string): CommandError =>
  new CommandError(exitCodes.usage, `The platform cannot be started: ${message}`);

/** What keeps tasks apart must not be lost without a word where strangers may bring some. */
const refuseOpenFallback = (config: Config, engine: LocalEngine): void => {
  if (engine === 'bubblewrap' || config.worker.engine === 'process' || !isOpen(config)) return;
  throw cannotStart(
    'bubblewrap does not work here, so tasks could read all that this user can, and others than this machine are let ' +
      'in. Install bubblewrap; or leave its tasks to other machines with WORKER=false; or accept that with ' +
      'WORKER_ENGINE=process.',
  );
};

/**
 * The engine that workers on this machine are going to have; undefined where the platform has none. Throws a
 * CommandError when they could not start, and when what is left is no isolation that nobody has asked for.
 *
 * @param project what tasks are to be shown
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

/** What an engine means for those who bring tasks, in a sentence. */
export const engineSentence = (engine: LocalEngine, project: string | undefined): string => {
  if (engine === 'process') return 'Tasks are plain processes of this user, and can read what it can.';
  return `Tasks are kept apart by bubblewrap, and may read ${project ?? 'no folder of this machine but the system'}.`;
};
