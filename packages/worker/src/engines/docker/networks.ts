import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { ContainerSettings } from './settings.ts';

/** The network of a task's containers. */
export interface TaskNetwork {
  /** As Docker names it: a name, `host` or `none`. */
  readonly name: string;
  /** The address at which containers reach this machine; undefined when they cannot. */
  readonly workerAddress: string | undefined;
}

export interface Networks {
  /** The network of a task, which is created at the first call. */
  of(directory: string): Promise<TaskNetwork>;
  /** It has been removed. */
  forget(directory: string): void;
}

/** The networks of tasks: one for each, so that no task reaches the ports of another. */
export const openNetworks = (
  docker: Docker,
  {
    kind,
    labelsOf,
  }: { kind: ContainerSettings['network']; labelsOf(directory: string): Record<string, string> },
): Networks => {
  const made = new Map<string, Promise<TaskNetwork>>();
  const make = async (directory: string): Promise<TaskNetwork> => {
    const name = `taskyard-${randomBytes(8).toString('hex')}`;
    const network = await docker.createNetwork({ Name: name, Driver: 'bridge', Labels: labelsOf(directory) });
    const { IPAM } = (await network.inspect()) as { IPAM?: { Config?: readonly { Gateway?: string }[] } };
    return { name, workerAddress: IPAM?.Config?.[0]?.Gateway };
  };
  return {
    of: (directory) => {
      if (kind === 'none') return Promise.resolve({ name: 'none', workerAddress: undefined });
      if (kind === 'host') return Promise.resolve({ name: 'host', workerAddress: '127.0.0.1' });
      const network = made.get(directory) ?? make(directory);
      made.set(directory, network);
      network.catch(() => made.delete(directory));
      return network;
    },
    forget: (directory) => void made.delete(directory),
  };
};
