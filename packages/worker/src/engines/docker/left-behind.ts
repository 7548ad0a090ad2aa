import type Docker from 'dockerode';
import type { Clock } from '../../clock.ts';
import { statusOf } from '../../retry.ts';
import { messageOf, type WorkerLog } from '../../worker-log.ts';
import { removeContainer } from './running-container.ts';

/** The labels of everything that a worker creates in a daemon, by which also the next worker recognizes it. */
export const labelNames = {
  /** The directory of the worker's runs, which one worker at a time uses on its machine. */
  runs: 'taskyard.runs',
  /** The directory of the task. */
  task: 'taskyard.task',
  /** The id of the worker's directory: workers of other machines may have one at the same path, and use the same daemon. */
  directory: 'taskyard.directory',
  worker: 'taskyard.worker',
  started: 'taskyard.started',
} as const;

const attemptsMax = 3;
const pauseMs = 500;

const unlessGone = async (act: Promise<unknown>): Promise<void> => {
  try {
    await act;
  } catch (error) {
    if (statusOf(error) !== 404) throw error;
  }
};

/** Removes all containers and networks with these values of labels. Returns how many there were. */
export const removeLabelled = async (
  docker: Docker,
  labels: Readonly<Record<string, string>>,
): Promise<number> => {
  const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => removeContainer(docker.getContainer(Id))));
  // Not before their containers: a network in use stays.
  const networks = await docker.listNetworks({ filters });
  await Promise.all(networks.map(({ Id }) => unlessGone(docker.getNetwork(Id).remove())));
  return containers.length + networks.length;
};

/**
 * Removes what is left of a task, which has these labels. A failure of the daemon does not change how the task ended: the
 * rest is removed when the worker ends, or when the next one starts.
 */
export const removeTask = async (
  docker: Docker,
  labels: Readonly<Record<string, string>>,
  { clock, log }: { clock: Clock; log: WorkerLog },
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await removeLabelled(docker, labels);
      return;
    } catch (error) {
      if (tries >= attemptsMax) {
        const task = labels[labelNames.task];
        log.warn({ task, error: messageOf(error) }, 'containers or networks of a task could not be removed');
        return;
      }
      // A network is in use for a moment after its last container has gone.
      await clock.sleep(pauseMs);
    }
  }
};
