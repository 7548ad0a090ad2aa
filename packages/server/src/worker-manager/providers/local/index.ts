import { hostname } from 'node:os';
import { seconds, slugid } from '../../../base/index.ts';
import { digestOf, isSecretOf } from '../../digest.ts';
import type { WorkerRow } from '../../store/index.ts';
import type {
  LaunchOrder,
  LaunchOutcome,
  Machines,
  Provider,
  ProviderContext,
  StartedWorker,
  Sweep,
  SweptWorker,
  WorkerToEnd,
} from '../provider.ts';
import { type LocalWorker, Processes } from './processes.ts';
import { localConfig } from './schema.ts';

/** What workers on this machine are started with. */
export interface LocalSettings {
  /** A program and its arguments; the path of a file of settings is added. */
  readonly command: readonly string[];
  /** The environment of workers: without our secrets, and without variables that control a worker. */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder of their files; it holds nothing else. */
  readonly folder: string;
  /** Settings of every worker; a pool may say something else in its `workerConfig`. */
  readonly workerSettings: Readonly<Record<string, unknown>>;
}

/** After this time without a task a worker asks whether it may end, unless its pool says otherwise. */
const idleTimeoutSeconds = 20;

/**
 * Workers that are processes on this machine. They are children of the process that runs the background loops and end with
 * it; processes that a killed one left are ended when the next one starts its work.
 */
export const localProvider = (deps: ProviderContext, settings: LocalSettings): Provider => ({
  providerId: deps.providerId,
  providerType: 'local',
  configSchema: localConfig,
  // The secret was given to one process, which registers once.
  identify: async ({ state, staticSecretDigest, facts }, { staticSecret }) =>
    state === 'requested' && isSecretOf(staticSecretDigest, staticSecret) ? facts : 'refused',
  machines: localMachines(deps, settings),
});

const localMachines = (deps: ProviderContext, settings: LocalSettings): Machines => {
  const processes = new Processes(deps, settings);
  /** Identifies the processes that can be seen from here: those of the same machine and folder. */
  const place = `${hostname()}:${settings.folder}`;
  return {
    sweepEveryMs: seconds(10),
    launch: async (orders) => {
      await processes.endLeftovers();
      const outcomes: LaunchOutcome[] = [];
      for (const order of orders) {
        const workerAt = (i: number) => workerOf(order, i, { deps, settings });
        outcomes.push(await startOrder(order, { processes, place, workerAt }));
      }
      return outcomes;
    },
    sweep: async (known): Promise<Sweep> => {
      await processes.endLeftovers();
      const ours = known.filter(({ facts }) => facts.place === place);
      const names = new Set(ours.map(({ workerId }) => workerId));
      const swept = await Promise.all(
        ours.map((worker) => processes.look(worker.workerId).then(seen(worker))),
      );
      const strays = processes
        .all()
        .filter(({ workerId }) => !names.has(workerId))
        .map((worker) => ({ ...refOf(worker), facts: { place, pid: worker.pid }, token: worker.token }));
      return { workers: swept, strays };
    },
    terminate: async (workers: readonly WorkerToEnd[]) => {
      for (const { workerId } of workers) processes.end(workerId);
    },
    close: () => processes.close(),
  };
};

interface Starting {
  readonly processes: Processes;
  readonly place: string;
  workerAt(i: number): LocalWorker;
}

/** Starts the workers of an order; those that run already stay as they are. */
const startOrder = async (
  order: LaunchOrder,
  { processes, place, workerAt }: Starting,
): Promise<LaunchOutcome> => {
  const { token, count } = order;
  const workers: StartedWorker[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const worker = processes.find(nameOf(order, i)) ?? (await processes.start(workerAt(i)));
      workers.push({
        workerGroup: worker.workerGroup,
        workerId: worker.workerId,
        facts: { place, pid: worker.pid },
        secretDigest: digestOf(worker.secret),
      });
    }
    return { token, workers, errors: [] };
  } catch (error) {
    const { message: description, code = 'Error' } = error as { message: string; code?: string };
    const failure = {
      kind: 'creation-error',
      title: 'Process could not be started',
      description,
      code,
    };
    return { token, workers, errors: [failure] };
  }
};

const workerOf = (
  order: LaunchOrder,
  i: number,
  { deps, settings }: { readonly deps: ProviderContext; readonly settings: LocalSettings },
): LocalWorker => {
  const secret = slugid() + slugid();
  const workerId = nameOf(order, i);
  const { workerPoolId, token, capacityPerInstance } = order;
  return {
    workerPoolId,
    workerGroup: deps.providerId,
    workerId,
    token,
    secret,
    settings: {
      idleTimeoutSeconds,
      ...settings.workerSettings,
      rootUrl: deps.rootUrl(),
      provider: 'static',
      providerId: deps.providerId,
      taskQueueId: workerPoolId,
      workerGroup: deps.providerId,
      workerId,
      staticSecret: secret,
      capacity: capacityPerInstance,
    },
  };
};

const nameOf = ({ token }: LaunchOrder, i: number): string => `${token}-${i}`;

const refOf = ({
  workerPoolId,
  workerGroup,
  workerId,
}: Pick<WorkerRow, 'workerPoolId' | 'workerGroup' | 'workerId'>) => ({
  workerPoolId,
  workerGroup,
  workerId,
});

const seen =
  (worker: WorkerRow) =>
  (reason: string | undefined): SweptWorker =>
    reason === undefined
      ? { ...refOf(worker), state: 'running' }
      : { ...refOf(worker), state: 'gone', reason };
