import type Docker from 'dockerode';
import type { ContainerCreateOptions } from 'dockerode';
import { statusOf } from '../retry.ts';

/** Names the image that a container only keeps in place. */
const holdsLabel = 'taskyard.holds';

/**
 * Keeps an image from being removed, also by another worker of the same daemon: by a container that never starts. Returns
 * what lets it go, which never rejects; undefined when there is no such image.
 */
export const holdImage = async (
  docker: Docker,
  id: string,
  labels: Readonly<Record<string, string>>,
): Promise<(() => Promise<void>) | undefined> => {
  const spec: ContainerCreateOptions = {
    Image: id,
    // An image need not name a command, but a container must have one.
    Entrypoint: ['held'],
    Labels: { ...labels, [holdsLabel]: id },
    HostConfig: { NetworkMode: 'none' },
  };
  try {
    const container = await docker.createContainer({
      _query: {},
      _body: spec,
    } as unknown as ContainerCreateOptions);
    // One that is left is removed with all others of the worker, at its end or at its next start.
    return () => container.remove({ force: true, v: true }).then(undefined, () => undefined);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
};
