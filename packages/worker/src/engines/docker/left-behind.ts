import type Docker from 'dockerode';
import type { Clock } from '../../clock.ts';
import { statusOf } from '../../retry.ts';
import { messageOf, type WorkerLog } from '../../worker-log.ts';
import { removeContainer } from './running-container.ts';

/** By these labels everything that a worker makes of a daemon is known, also to the worker that comes after it. */
export const labelNames = {
  /** Where the runs of the worker lie. One worker at a time has that directory, and so all that bears it. */
  runs: 'taskyard.runs',
  /** The directory of the task. */
  task: 'taskyard.task',
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

/** Removes all containers and networks that bear a label with this value. Returns how many there were. */
export const removeLabelled = async (
  docker: Docker,
  label: { readonly name: string; readonly value: string },
): Promise<number> => {
  const filters = { label: [`${label.name}=${label.value}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(containers.map(({ Id }) => removeContainer(docker.getContainer(Id))));
  // Not before their containers: a network in use stays.
  const networks = await docker.listNetworks({ filters });
  await Promise.all(networks.map(({ Id }) => unlessGone(docker.getNetwork(Id).remove())));
  return containers.length + networks.length;
};

/**
 * Removes what is left of a task. A daemon that fails to do that does not change how the task ended: what it
 * keeps is removed when the worker ends, or when the next one starts.
 */
export const removeTask = async (
  docker: Docker,
  task: string,
  { clock, log }: { clock: Clock; log: WorkerLog },
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      await removeLabelled(docker, { name: labelNames.task, value: task });
      return;
    } catch (error) {
      if (tries >= attemptsMax) {
        log.warn({ task, error: messageOf(error) }, 'containers or networks of a task could not be removed');
        return;
      }
      // A network is in use for a moment after its last container has gone.
      await clock.sleep(pauseMs);
    }
  }
};
